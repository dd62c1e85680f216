# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines out of a front door and back: the real action and module, stand-ins for vllm-router, engines and systemd."""

from __future__ import annotations

import http.server
import json
import re
import threading
import urllib.parse

import pytest

UNIT = "vllm-chat-router.service"


class Server(http.server.ThreadingHTTPServer):
    """vllm-router and the engines on one port. The address of an engine is a path of it."""

    daemon_threads = True

    def __init__(self, marks):
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.engines = [f"http://127.0.0.1:{self.port}/{name}" for name in "ab"]
        self.known, self.counts, self.sick, self.asked, self.marks = list(self.engines), {}, [], [], marks
        self.pd = False
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if (self.server.marks / "killed").exists():  # a new process: it knows all that its command names
            (self.server.marks / "killed").unlink()
            self.server.known = list(self.server.engines)
        _empty, name, page = [*self.path.split("/"), ""][:3]
        if name == "workers":
            items = [{"url": url, "is_healthy": True} for url in self.server.known]
            return self.say(200, json.dumps({"workers": items}))
        if page == "health":
            return self.say(503 if name in self.server.sick else 200, "")
        left = self.server.counts.setdefault(name, [])
        count = left.pop(0) if left else 0
        if count == "again":  # somebody else starts vllm-router again
            self.server.known, count = list(self.server.engines), 1
        return self.say(200, f'vllm:num_requests_running{{engine="0"}} {count}\nvllm:num_requests_waiting 0.0\n')

    def do_POST(self):
        path, _mark, query = self.path.partition("?")
        url = urllib.parse.parse_qs(query)["url"][0]
        self.server.asked.append((path, url))
        if path == "/add_worker" and self.server.pd:
            return self.say(400, "no")
        (self.server.known.append if path == "/add_worker" else self.server.known.remove)(url)
        return self.say(200, "yes")

    def say(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words):
        pass


@pytest.fixture
def door(tmp_path, systemd, play):
    """Calls the task; its server, and what systemctl was told."""
    marks = tmp_path / "marks"
    marks.mkdir()
    server = Server(marks)
    systemctl = systemd.folder / "systemctl"
    systemctl.write_text(
        f'#!/bin/sh\necho "$*" >> {systemd.folder}/calls\ncase $1 in\n'
        f"kill) touch {marks}/killed {marks}/new ;;\n"
        f"show) test -e {marks}/new && test ! -e {marks}/stuck && echo two || echo one ;;\n"
        f"restart) touch {marks}/killed ;;\nesac\n"
    )

    def call(options=(), **arguments):
        given = {"unit": UNIT, "port": server.port, "mode": "replicas", "workers": server.engines, "settle": 0.5}
        return play("router_workers", {**given, **arguments}, options=options)

    call.server, call.marks, call.calls = server, marks, systemd.calls
    yield call
    server.shutdown()


def test_an_engine_is_taken_out_and_waited_for_and_put_back(door):
    server = door.server
    server.counts["a"] = [3, 2, 2, 1]
    rc, output, result = door(without=server.engines[:1], look=1)
    assert (rc, result["changed"], result["quiet"]) == (0, True, True), output
    assert result["removed"] == server.engines[:1]
    assert server.known == server.engines[1:]
    assert f"requests: {server.engines[0]} has " in output
    assert server.counts["a"] == []
    assert not door(without=server.engines[:1])[2]["changed"]
    rc, _output, result = door()
    assert (rc, result["added"], result["renewed"]) == (0, server.engines[:1], False)
    assert sorted(server.known) == server.engines
    assert not door()[2]["changed"]
    assert door.calls() == []


def test_requests_that_do_not_end_fail_the_task_unless_they_are_given_up(door):
    door.server.counts["a"] = [2] * 1000
    rc, output, result = door(without=door.server.engines[:1], drain_timeout=1)
    assert (rc, result["failed"]) == (2, True)
    assert re.search(r"a has 2 after [1-9] s\. Fix: a longer drain_timeout, or force", result["msg"]), output
    rc, output, result = door(without=door.server.engines[:1], drain_timeout=1, force=True)
    assert (rc, result["quiet"]) == (0, False)
    assert "given up" in output


def test_an_engine_that_comes_back_while_it_is_waited_for_is_taken_out_again(door):
    door.server.counts["a"] = [1, "again", 1]
    rc, _output, result = door(without=door.server.engines[:1], look=1)
    assert (rc, result["quiet"]) == (0, True)
    assert [path for path, _url in door.server.asked] == ["/remove_worker"] * 2
    assert door.server.known == door.server.engines[1:]


@pytest.mark.parametrize("case", ["pd", "sick"])
def test_what_cannot_be_added_comes_back_with_a_new_process(door, case):
    server = door.server
    server.known = server.engines[1:]
    server.pd, server.sick = case == "pd", ["a"] if case == "sick" else []
    rc, output, result = door(mode="pd" if case == "pd" else "replicas")
    assert (rc, result["changed"], result["renewed"], result["added"]) == (0, True, True, server.engines[:1]), output
    assert server.known == server.engines
    assert [call.split()[0] for call in door.calls() if not call.startswith("show")] == ["kill"]
    assert f"kill --kill-who=main --signal=TERM {UNIT}" in door.calls()


def test_answers_that_do_not_end_are_not_cut_unless_they_are_given_up(door):
    (door.marks / "stuck").touch()
    rc, _output, result = door(renew=True, drain_timeout=1)
    assert rc == 2
    assert f"{UNIT} still gives answers after 1 s" in result["msg"]
    rc, _output, result = door(renew=True, drain_timeout=1, force=True)
    assert (rc, result["renewed"]) == (0, True)
    assert door.calls()[-1] == f"restart {UNIT}"


def test_check_mode_tells_and_changes_nothing(door):
    rc, output, result = door(["--check", "--diff"], without=door.server.engines[:1])
    assert (rc, result["changed"], result["removed"]) == (0, True, door.server.engines[:1])
    assert f"-{door.server.engines[0]}" in output
    assert (door.server.asked, door.calls()) == ([], [])
    assert door(["--check"], renew=True)[2]["renewed"]
    assert door.calls() == []
