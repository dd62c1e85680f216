# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a registry's login goes, over real sockets."""

from __future__ import annotations

import http.server
import threading

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.images import engine, reference, registry

LOGIN = engine.Login("puller", "secret")
PLAIN = {"RegistryConfig": {"InsecureRegistryCIDRs": ["127.0.0.0/8"]}}


@pytest.fixture
def tokens():
    """A service of tokens without encryption: its address, and the logins that came."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"token": "t"}')

        def log_message(self, *_arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def asked(name, info, realm):
    """The registry's own part, after it has answered 401."""
    registry._Registry(reference.parse(name), LOGIN, info)._authorize(f'Bearer realm="{realm}",service="s"')


@pytest.mark.parametrize("realm", ["http://{}/token", "file:///etc/hostname"])
def test_a_registry_with_encryption_leads_a_login_nowhere_without(tokens, realm):
    address, seen = tokens
    with pytest.raises(ValueError, match=realm.partition(":")[0]):
        asked("registry.example:5000/a:1", {}, realm.format(address))
    assert seen == []


def test_a_registry_that_is_asked_without_encryption_gets_it_so(tokens):
    address, seen = tokens
    asked(f"{address}/a:1", PLAIN, f"http://{address}/token")
    assert seen == ["Basic cHVsbGVyOnNlY3JldA=="]
