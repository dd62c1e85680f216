# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the front door lets in, and what it tells."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import re
import socket
import time

import pytest

PATHS = ("/", "/health", "/v1/models", "/v1/completions", "/metrics", "/workers", "/-/metrics", "/-/workers", "/nope")
WORDS = "an-unlikely-prompt-word"


def completion(door, **changes):
    return json.dumps({"model": door.service, "prompt": WORDS, "max_tokens": 4, "temperature": 0, **changes})


def complete(door, body, **options):
    return door.send("POST", "/v1/completions", body, **options)


def test_the_status_screen_asks_through_the_door(lab, door):
    run = lab.playbook("status.yml")
    assert run.status == 0, run.output
    assert re.search(rf"{door.service} +2 of 2 .*{re.escape(door.url)}", run.output), run.output


def locked(door, method, path, headers):
    """The answer to a wrong key, and not to many of them."""
    while True:
        status, told, body = door.send(method, path, "{}", key=None, headers=headers)
        if status != 429:
            return status, told, body
        assert told["Retry-After"] == "1"
        time.sleep(0.1)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_path_opens_without_a_right_key(door, method, path):
    right = door.keys["apps"]
    wrong = [None, right, "Bearer", f"Bearer {right}x", f"Bearer {right[:-1]}", f"Bearer {right.swapcase()}"]
    wrong += [f"Basic {right}", f"Bearer {door.engine_key}", f"Bearer {door.keys['jobs']}, Bearer {right}"]
    for value in wrong:
        headers = {} if value is None else {"Authorization": value}
        status, told, body = locked(door, method, path, headers)
        assert status == 401, (value, body)
        assert told["WWW-Authenticate"] == "Bearer"
        assert json.loads(body)["error"]["code"] == 401


def test_many_wrong_keys_are_told_to_wait_and_right_ones_are_served(door):
    """From the same address, at the same time."""
    wrong = {"Authorization": "Bearer guess"}
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(door.send, "GET", "/v1/models", key=None, headers=wrong) for _n in range(250)]
        right = [door.send("GET", "/v1/models")[0] for _n in range(20)]
        answers = [future.result() for future in asked]
    statuses = [status for status, _headers, _body in answers]
    assert set(statuses) == {401, 429}
    assert right == [200] * 20
    assert all("Retry-After" in headers for status, headers, _body in answers if status == 429)


@pytest.mark.parametrize("key", ["apps", "jobs"])
def test_each_key_opens(door, key):
    assert door.send("GET", "/v1/models", key=key)[0] == 200
    assert door.send("GET", "/health", key=key)[0] == 200
    status, _headers, body = complete(door, completion(door), key=key)
    assert status == 200
    assert json.loads(body)["usage"]["completion_tokens"] == 4


def test_what_is_not_allowed_is_not_there(door):
    for path in (
        "/workers",
        "/list_workers",
        "/remove_worker?url=x",
        "/metrics",
        "/v1/../workers",
        "/v1/%2e%2e/metrics",
    ):
        for method in ("GET", "POST"):
            assert door.send(method, path)[0] == 404, path


def test_operators_pages_are_for_named_networks(door):
    """The tests call from the machine of the lab, whose address is of no named network; loopback is of one."""
    for path in ("/-/metrics", "/-/workers", "/-/door"):
        assert door.send("GET", path)[0] == 403
        curl = "curl -s -o /dev/null -w %%{http_code} -X %s -K - http://127.0.0.1:%s%s <<'END'\n%s\nEND"
        quoted = door.keys["apps"].replace("\\", "\\\\").replace('"', '\\"')
        secret = f'header = "Authorization: Bearer {quoted}"'
        for method, status in (("GET", "200"), ("POST", "403"), ("DELETE", "403")):
            assert door.host.run(curl % (method, door.port, path, secret)).stdout == status, (method, path)


