# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange: answers, the many ways to give none, and the limit on the whole of it."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import transport


def test_an_answer_with_its_body_and_time(fake_vllm):
    response = transport.exchange("GET", fake_vllm.url + "/v1/models", 5)
    assert response.status == 200
    assert response.json() == {"data": [{"id": "tiny"}]}
    assert 0 < response.seconds < 5


def test_an_error_status_is_an_answer(fake_vllm):
    fake_vllm.faults["/health"] = "503"
    assert transport.exchange("GET", fake_vllm.url + "/health", 5).status == 503


def test_a_body_that_is_no_json_is_none(fake_vllm):
    assert transport.exchange("GET", fake_vllm.url + "/health", 5).json() is None


def test_nobody_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(transport.NoAnswer, match="connection refused"):
        transport.exchange("GET", f"http://127.0.0.1:{port}/health", 5)


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_the_limit_covers_the_whole_exchange(fake_vllm, fault):
    fake_vllm.faults["/health"] = fault
    began = time.monotonic()
    with pytest.raises(transport.NoAnswer, match=r"no whole answer within 0\.5 s") as caught:
        transport.exchange("GET", fake_vllm.url + "/health", 0.5)
    assert 0.4 < time.monotonic() - began < 6
    assert 0.4 < caught.value.seconds < 6


def test_a_listener_that_accepts_nothing():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _filler in range(3)]  # fill the backlog, so that the next connect waits
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        with pytest.raises(transport.NoAnswer, match=r"took no connection within 0\.3 s"):
            transport.exchange("GET", f"http://127.0.0.1:{port}/", 0.3)
        for filler in fillers:
            filler.close()


def test_a_closed_connection_is_told(fake_vllm):
    fake_vllm.faults["/health"] = "close"
    with pytest.raises(transport.NoAnswer, match="closed the connection without an answer"):
        transport.exchange("GET", fake_vllm.url + "/health", 5)


def test_an_unknown_host_is_told():
    with pytest.raises(transport.NoAnswer, match="host name is not known"):
        transport.exchange("GET", "http://no-such-host.invalid/", 5)


def test_proxies_of_the_environment_are_not_used(fake_vllm, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert transport.exchange("GET", fake_vllm.url + "/health", 5).status == 200


def test_lines_come_one_by_one(fake_vllm):
    lines = []
    payload = {"model": "tiny", "max_tokens": 2, "stream": True}
    transport.exchange("POST", fake_vllm.url + "/v1/completions", 5, payload=payload, on_line=lines.append)
    assert lines[-2:] == [b"data: [DONE]", b""]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://127.0.0.1:8000", None),
        ("https://host/base", None),
        ("127.0.0.1:8000", "begin with http"),
        ("ftp://host", "begin with http"),
        ("http://", "names no host"),
        ("http://host:port", "Port could not be cast"),
        ("http://host:70000", "out of range"),
        ("http://user:secret@host", "user name or password"),
    ],
)
def test_addresses(url, fault):
    found = transport.fault(url)
    assert found is None if fault is None else fault in found


def test_join_keeps_a_base_path():
    assert transport.join("http://host:8000/base/", "/health") == "http://host:8000/base/health"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    openssl = shutil.which("openssl")
    assert openssl, "openssl is needed to make a certificate"
    folder = tmp_path_factory.mktemp("tls")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def tls_url(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        try:
            with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (OSError, ssl.SSLError):
            return  # the client refused the certificate

    threading.Thread(target=serve, daemon=True).start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
    listener.close()


def test_a_certificate_of_a_trusted_authority(tls_url, certificate):
    context = transport.tls_context(ca_path=str(certificate / "cert.pem"))
    assert transport.exchange("GET", tls_url, 5, tls=context).body == b"ok"


def test_a_strange_certificate_is_refused(tls_url):
    with pytest.raises(transport.NoAnswer, match="certificate is not accepted: self"):
        transport.exchange("GET", tls_url, 5)


def test_a_strange_certificate_is_taken_when_told(tls_url):
    assert transport.exchange("GET", tls_url, 5, tls=transport.tls_context(validate=False)).status == 200
