# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A front door and the engines behind it, as tests of services with several engines use them."""

from __future__ import annotations

import http.client
import re
import time

from tests.testinfra.requests import Stream


class Door:
    """The front door of a service. service: its item of vllm_services.

    tls: an ssl.SSLContext, by which :meth:`send` asks from then on.
    """

    tls = None

    def __init__(self, lab, service):
        router = service["router"]
        self.lab, self.service, self.host_name, self.port = lab, service["name"], router["host"], router["port"]
        self.engine_key = service["api_key"]
        self.keys = router.get("api_keys") or {"default": self.engine_key}
        self.limits = router.get("limits", {})
        self.address = lab.address(self.host_name)
        self.url = f"http://{self.address}:{self.port}"
        self.host = lab.host(self.host_name)
        self.unit, self.router_unit = f"vllm-{self.service}-door", f"vllm-{self.service}-router"

    def send(self, method, path, body=None, key="", headers=None, timeout=60):
        """Status, headers and body of one answer. key: a name of a key, by default the first, or None."""
        connection = self.connection(timeout)
        value = None if key is None else self.keys[key or next(iter(self.keys))]
        given = {"Authorization": f"Bearer {value}"} if value else {}
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **given, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def connection(self, timeout=60):
        if self.tls is None:
            return http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        return http.client.HTTPSConnection(self.address, self.port, timeout=timeout, context=self.tls)

    def stream(self, **options):
        return Stream(self.url, self.service, next(iter(self.keys.values())), **options)

    def wait_for_router(self, path="/health", wanted="", times=1, timeout=60):
        """Until vllm-router answers, and its answer holds the text so many times."""
        command = self.host.check_output("systemctl show --property=ExecStart --value %s", self.router_unit)
        url = f"http://127.0.0.1:{command.partition('--port ')[2].split()[0]}{path}"
        end = time.monotonic() + timeout
        while True:
            answer = self.host.run("curl -sf %s", url)
            if answer.rc == 0 and answer.stdout.count(wanted) >= times:
                return
            assert time.monotonic() < end, f"vllm-router is not back after {timeout} s: {answer.stdout}"
            time.sleep(0.5)


class Engine:
    """One engine of one host: its host, its unit, its own address. name: of the host."""

    def __init__(self, lab, engine, host):
        self.name, self.engine, self.host = host, engine, lab.host(host)
        self.unit = f"vllm-{engine}"
        self.address = lab.address(host)
        self._port = None

    def port(self):
        """Of its API; it stays the same over restarts."""
        if self._port is None:
            command = self.host.check_output("systemctl show --property=ExecStart --value %s", self.unit)
            self._port = re.search(r"--port (\d+)", command).group(1)
        return self._port

    def metric(self, pattern):
        """The sum of the samples whose line matches."""
        text = self.host.check_output("curl -s http://%s:%s/metrics", self.address, self.port())
        return sum(float(line.split()[-1]) for line in text.splitlines() if re.match(pattern, line))

    def served(self):
        """Requests that it has answered."""
        return self.metric("vllm:request_success_total.*")

    def wait_for_requests(self, timeout=30):
        """Until it has answered one since its start: vllm-router looks at its engines every two seconds."""
        end = time.monotonic() + timeout
        while not self.served():
            assert time.monotonic() < end, f"{self.unit} answers and got no requests in {timeout} s"
            time.sleep(0.5)

    def kill(self):
        """Every process of it, at once."""
        self.host.check_output("systemctl kill --signal=KILL %s", self.unit)

    def wait(self, timeout=300):
        """Seconds until it answers by itself."""
        began = time.monotonic()
        while True:
            try:
                self.metric("vllm:num_requests_running")
                return time.monotonic() - began
            except AssertionError:
                assert time.monotonic() - began < timeout, f"{self.unit} is not back after {timeout} s"
                time.sleep(1)