def test_vllm_router_is_reached_from_its_own_host_alone(door, engines):
    command = door.host.check_output("systemctl show --property=ExecStart --value %s", door.router_unit)
    for option in ("--port", "--prometheus-port"):
        port = re.search(rf"{option} (\d+)", command).group(1)
        assert door.host.run("curl -s -m 5 -o /dev/null http://127.0.0.1:%s/", port).rc == 0
        assert engines[0].host.run("curl -s -m 5 -o /dev/null http://%s:%s/", door.address, port).rc == 7


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ('{"model": "chat", ', {}, 400),
        ("[]", {}, 400),
        ("{}", {"Content-Type": "text/plain"}, 400),
        ('{"model": "nobody", "prompt": "a"}', {}, 404),
        ('{"model": "chat", "prompt": "a", "max_tokens": -1}', {}, 400),
        (json.dumps({"model": "chat", "prompt": "word " * 200_000}), {}, 400),
        (b"x" * 5_000_000, {}, 413),
        ("{}", {"X-Long": "a" * 30_000}, 413),
    ],
    ids=["cut JSON", "no object", "no JSON", "unknown model", "bad value", "1 MB prompt", "large body", "large header"],
)
def test_what_a_client_does_wrong_it_is_told(door, engines, body, headers, status):
    told, answered, text = complete(door, body, headers=headers)
    assert told == status, text
    assert answered["Content-Type"] == "application/json"
    error = json.loads(text)["error"]
    assert (bool(error["message"]), error["code"]) == (True, status)
    nothing_leaks(door, engines, answered, text)
    assert complete(door, completion(door))[0] == 200


def nothing_leaks(door, engines, headers, body):
    shown = f"{headers} {body.decode(errors='replace')}"
    secrets = [*door.keys.values(), door.engine_key, *(engine.address for engine in engines), "127.0.0.1"]
    assert not [secret for secret in secrets if secret in shown]
    assert headers["Server"] == "nginx", "a version or another program is named"
    assert not [name for name in headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("path", ["/v1/models", "/health", "/nope"])
def test_answers_name_nobody_behind_the_door(door, engines, path):
    _status, headers, body = door.send("GET", path)
    nothing_leaks(door, engines, headers, body)


def test_a_request_keeps_its_id_and_its_prompt_is_not_logged(door):
    request_id = f"test-{time.time_ns()}"
    status, headers, body = complete(door, completion(door), headers={"X-Request-Id": request_id})
    assert (status, headers["X-Request-Id"]) == (200, request_id)
    assert request_id in json.loads(body)["id"]
    assert complete(door, completion(door), headers={"X-Request-Id": 'a"b'})[1]["X-Request-Id"] != 'a"b'
    lines = door.host.check_output("journalctl --no-pager -o cat -u %s -n 200", door.unit).splitlines()
    line = next(json.loads(line) for line in lines if request_id in line)
    own = socket.create_connection((door.address, door.port))
    assert (line["client"], line["key"], line["status"]) == (own.getsockname()[0], "apps", "200")
    journal = door.host.check_output("journalctl --no-pager -o verbose")
    for secret in (WORDS, *door.keys.values(), door.engine_key):
        assert secret not in journal


def test_a_stream_arrives_as_it_is_made(door):
    body = completion(door, stream=True, max_tokens=200, ignore_eos=True).encode()
    with socket.create_connection((door.address, door.port), timeout=60) as client:
        head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.keys['apps']}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        moments = []
        while not (data := client.recv(65536)).endswith(b"0\r\n\r\n"):
            assert data
            moments.append(time.monotonic())
    assert len(moments) > 20, "tokens came in lumps"


def test_a_client_that_leaves_ends_its_request_in_the_engine(door, engines):
    def made():
        return sum(engine.metric("vllm:generation_tokens_total") for engine in engines)

    before = made()
    body = completion(door, stream=True, max_tokens=900, ignore_eos=True).encode()
    client = socket.create_connection((door.address, door.port), timeout=60)
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.keys['apps']}\r\n"
    client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    assert client.recv(100).startswith(b"HTTP/1.1 200")
    client.close()
    end = time.monotonic() + 20
    while sum(engine.metric("vllm:num_requests_running") for engine in engines):
        assert time.monotonic() < end, "the engine works on for nobody"
        time.sleep(0.2)
    assert made() - before < 450, "the engine went on after the client had left"


