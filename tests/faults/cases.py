# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults, and what each one is to come to."""

from __future__ import annotations

import dataclasses
import signal
import threading
import time
import typing as t

from .group import Group
from .hosts import Host
from .stream import Request

#: How the ranks show in the list of processes.
RANK = {"mp": "^VLLM::Worker", "ray": "^ray::RayWorker"}
#: The guard acts on a hang after so long (docs/guard.md: stalled_after_s).
HANG_S = 45.0
SLOW_LOAD_S = 60.0


@dataclasses.dataclass(frozen=True)
class Case:
    """One fault. befall: makes it, and gives the moment from which the way back counts (None: the fault's begin).

    heals: the engine must come back by itself; else nothing may restart, and watch_s is how long that is looked at.
    notice: whether the group must notice it (a host that is off notices nothing). wait_s: what the rules wait on
    purpose, on top of the engine's own start. restarts: how often the guard of the head may restart the group.
    """

    name: str
    text: str
    befall: t.Callable[[Group], float | None]
    heals: bool = True
    notice: bool = True
    wait_s: float = 0.0
    watch_s: float = 15.0
    restarts: int = 1
    executors: tuple[str, ...] = ("mp", "ray")


def _off(*turn: str, off_s: float = 10.0, apart_s: float = 20.0) -> t.Callable[[Group], float]:
    """Power failure of the named hosts, and their return in this order."""

    def befall(group: Group) -> float:
        hosts = [getattr(group, name) for name in turn]
        for host in hosts:
            host.power_off()
        time.sleep(off_s)
        for host in hosts:
            back = time.monotonic()
            host.power_on()
            if host is not hosts[-1]:
                time.sleep(apart_s)
        return back

    return befall


def _cut(seconds: float) -> t.Callable[[Group], float]:
    def befall(group: Group) -> float:
        group.worker.cable(False)
        try:
            time.sleep(seconds)
        finally:
            group.worker.cable(True)
        return time.monotonic()

    return befall


def _signal(place: str, number: signal.Signals, pattern: str | None, units: str = "") -> t.Callable[[Group], None]:
    def befall(group: Group) -> None:
        host: Host = getattr(group, place)
        host.signal(number, pattern or RANK[group.executor], units)

    return befall


def _stop_all(seconds: float) -> t.Callable[[Group], float]:
    """Every process of the engine on both hosts stands still; the guards do not."""

    def befall(group: Group) -> float:
        units = {host.name: group.units(host) for host in group.hosts}

        def send(number: signal.Signals) -> t.Callable[[Host], None]:
            return lambda host: [host.signal(number, ".", unit) for unit in units[host.name]] and None

        group.both(send(signal.SIGSTOP))
        try:
            time.sleep(seconds)
        finally:
            group.both(send(signal.SIGCONT))
        return time.monotonic()

    return befall


def _freeze(seconds: float, *places: str) -> t.Callable[[Group], float]:
    def befall(group: Group) -> float:
        hosts = [getattr(group, place) for place in places]
        for host in hosts:
            host.freeze(True)
        try:
            time.sleep(seconds)
        finally:
            for host in hosts:
                host.freeze(False)
        return time.monotonic()

    return befall


def _kill_main(group: Group) -> None:
    group.head.systemctl("kill", "--kill-who=main", "--signal=KILL", f"vllm-{group.head.engine}.service")


def _guard_stopped(group: Group) -> float:
    group.worker.systemctl("stop", group.guard)
    time.sleep(20)
    group.worker.systemctl("start", group.guard)
    return time.monotonic()


def _slow_load(group: Group) -> None:
    """The head's units are restarted as a person would; the model of both ranks loads for long."""
    file = "/run/vllm-lab-load-seconds"
    group.both(lambda host: host.do("sh", "-c", f"echo {SLOW_LOAD_S:g} > {file}"))
    group.head.systemctl("restart", "--no-block", *group.units(group.head))

    def tidy() -> None:
        """Each rank reads the file when it loads, which begins when the engine has ended: up to a minute later."""
        time.sleep(20)
        group.wait()
        group.both(lambda host: host.do("rm", "-f", file))

    threading.Thread(target=tidy).start()


def heavy(group: Group, seconds: float, clients: int = 64) -> list[Request]:
    """Many clients at once, each with one long answer after the other; some are still out when it returns."""
    until = time.monotonic() + seconds
    requests: list[Request] = []

    def client() -> None:
        while time.monotonic() < until:
            requests.append(Request(True, time.monotonic()))
            group.api.ask(requests[-1], 600, 300.0)

    threads = [threading.Thread(target=client, daemon=True) for _client in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    return requests


def _heavy(group: Group) -> None:
    heavy(group, 60.0)


CASES = (
    Case("worker-rank", "a worker's rank killed", _signal("worker", signal.SIGKILL, None)),
    Case("head-engine", "the head's `vllm serve` killed", _kill_main),
    Case("engine-core", "the engine core killed", _signal("head", signal.SIGKILL, "^VLLM::EngineCor")),
    Case("gcs", "Ray's GCS on the head killed", _signal("head", signal.SIGKILL, "gcs_server"), executors=("ray",)),
    Case(
        "raylet",
        "the raylet of a worker killed",
        _signal("worker", signal.SIGKILL, "raylet/raylet"),
        executors=("ray",),
    ),
    Case("worker-off", "worker host without power for 10 s", _off("worker")),
    Case("head-off", "head host without power for 10 s", _off("head")),
    Case(
        "all-off-worker-first",
        "all hosts without power, the worker back 20 s before the head",
        _off("worker", "head"),
        notice=False,
    ),
    Case(
        "all-off-head-first",
        "all hosts without power, the head back 20 s before the worker",
        _off("head", "worker"),
        notice=False,
    ),
    Case("cut-long", "network cut for 30 s", _cut(30.0)),
    Case(
        "hang-worker",
        "a worker's rank stopped (SIGSTOP), `/health` 200",
        _signal("worker", signal.SIGSTOP, None),
        wait_s=HANG_S,
    ),
    Case(
        "hang-core",
        "the engine core stopped (SIGSTOP), `/health` 200",
        _signal("head", signal.SIGSTOP, "^VLLM::EngineCor"),
        wait_s=HANG_S,
    ),
    Case("freeze-worker", "worker host frozen for 30 s", _freeze(30.0, "worker")),
    Case(
        "slow-load",
        "a restart by hand, with a model that loads 60 s longer",
        _slow_load,
        wait_s=SLOW_LOAD_S,
        restarts=0,
    ),
    Case("cut-short", "network cut for 3 s", _cut(3.0), heals=False),
    Case("guard-killed", "the head's guard killed", _signal("head", signal.SIGKILL, "vllm-guard"), heals=False),
    Case(
        "worker-guard-killed", "the worker's guard killed", _signal("worker", signal.SIGKILL, "vllm-guard"), heals=False
    ),
    Case("guard-stopped", "the worker's guard stopped for 20 s", _guard_stopped, heals=False),
    Case("freeze-all", "all hosts frozen for 30 s", _freeze(30.0, "worker", "head"), heals=False),
    Case("stop-all", "all of the engine's processes stopped for 30 s", _stop_all(30.0), heals=False, watch_s=20.0),
    Case("heavy", "64 clients with long answers for 60 s", _heavy, heals=False),
)


def named(name: str) -> Case:
    """The case of this name."""
    return next(case for case in CASES if case.name == name)
