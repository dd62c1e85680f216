# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated cluster under real decisions of the guard: hosts, systemd, a network and an engine.

The engine is as bad as the measured ones: a rank never notices that another died, a restarted worker finds its place in
the old group taken and waits for ever, the head's API stays up while requests hang. Time goes in halves of a second.
"""

from __future__ import annotations

import dataclasses
import itertools
import random

from ansible_collections.vllm.cluster.plugins.module_utils.guard import head, model, worker

STEP = 0.5
HEAD = "h"
_serial = itertools.count(1)


@dataclasses.dataclass
class Process:
    id: str
    born: float
    import_s: float
    slots: dict[str, str] = dataclasses.field(default_factory=dict)  # of a head: the ranks that joined it
    joined: Process | None = None  # of a worker: the head it met first, for life
    loaded: float | None = None


@dataclasses.dataclass
class Host:
    name: str
    phase: float
    powered: bool = True
    paused: bool = False
    process: Process | None = None
    unit: str = model.DOWN
    until: float = 0.0  # of a state that ends by itself
    stop_s: float = 0.5
    guard: object | None = None
    guard_from: float = 0.0
    file: dict | None = None
    replies: model.View | None = None
    replied: float = -99.0


class World:
    def __init__(
        self, seed=0, workers=("w1",), rules=None, notices=False, load_s=20.0, units_from=None, guard_from=None
    ):
        self.random = random.Random(seed)
        self.rules = rules or model.Rules()
        self.notices, self.load_s = notices, load_s
        self.now = 0.0
        self.hosts = {name: Host(name, self.random.choice([0, 0.5])) for name in (HEAD, *workers)}
        self.workers = workers
        self.cut: set[str] = set()  # workers whose cable is out
        self.fenced: set[str] = set()  # workers whose guard alone cannot reach the head
        self.busy = False
        self.tokens = 0.0
        self.canary: tuple[float, Process] | None = None
        self.ended: model.Canary | None = None
        self.beats: dict[str, model.Beat] = {}
        self.polled = 0.0
        self.log: list[tuple[float, str, object]] = []
        self.events: list[tuple[float, object]] = []
        for name, host in self.hosts.items():
            host.unit, host.until = model.DEAD, (units_from or {}).get(name, 0.0)
            host.guard_from = (guard_from or {}).get(name, 0.0)
            host.stop_s = self.random.choice([0.5, 3.0, 8.0])

    # what people and fate do
    def at(self, when, act):
        self.events.append((when, act))

    def kill(self, name):
        host = self.hosts[name]
        if host.powered and host.unit == model.UP:
            host.process, host.unit, host.until = None, model.DEAD, self.now + 5

    def restart(self, name):
        host = self.hosts[name]
        if host.powered and host.unit in (model.UP, model.DEAD):
            host.unit, host.until = model.STOPPING, self.now + host.stop_s

    def stop(self, name):
        self.hosts[name].unit, self.hosts[name].process = model.DOWN, None

    def start(self, name):
        self.hosts[name].unit, self.hosts[name].until = model.DEAD, self.now

    def off(self, name, seconds):
        host = self.hosts[name]
        host.powered, host.process, host.unit, host.guard, host.file, host.paused = (
            False,
            None,
            model.DOWN,
            None,
            None,
            False,
        )
        up = self.now + seconds
        self.at(up, lambda: self._boot(host, up))

    def _boot(self, host, up):
        host.powered, host.unit, host.until = True, model.DEAD, up + self.random.uniform(1, 8)
        host.guard_from = up + self.random.uniform(1, 8)

    def guard_again(self, name, seconds=1.0, forget=False):
        host = self.hosts[name]
        host.guard, host.guard_from = None, self.now + seconds
        if forget:
            host.file = None

    # how the world goes on
    def run(self, until):
        while self.now < until:
            self.now += STEP
            for event in [event for event in self.events if event[0] <= self.now]:
                self.events.remove(event)
                event[1]()
            self._systemd()
            self._engine()
            for host in self.hosts.values():
                if host.powered and (self.now + host.phase) % 1 == 0:
                    self._guard(host)
        return self

    def _systemd(self):
        for host in self.hosts.values():
            if host.powered and host.unit in (model.DEAD, model.STOPPING) and self.now >= host.until:
                host.process = Process(f"{host.name}{next(_serial)}", self.now, self.random.uniform(7.5, 14))
                host.unit = model.UP

    def _imported(self, host):
        process = host.process
        if host.paused or not host.powered or host.unit != model.UP or process is None:
            return None
        return process if self.now >= process.born + process.import_s else None

    def _engine(self):
        top = self._imported(self.hosts[HEAD])
        for name in self.workers:
            host = self.hosts[name]
            process = self._imported(host)
            if process and process.joined is None and top and name not in self.cut:
                process.joined = top
                top.slots.setdefault(name, process.id)
            if self.notices and process and process.joined and process.joined is not self.hosts[HEAD].process:
                self.kill(name)
        if top and top.loaded is None and len(top.slots) == len(self.workers) and self._whole(top):
            top.loaded = self.now + self.load_s
        if top and self.notices and any(not self._alive(name, top) for name in top.slots):
            self.kill(HEAD)
        if self.works():
            self.tokens += 1 if self.busy else 0
            if self.canary and self.now - self.canary[0] >= 0.5:
                self.tokens += 1
                self.ended = model.Canary("token", self.canary[0], self.now - self.canary[0])
                self.canary = None
        if self.canary and self.hosts[HEAD].process is not self.canary[1]:
            self.ended = model.Canary("failed", self.canary[0], self.now - self.canary[0])
            self.canary = None

    def _alive(self, name, top):
        process = self.hosts[name].process
        return process is not None and process.id == top.slots.get(name)

    def _whole(self, top):
        return all(
            self._alive(name, top) and not self.hosts[name].paused and name not in self.cut for name in self.workers
        )

    def works(self):
        top = self._imported(self.hosts[HEAD])
        return bool(top and top.loaded is not None and self.now >= top.loaded and self._whole(top))

    def _api(self):
        host = self.hosts[HEAD]
        if host.paused:
            return model.Api(waiting=self.now - self.polled)
        self.polled = self.now
        top = self._imported(host)
        ended, self.ended = self.ended, None
        if top is None or top.loaded is None or self.now < top.loaded:
            return model.Api(health="refused", canary=ended)
        return model.Api("ok", {"0": model.Page((self.tokens,), 1.0 if self.busy else 0.0)}, ended)

    def _units(self, host):
        process = host.process
        return (model.Unit(process.id if process else "-", host.unit, self.now - process.born if process else 0.0),)

    def _guard(self, host):
        if self.now < host.guard_from:
            return
        is_head = host.name == HEAD
        if host.guard is None:
            if is_head:
                host.guard = head.restored(host.file, self.workers, self.now) if host.file else head.new(self.workers)
            else:
                host.guard = worker.restored(host.file) if host.file else worker.Worker()
        units = self._units(host)
        actions = self._lead(host, units) if is_head else self._serve(host, units)
        for action in actions:
            self.log.append((self.now, host.name, action))
            if isinstance(action, model.Restart):
                self.restart(host.name)
            elif isinstance(action, model.Kill):
                host.until = self.now
            elif isinstance(action, model.Ask):
                self.canary = (self.now, host.process)

    def _linked(self, name):
        worker_host, top = self.hosts[name], self.hosts[HEAD]
        both = worker_host.guard is not None and top.guard is not None and worker_host.powered and top.powered
        return both and name not in self.cut and name not in self.fenced

    def _lead(self, host, units):
        linked = frozenset(name for name in self.workers if self._linked(name))
        beats = {name: beat for name, beat in self.beats.items() if name in linked}
        self.beats = {}
        host.guard, actions = head.decide(host.guard, units, beats, linked, self._api(), self.now, self.rules)
        host.file = head.kept(host.guard)
        return actions

    def _serve(self, host, units):
        view = None
        if host.replies is not None and self.now - host.replied < self.rules.lost_after_s:
            late = self.now - host.replied
            proved = host.replies.proved
            view = host.replies._replace(age=host.replies.age + late, proved=None if proved is None else proved + late)
        host.guard, actions = worker.decide(host.guard, units, view, self.now, self.rules)
        host.file = worker.kept(host.guard)
        if self._linked(host.name):
            self.beats[host.name] = worker.beat(host.guard)
            host.replies, host.replied = head.view(self.hosts[HEAD].guard, host.name, self.now), self.now
        return actions

    # what the tests ask
    def restarts(self, name=None, since=0.0):
        return [
            (when, host, action.text)
            for when, host, action in self.log
            if isinstance(action, model.Restart) and when >= since and name in (None, host)
        ]

    def said(self, word):
        return [(when, action.text) for when, _host, action in self.log if word in getattr(action, "text", "")]

    def one_epoch(self):
        top = self.hosts[HEAD].guard
        return all(self.hosts[name].guard.record.epoch == top.epoch.id for name in self.workers)
