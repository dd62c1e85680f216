# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/faults counts: requests by what became of them, and rows by what the hosts said."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time

import pytest

from tests.faults import cases, measure, stream, table
from tests.faults.group import Group
from tests.faults.hosts import Host, Line

TOKEN = json.dumps({"usage": {"completion_tokens": 8}}).encode()
CHUNK = b'data: {"choices": [{"text": "a"}]}\n\n'
ANSWERS = {
    "token": (200, [TOKEN]),
    "none": (200, [b'{"usage": {"completion_tokens": 0}}']),
    "dead": (500, [b"EngineDeadError"]),
    "stream": (200, [CHUNK, CHUNK, b"data: [DONE]\n\n"]),
    "short": (200, [CHUNK]),
    "silent": (200, []),
    "error": (200, [CHUNK, b'data: {"error": {"message": "EngineDeadError"}}\n\n', b"data: [DONE]\n\n"]),
    "key": (401, [b"Unauthorized"]),
}


@pytest.fixture
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        answer = "token"

        def log_message(self, *arguments):
            pass

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status, parts = ANSWERS[Handler.answer]
            self.send_response(status)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(b"".join(parts))

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made, Handler
    made.shutdown()
    made.server_close()


def asked(server, answer, streamed):
    made, handler = server
    handler.answer = answer
    request = stream.Request(streamed, time.monotonic())
    stream.Api(f"http://127.0.0.1:{made.server_port}", "m", "k").ask(request, 8, 5.0)
    return request


@pytest.mark.parametrize(
    ("answer", "streamed", "outcome"),
    [
        ("token", False, stream.OK),
        ("stream", True, stream.OK),
        ("none", False, stream.BROKEN),
        ("dead", False, stream.LOST),
        ("dead", True, stream.LOST),
        ("silent", True, stream.LOST),
        ("short", True, stream.BROKEN),
        ("error", True, stream.BROKEN),
    ],
)
def test_what_became_of_a_request(server, answer, streamed, outcome):
    assert asked(server, answer, streamed).outcome == outcome


def test_nobody_listens_and_the_wrong_key():
    request = stream.Request(False, time.monotonic())
    stream.Api("http://127.0.0.1:9", "m", "k").ask(request, 8, 5.0)
    assert request.outcome == stream.LOST
    assert request.ended is not None


def test_an_answer_that_no_fault_explains_is_no_figure(server):
    with pytest.raises(stream.Unexpected, match="answers 401"):
        asked(server, "key", False)


def test_the_stream_keeps_its_pace_and_its_bound(server, monkeypatch):
    made, _handler = server
    gate = threading.Event()
    monkeypatch.setattr(
        stream.Api, "ask", lambda _api, request, *_rest: gate.wait() and setattr(request, "outcome", "ok")
    )
    api = stream.Api(f"http://127.0.0.1:{made.server_port}", "m", "k")
    with stream.Stream(api, every_s=0.01, most=6) as running:
        end = time.monotonic() + 30
        while not running.held and time.monotonic() < end:
            time.sleep(0.01)
        gate.set()
    assert len(running.requests) >= 6
    assert running.held > 0
    assert running.out() == 0


def request(began, ended, outcome="ok", streamed=False):
    return stream.Request(streamed, began, ended=ended, outcome=outcome)


def test_the_service_is_back_with_the_first_good_answer_after_the_last_bad_one():
    bad = [request(10, 12, "broken"), request(11, 40, "late"), request(15, 15, "lost"), request(30, 30, "lost")]
    good = [request(9, 10.5), request(29, 41), request(31, 42), request(32, 42.5)]
    assert stream.served_again(bad + good, 10) == 42
    assert stream.served_again([request(1, 2, "lost"), request(11, 12)], 10) == 12
    assert stream.served_again([*bad, request(29, 41)], 10) is None


GROUP = Group(Host("a", "eth0", "g-0"), Host("b", "eth0", "g-0"), stream.Api("http://a:1", "g", "k"), "mp")
GUARD, ENGINE = "vllm-g-0-guard.service", "vllm-g-0.service"


def line(at, host, text, systemd=False, unit=GUARD):
    return Line(at, host, unit, systemd, 4, text)


def found(name, lines, requests=(), back=100.0):
    case = cases.named(name)
    row = measure.row(GROUP, case, list(requests), lines, 100.0, back, 160.0)
    return measure.judged(case, row, 20.0, 1.0)


KILLED = [
    line(101, "b", f"{ENGINE}: Main process exited, code=killed, status=9/KILL", True, ENGINE),
    line(102, "a", "group restart: units of member b died; epoch 1 -> 2"),
    line(104, "a", f"Started {ENGINE} - vLLM engine g-0.", True, ENGINE),
    line(104, "a", f"Started {GUARD} - Guard.", True, GUARD),
    line(105, "b", f"Started {ENGINE} - vLLM engine g-0.", True, ENGINE),
    line(125, "a", "serving: epoch 2, 21 s after it began"),
]
ASKED = [request(99, 101, "broken"), request(101, 101, "lost"), request(126, 127), request(140, 141)]


def test_a_row():
    row = found("worker-rank", KILLED, ASKED)
    assert (row.noticed_s, row.noticed_by, row.serving_s, row.load_s) == (1.0, "systemd", 27.0, 21.0)
    assert (row.starts, row.restarts) == ((1, 1), 1)
    assert (row.sent, row.lost, row.broken, row.late) == (3, 1, 1, 0)
    assert row.faults == ()
    assert "| a worker's rank killed | 1.0 s (systemd) | 27 s | 21 s | 1, 1 | 3 | 1 | 1 | 0 |" in table.table([row])


@pytest.mark.parametrize(
    ("lines", "requests", "words"),
    [
        (KILLED, [*ASKED[:2], request(136, 136, "lost"), request(137, 138)], "serves again after 38 s"),
        (KILLED, ASKED[:2], "does not serve again"),
        ([item._replace(at=item.at + 10) for item in KILLED], ASKED, "noticed after 11.0 s"),
        ([], ASKED, "never noticed"),
        ([*KILLED, line(110, "a", "group restart: no progress")], ASKED, "restarted the group 2 times, 1 is right"),
    ],
)
def test_a_missed_goal_is_told(lines, requests, words):
    (fault,) = found("worker-rank", sorted(lines), requests).faults
    assert words in fault
    assert fault in table.table([found("worker-rank", sorted(lines), requests)])


def test_where_nothing_may_restart_a_start_is_a_fault():
    assert found("guard-killed", [line(101, "a", f"Started {GUARD}", True, GUARD)], ASKED).faults == ()
    alone = [line(104, "b", f"Started {ENGINE} - vLLM engine g-0.", True, ENGINE)]
    assert found("guard-killed", alone).faults == ("engine units were started: 0 on the head, 1 on the worker",)
    assert found("guard-killed", KILLED, ASKED).faults == ("engine units were started: 1 on the head, 1 on the worker",)


def test_names_are_for_the_command_line_and_stand_once():
    names = [case.name for case in cases.CASES]
    assert len(set(names)) == len(names)
    assert not [name for name in names if name != name.lower() or " " in name]
