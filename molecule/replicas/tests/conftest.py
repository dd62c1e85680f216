# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's lab, its front door and its engines, as its tests use them."""

from __future__ import annotations

import http.client
import re
from pathlib import Path

import pytest

from tests.testinfra.lab import Lab
from tests.testinfra.requests import Stream


class Door:
    """The front door of the scenario's one service."""

    def __init__(self, lab):
        service = lab.variables["vllm_services"][0]
        router = service["router"]
        self.lab, self.service, self.host_name, self.port = lab, service["name"], router["host"], router["port"]
        self.keys, self.engine_key = router["api_keys"], service["api_key"]
        self.limits = router["limits"]
        self.address = lab.address(self.host_name)
        self.url = f"http://{self.address}:{self.port}"
        self.host = lab.host(self.host_name)
        self.unit, self.router_unit = f"vllm-{self.service}-door", f"vllm-{self.service}-router"

    def send(self, method, path, body=None, key="apps", headers=None, timeout=60):
        """Status, headers and body of one answer. key: a name of a key, or None."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        given = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **given, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def stream(self, **options):
        return Stream(self.url, self.service, self.keys["apps"], **options)


class Engine:
    """One replica: its host, its unit, its own address."""

    def __init__(self, lab, service, index, host):
        self.name, self.host = host, lab.host(host)
        self.unit = f"vllm-{service}-{index}"
        self.address = lab.address(host)

    def metric(self, pattern):
        """The sum of the samples whose line matches."""
        command = self.host.check_output("systemctl show --property=ExecStart --value %s", self.unit)
        port = re.search(r"--port (\d+)", command).group(1)
        text = self.host.check_output("curl -s http://%s:%s/metrics", self.address, port)
        return sum(float(line.split()[-1]) for line in text.splitlines() if re.match(pattern, line))

    def kill(self):
        """Every process of it, at once."""
        self.host.check_output("systemctl kill --signal=KILL %s", self.unit)


@pytest.fixture(scope="session")
def lab():
    return Lab(Path(__file__).resolve().parents[1] / "inventory")


@pytest.fixture(scope="session")
def door(lab):
    return Door(lab)


@pytest.fixture(scope="session")
def engines(lab, door):
    hosts = [host["name"] for host in lab.lab["lab_hosts"] if host["name"] != door.host_name]
    return [Engine(lab, door.service, index, host) for index, host in enumerate(hosts)]
