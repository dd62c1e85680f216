# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that ends when a prefill engine is a new one, against servers that answer as Mooncake's does."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.router import follow, places, reading, units

from .doors import PAIRS, changed


class Bootstrap:
    """A bootstrap server. engine: the id of its engine, or None: it answers with an error."""

    def __init__(self, engine):
        self.engine, self.asked = engine, 0
        bootstrap = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                bootstrap.asked += 1
                self.send_response(200 if bootstrap.engine and self.path == "/query" else 503)
                self.end_headers()
                self.wfile.write(json.dumps({"0": {"engine_id": bootstrap.engine, "worker_addr": {}}}).encode())

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def servers():
    made = [Bootstrap("one"), Bootstrap("two")]
    yield made
    for bootstrap in made:
        bootstrap.server.shutdown()
        bootstrap.server.server_close()


@pytest.fixture
def program(servers):
    command = [sys.executable, "-I", follow.__file__, *(server.url for server in servers)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def wait_asked(servers, more):
    """Until each server was asked so many times more."""
    goals = [server.asked + more for server in servers]
    end = time.monotonic() + 60
    while any(server.asked < goal for server, goal in zip(servers, goals)):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_runs_while_engines_are_the_same_or_down_and_ends_when_one_is_new(servers, program):
    wait_asked(servers, 2)
    servers[0].engine = None
    wait_asked(servers, 2)
    servers[0].engine = "one"
    wait_asked(servers, 2)
    assert program.poll() is None
    servers[1].engine = "new"
    assert servers[1].url in program.communicate(timeout=60)[1]
    assert program.returncode == 0


def test_an_engine_that_was_down_at_the_start_is_new(servers):
    servers[0].engine = None
    found = []
    thread = threading.Thread(target=lambda: found.extend(follow.follow([servers[0].url], pause_s=0.05)))
    thread.start()
    wait_asked(servers[:1], 3)
    assert not found
    servers[0].engine = "one"
    thread.join(30)
    assert found == [servers[0].url]


@pytest.mark.parametrize("document", [None, [], "x", {}, {"0": 1}, {"0": {"worker_addr": {}}}])
def test_an_answer_without_engines_says_nothing(document):
    assert follow.ids(document) == frozenset()
    assert follow.changed({"u": frozenset("a")}, {"u": follow.ids(document)}) == []


def test_vllm_router_restarts_with_it_where_the_connector_is_mooncake():
    item = changed(changed(PAIRS, "workers.0.bootstrap_port", 8998), "workers.1.bootstrap_port", 8999)
    first, router = units.units(reading.parse({**item, "connector": "mooncake"}))[:2]
    assert router["restart_with"] == [first["name"]]
    assert first["exec"][2:] == [places.FOLLOW, "http://10.0.0.1:8998", "http://10.0.0.2:8999"]
    assert "follow" not in str(units.units(reading.parse(PAIRS)))
