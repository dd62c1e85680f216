# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine in containers on several hosts, as tests break it and wait for it."""

from __future__ import annotations

import json
import time

#: How vLLM and Ray name the processes that hold a part of the model.
RANKS = ("VLLM::Worker", "ray::RayWorker")


class Contained:
    """service: an item of container_services. hosts: of its members, the head first."""

    def __init__(self, lab, service, hosts):
        self.lab, self.name, self.key, self.hosts = lab, service["name"], service["api_key"], hosts
        self.port, self.engine = service["port"], f"{service['name']}-0"
        #: The unit, and the container, that ranks are in.
        self.unit = f"vllm-{self.engine}-ray" if service["executor"] == "ray" else f"vllm-{self.engine}"

    def lives(self):
        """The ids of containers that a new life has anew: the API's, other members'. Ray's of the head may stay."""
        places = [(self.hosts[0], f"vllm-{self.engine}"), *((host, self.unit) for host in self.hosts[1:])]
        shown = [self.lab.host(host).run("docker inspect --format '{{.Id}}' %s", name) for host, name in places]
        return [found.stdout for found in shown]

    def ranks(self, host):
        """Process ids of the ranks in the member's container, as the host counts them."""
        told = self.lab.host(host).check_output("docker top %s -eo pid,comm", self.unit).splitlines()[1:]
        return [line.split()[0] for line in told if any(name in line for name in RANKS)]

    def status(self, host):
        return json.loads(self.lab.host(host).file(f"/run/vllm-guard/{self.engine}.status.json").content_string)

    def ask(self, timeout=10):
        body = {"model": self.name, "prompt": "The quick brown fox", "max_tokens": 8, "temperature": 0}
        return self.lab.ask(self.hosts[0], self.port, "/v1/completions", key=self.key, body=body, timeout=timeout)

    def heals(self, before, timeout=420):
        """Seconds until a token comes from a new life. before: the old one's containers."""
        began = time.monotonic()
        while True:
            if self.ask()[0] == 200 and not set(before) & set(self.lives()):
                return time.monotonic() - began
            assert time.monotonic() - began < timeout, self.status(self.hosts[0])
            time.sleep(1)

    def break_and_heal(self, command):
        """Run a command on the last member's host and print how long the group took. Why the head's guard acted."""
        victim, old = self.hosts[-1], self.status(self.hosts[0])["restarts"]
        self.lab.wait_for_guards(self.engine, *self.hosts)
        before = self.lives()
        self.lab.host(victim).check_output(command)
        print(f"{self.engine} on {', '.join(self.hosts)}: {command}: serves again after {self.heals(before):.0f} s")
        self.lab.wait_for_guards(self.engine, *self.hosts)
        now = self.status(self.hosts[0])["restarts"]
        return {reason for reason, count in now.items() if count != old.get(reason, 0)}
