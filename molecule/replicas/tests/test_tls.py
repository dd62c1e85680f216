# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front door with a certificate of an authority of our own, and a renewed one.

In order, and the last of the scenario: the door keeps TLS.
"""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import shutil
import ssl
import subprocess
import threading
import time

import pytest

from tests.testinfra.lab import main_pid

FOLDER = "/etc/ssl/front-door"
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


class Authority:
    """Signs certificates for the door's address."""

    def __init__(self, folder, address):
        self.folder, self.address = folder, address
        self._openssl("-subj", "/CN=Lab authority", "-keyout", "ca.key", "-out", "ca.pem")

    def _openssl(self, *words):
        openssl = shutil.which("openssl")
        assert openssl, "openssl is needed to make a certificate"
        command = [openssl, "req", "-x509", *EC, *words]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def renew(self, host):
        """Put another key and certificate in the door's place."""
        names = f"subjectAltName=IP:{self.address}"
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", names, "-addext", "basicConstraints=CA:FALSE")
        self._openssl("-subj", "/CN=door", *signed, "-keyout", "door.key", "-out", "door.pem")
        host.check_output("mkdir -p %s", FOLDER)
        for name, mode in (("door.pem", "644"), ("door.key", "600")):
            text = (self.folder / name).read_text()
            host.check_output("printf %%s %s | install -m %s /dev/stdin %s/%s", text, mode, FOLDER, name)

    def context(self):
        return ssl.create_default_context(cafile=str(self.folder / "ca.pem"))


@pytest.fixture(scope="module")
def authority(lab, door, tmp_path_factory):
    """The service is deployed once more, with TLS."""
    made = Authority(tmp_path_factory.mktemp("authority"), door.address)
    made.renew(door.host)
    services = json.loads(json.dumps(lab.variables["vllm_services"]))
    services[0]["router"]["tls"] = {"certificate": f"{FOLDER}/door.pem", "key": f"{FOLDER}/door.key"}
    run = lab.playbook("site.yml", extra={"vllm_services": services, "vllm_allow_restart": True})
    assert run.status == 0, run.output
    door.host.check_output("systemctl reload %s", door.unit)  # of a run before it has another authority's certificate
    door.tls = made.context()
    wait_for(lambda: serial(door))
    yield made
    door.tls = None


def serial(door):
    """The number of the certificate that a new client gets; None where it does not trust it."""
    connection = door.connection()
    try:
        connection.connect()
        return connection.sock.getpeercert()["serialNumber"]
    except ssl.SSLCertVerificationError:
        return None
    finally:
        connection.close()


def wait_for(condition, timeout=30):
    """A reload is a signal: nginx's old processes may take clients for a moment."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def completion(door, **changes):
    return json.dumps({"model": door.service, "prompt": "The quick brown fox", "max_tokens": 4, **changes})


@pytest.mark.usefixtures("authority")
def test_who_trusts_the_authority_is_served_and_who_does_not_leaves(door):
    assert door.send("GET", "/v1/models")[0] == 200
    status, _headers, body = door.send("POST", "/v1/completions", completion(door))
    assert (status, json.loads(body)["usage"]["completion_tokens"]) == (200, 4)
    assert door.send("GET", "/v1/models", key=None)[0] == 401
    stranger = http.client.HTTPSConnection(door.address, door.port, timeout=30, context=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.request("GET", "/health")


@pytest.mark.usefixtures("authority")
def test_nothing_is_served_without_encryption(door):
    """The port answers, in vLLM's form, that it could not read; no other port of the door is open."""
    plain = http.client.HTTPConnection(door.address, door.port, timeout=30)
    plain.request("GET", "/v1/models", headers={"Authorization": f"Bearer {door.keys['apps']}"})
    answer = plain.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]["code"]) == (400, 400)
    sockets = door.host.check_output("ss --listening --tcp --numeric --processes --no-header")
    assert {line.split()[3].rpartition(":")[2] for line in sockets.splitlines() if '"nginx"' in line} == {
        str(door.port)
    }


def test_the_key_stays_where_it_is_and_for_root(authority, door):
    key = door.host.file(f"{FOLDER}/door.key")
    assert (key.user, key.mode) == ("root", 0o600)
    line = (authority.folder / "door.key").read_text().splitlines()[1]
    grep = "grep --recursive --devices=skip --no-messages --files-with-matches --fixed-strings"
    held = door.host.run(f"{grep} -e %s /etc /run /tmp /var/lib/vllm /var/log", line)
    assert held.stdout.split() == [f"{FOLDER}/door.key"]


def stream(door):
    """All that comes of one long answer."""
    connection = door.connection()
    headers = {"Authorization": f"Bearer {door.keys['apps']}", "Content-Type": "application/json"}
    body = completion(door, stream=True, max_tokens=900, ignore_eos=True)
    try:
        connection.request("POST", "/v1/completions", body, headers)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_a_renewed_certificate_is_taken_while_streams_go_on(authority, door):
    """Three clients stream without a pause, so that the reload meets answers that are under way."""
    before, process = serial(door), main_pid(door.host, door.unit)
    authority.renew(door.host)
    assert serial(door) == before, "not before the reload"
    enough = threading.Event()

    def client():
        found = [stream(door)]
        while not enough.is_set():
            found.append(stream(door))
        return found

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        clients = [pool.submit(client) for _number in range(3)]
        try:
            time.sleep(1)
            door.host.check_output("systemctl reload %s", door.unit)
            wait_for(lambda: serial(door) != before)
        finally:
            enough.set()
        answers = [answer for client in clients for answer in client.result()]
    assert all(answer.endswith(b"data: [DONE]\n\n") for answer in answers), "a stream was cut"
    assert not [answer for answer in answers if b'data: {"error"' in answer]
    assert main_pid(door.host, door.unit) == process
    assert door.send("POST", "/v1/completions", completion(door))[0] == 200


def test_a_certificate_of_another_key_is_told_and_costs_nothing(authority, door):
    before = serial(door)
    other = (authority.folder / "ca.key").read_text()
    door.host.check_output("cp -p %s/door.key /root/kept && printf %%s %s > %s/door.key", FOLDER, other, FOLDER)
    try:
        assert door.host.run("systemctl reload %s", door.unit).rc != 0
        assert "key values mismatch" in door.host.check_output("journalctl --no-pager -n 20 -u %s", door.unit)
        assert (serial(door), door.send("GET", "/v1/models")[0]) == (before, 200)
    finally:
        door.host.check_output("mv /root/kept %s/door.key && systemctl reload %s", FOLDER, door.unit)
