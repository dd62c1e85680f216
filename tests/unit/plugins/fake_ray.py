# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small real HTTP server in a thread that answers as the dashboard of Ray 2.60 did in the lab."""

from __future__ import annotations

import http.server
import json
import threading
import typing as t

import pytest

TOKEN = "0123456789abcdef0123456789abcdef"
STATUS = """======== Autoscaler status: 2026-11-21 11:10:09.982712 ========
Node status
---------------------------------------------------------------
Active:
 1 node_4cda18cbde623d8207b0c1e5317e50bdfe3cec0f419ffa6958ac0e5f
 1 node_671f9d7ee62b41e68e685e291a429d867731bb394cbf83adca27e6e7
Pending:
 (no pending nodes)
Recent failures:
 (no failures)

Resources
---------------------------------------------------------------
Total Usage:
 0.0/8.0 CPU
 2.0/2.0 GPU (2.0 used of 2.0 reserved in placement groups)
 0B/42.86GiB memory
 0B/2.00GiB object_store_memory

From request_resources:
 (none)
Pending Demands:
 (no resource demands)"""


def node(address: str, **changes: t.Any) -> dict[str, t.Any]:
    """An item of /api/v0/nodes."""
    resources = {f"node:{address}": 1.0, "GPU": 1.0, "CPU": 4.0}
    plain = {"node_id": "4cda18cb", "node_ip": address, "is_head_node": False, "state": "ALIVE", "state_message": None}
    return {**plain, "resources_total": resources, **changes}


class FakeRay(http.server.ThreadingHTTPServer):
    """``faults``: path -> (status, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.nodes = [node("10.9.0.2"), node("10.9.0.1", is_head_node=True)]
        self.faults: dict[str, tuple[int, str]] = {}
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FakeRay

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        nodes = {"total": len(self.server.nodes), "result": self.server.nodes}
        pages = {
            "/api/version": {"version": "4", "ray_version": "2.60.0", "session_name": "session_x"},
            "/api/v0/nodes": {"result": True, "data": {"result": nodes}},
            "/api/cluster_status": {"result": True, "data": {"clusterStatus": STATUS}},
        }
        status, body = self.server.faults.get(path, (200, json.dumps(pages.get(path))))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            status, body = 401, "Unauthorized"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_words: t.Any) -> None:
        pass


@pytest.fixture
def fake_ray() -> t.Iterator[FakeRay]:
    server = FakeRay()
    yield server
    server.shutdown()
    server.server_close()