@pytest.mark.parametrize("whole_header", [False, True], ids=["header", "body"])
def test_slow_clients_are_left_and_keep_nobody_out(door, whole_header):
    """A byte a second, of a header or, with a right key, of a body."""
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.keys['jobs']}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100000\r\n" + ("\r\n" if whole_header else "X-Slow: ")
    count = door.limits["concurrent_per_key"] - 2 if whole_header else 300
    clients = [socket.create_connection((door.address, door.port), timeout=60) for _client in range(count)]
    for client in clients:
        client.sendall(head.encode())
    began = time.monotonic()
    try:
        assert complete(door, completion(door))[0] == 200
        if not whole_header:
            for _second in range(4):
                for client in clients:
                    client.sendall(b"a")
                time.sleep(1)
        clients[0].settimeout(30)
        with contextlib.suppress(ConnectionResetError):
            assert clients[0].recv(1000)[:12] in (b"", b"HTTP/1.1 408")
        assert time.monotonic() - began < 30
    finally:
        for client in clients:
            client.close()


def test_beyond_the_limits_a_key_is_told_to_wait_and_others_are_served(door):
    """concurrent_per_key: long answers at the same time."""
    limit = door.limits["concurrent_per_key"]
    body = completion(door, max_tokens=900, ignore_eos=True)  # the first is still at work when the last one comes
    with concurrent.futures.ThreadPoolExecutor(limit + 8) as pool:
        asked = []
        for _client in range(limit + 8):
            asked.append(pool.submit(complete, door, body, key="jobs", timeout=240))
            time.sleep(1.2 / door.limits["rate_per_key"])  # slower than the rate, whose queue refuses too
        time.sleep(1)
        assert complete(door, completion(door), timeout=240)[0] == 200
        answers = [future.result() for future in asked]
    refused = [headers for status, headers, _body in answers if status == 429]
    assert len(refused) == 8
    assert all(int(headers["Retry-After"]) >= 1 for headers in refused)
    assert sum(status == 200 for status, _headers, _body in answers) == limit


def test_beyond_the_rate_a_key_waits_in_a_queue_and_then_is_told_so(door):
    """Requests that cost nothing, faster than rate_per_key."""
    rate, queue = door.limits["rate_per_key"], door.limits["queue_per_key"]
    body = json.dumps({"model": "nobody", "prompt": "a"})
    time.sleep(1)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda _n: complete(door, body, key="jobs"), range(300)))
    seconds = time.monotonic() - began
    counts = {status: sum(answer[0] == status for answer in answers) for status in (404, 429)}
    assert sum(counts.values()) == 300
    assert counts[429] > 0
    assert 1 + queue <= counts[404] <= 2 + queue + rate * seconds
    assert all("Retry-After" in headers for status, headers, _body in answers if status == 429)


def test_files_are_for_root_and_the_distributions_nginx_is_left_off(door):
    folder = f"/etc/vllm/routers/{door.service}"
    for name in ("nginx.conf", "keys.conf"):
        file = door.host.file(f"{folder}/{name}")
        assert (file.user, file.mode) == ("root", 0o600)
    assert not door.host.service("nginx").is_running
    assert not door.host.service("nginx").is_enabled
    assert "masked" not in door.host.run("systemctl is-enabled nginx").stdout
    commands = door.host.check_output("ps -eo args")
    environments = door.host.check_output("cat /etc/systemd/system/vllm-*.service")
    for secret in (*door.keys.values(), door.engine_key):
        assert secret not in commands + environments


def test_what_talks_to_clients_is_not_root(door):
    users = door.host.check_output("ps -C nginx -o user:32=,args=").splitlines()
    assert [line for line in users if "worker process" in line and line.startswith("vllm-door")]
    assert [line for line in users if line.startswith("root")] == [line for line in users if "master process" in line]
