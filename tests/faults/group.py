# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine under test: its two hosts, and what it takes to say that it is whole."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import time
import typing as t

from .hosts import Host, Line
from .stream import OK, Api, Request

#: Sets the row of restarts back, so that no fault meets the back-off that an earlier one earned.
_RESTED = """
import json, os, sys
path = sys.argv[1]
with open(path) as file: record = json.load(file)
record["state"]["decisions"].update(row=0, last_restart=None)
with open(path + ".new", "w") as file: json.dump(record, file)
os.chmod(path + ".new", 0o600)
os.replace(path + ".new", path)
"""


@dataclasses.dataclass(frozen=True)
class Group:
    """An engine over two hosts of a lab."""

    head: Host
    worker: Host
    api: Api
    executor: str

    @classmethod
    def of(cls, lab: t.Any, engine: str, executor: str) -> t.Self:
        """From the inventory of a lab (tests.testinfra.lab), whose first two hosts are the engine's."""
        head, worker = (Host(item["name"], item.get("interface", "eth0"), engine) for item in lab.lab["lab_hosts"][:2])
        service = next(item for item in lab.variables["vllm_services"] if engine == f"{item['name']}-0")
        url = f"http://{lab.address(head.name)}:{service['port']}"
        return cls(head, worker, Api(url, service["name"], service["api_key"]), executor)

    @property
    def hosts(self) -> tuple[Host, Host]:
        return self.head, self.worker

    @property
    def guard(self) -> str:
        return f"vllm-{self.head.engine}-guard.service"

    def both(self, act: t.Callable[[Host], t.Any]) -> None:
        """Do something on both hosts at once."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(act, self.hosts))

    def units(self, host: Host) -> list[str]:
        """The engine's units on a host, without the guard."""
        return list(host.status()["units"])

    def answers(self, limit_s: float = 10.0) -> bool:
        """Whether a token comes back."""
        request = Request(False, time.monotonic())
        self.api.ask(request, 1, limit_s)
        return request.outcome == OK

    def whole(self) -> bool:
        """Whether both guards say that all is well, and a token comes back."""
        head, worker = self.head.status(), self.worker.status()
        members = head.get("members", {"": {}}).values()
        return (
            head.get("phase") == worker.get("phase") == "serving"
            and not head.get("suspect")
            and head.get("epoch") == worker.get("epoch")
            and all(member.get("up") and member.get("joined") and not member.get("fault") for member in members)
            and self.answers()
        )

    def wait(self, limit_s: float = 300.0) -> None:
        """Wait until it is whole. Raises TimeoutError."""
        deadline = time.monotonic() + limit_s
        while not self.whole():
            if time.monotonic() > deadline:
                said = json.dumps([host.status() for host in self.hosts], indent=1)
                raise TimeoutError(f"the engine is not whole after {limit_s:g} s: {said}")
            time.sleep(1)

    def rest(self) -> None:
        """Wait until it is whole and its guard thinks of no earlier restart."""
        self.wait()
        record = f"/run/vllm-guard/{self.head.engine}.json"
        self.head.systemctl("stop", self.guard)
        try:
            self.head.do("python3", "-c", _RESTED, record)
        finally:
            self.head.systemctl("start", self.guard)
        self.wait(60)

    def start_s(self) -> float:
        """Seconds that the engine needs from an orderly start of all its units to a token."""
        units = {host.name: self.units(host) for host in self.hosts}
        self.both(lambda host: host.systemctl("stop", *units[host.name]))
        began = time.monotonic()
        self.both(lambda host: host.systemctl("start", *units[host.name]))
        while not self.answers():
            if time.monotonic() - began > 600:
                raise TimeoutError("the engine does not start")
            time.sleep(0.3)
        return time.monotonic() - began

    def last_start_s(self) -> float:
        """The same as the head's guard saw it last, for those who have no time to measure."""
        lines = [line.text for line in self.head.journal(time.monotonic() - 3600) if line.text.startswith("serving: ")]
        return float(lines[-1].partition(", ")[2].split()[0])

    def journal(self, since: float) -> list[Line]:
        """What both hosts said, in order."""
        return sorted(line for host in self.hosts for line in host.journal(since))
