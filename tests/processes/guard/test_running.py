# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three guards as real processes on loopback addresses: they link, judge, restart, and come and go unnoticed."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time

import pytest

from tests.processes.guard.hosts import Engine, Guard, Systemd, free_port, until


class Group:
    def __init__(self, folder):
        self.port = free_port()
        secret = folder / "secret"
        secret.write_text("0123456789abcdef0123456789abcdef\n")
        secret.chmod(0o600)
        self.systemd = {name: Systemd(folder / name / "units", "vllm-e-0.service") for name in ("h", "w1", "w2")}
        self.engine = Engine(self.systemd["h"])
        common = {"secret_file": str(secret), "canary_every_s": 1, "stalled_after_s": 6, "suspect_after_s": 3}
        api = {"url": self.engine.url, "model": "e"}
        place = {"address": "127.0.0.1", "port": self.port}
        roles = {"h": {"role": "head", "listen": place, "members": ["w1", "w2"], "api": api}}
        for name in ("w1", "w2"):
            roles[name] = {"role": "worker", "head": place}
        self.guards = {
            name: Guard(folder / name, self.systemd[name], member=name, **roles[name], **common) for name in roles
        }

    def start(self):
        for guard in self.guards.values():
            guard.start()
        until(lambda: self.guards["h"].said().count("serving") and self.phase() == "serving")
        until(lambda: all(member["joined"] for member in self.guards["h"].status()["members"].values()))
        return self

    def phase(self):
        try:
            return self.guards["h"].status()["phase"]
        except FileNotFoundError:
            return None

    def restarts(self):
        return {name: len(systemd.restarts()) for name, systemd in self.systemd.items()}

    def close(self):
        for guard in self.guards.values():
            if guard.process and guard.process.poll() is None:
                guard.process.kill()
                guard.process.wait()
            guard.socket.close()
        self.engine.close()


@pytest.fixture
def group(tmp_path):
    made = Group(tmp_path)
    yield made.start()
    made.close()


def test_a_worker_that_restarts_takes_the_group_with_it_once(group):
    # Old enough to have sought its place in the old group; a younger one would be left alone.
    group.systemd["w1"].put("vllm-e-0.service", age=10.0)
    took = until(lambda: group.restarts() == {"h": 1, "w1": 1, "w2": 1})
    assert took < 12
    time.sleep(6)
    assert group.restarts() == {"h": 1, "w1": 1, "w2": 1}
    lines = [line for line in group.guards["h"].said().splitlines() if "group restart" in line]
    assert lines == ["group restart: units of member w1 were restarted; epoch 1 -> 2"]
    until(lambda: group.guards["w2"].status()["epoch"] == 2)
    metrics = (group.guards["h"].state / "e-0.prom").read_text()
    assert 'vllm_guard_restarts_total{engine="e-0",role="head",reason="member-restarted"} 1' in metrics
    assert 'vllm_guard_member_up{engine="e-0",role="head",member="w1"} 1' in metrics


def test_a_change_of_phase_is_in_every_status_at_once(group):
    """Who looks at a member must not read what was so seconds ago (playbooks/status.yml)."""
    group.systemd["h"].put("vllm-e-0.service")
    until(lambda: group.phase() == "loading")
    until(lambda: group.phase() == "serving")
    assert until(lambda: group.guards["w1"].status()["phase"] == "serving") < 2.5


def test_a_head_that_restarts_is_followed(group):
    group.systemd["h"].put("vllm-e-0.service")
    until(lambda: group.restarts() == {"h": 0, "w1": 1, "w2": 1})
    time.sleep(4)
    assert group.restarts() == {"h": 0, "w1": 1, "w2": 1}


def test_a_guard_killed_or_stopped_changes_nothing_while_tokens_come(group):
    group.guards["w1"].process.kill()
    group.guards["w1"].process.wait()
    until(lambda: "member w1 is not heard: nothing is done, tokens come" in group.guards["h"].said())
    group.guards["w1"].start()
    until(lambda: "member w1 is heard again" in group.guards["h"].said())
    began = time.monotonic()
    assert group.guards["h"].stop() == 0
    assert time.monotonic() - began < 2
    group.guards["h"].start()
    until(lambda: group.guards["h"].said().count("serving") or group.phase() == "serving")
    time.sleep(8)
    assert group.restarts() == {"h": 0, "w1": 0, "w2": 0}


def test_a_lost_member_without_tokens_restarts_the_head_alone(group):
    group.engine.hangs = True
    group.guards["w1"].process.kill()
    took = until(lambda: group.restarts()["h"] == 1)
    assert took < 8
    assert "group restart: member w1 lost (silent " in group.guards["h"].said()
    assert group.restarts()["w1"] == 0


def test_a_hang_behind_a_good_health_is_seen(group):
    group.engine.hangs = True
    until(lambda: "suspect: no progress" in group.guards["h"].said())
    assert group.restarts()["h"] == 0
    until(lambda: group.restarts()["h"] == 1)
    assert "the canary is not answered; epoch 1 -> 2" in group.guards["h"].said()


def told(guard):
    """What systemd was told since it was last asked."""
    words = []
    guard.socket.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            words.append(guard.socket.recv(100))
    return words


def test_systemd_without_an_answer_restarts_nothing_and_the_watchdog_is_fed(group):
    group.systemd["h"].broken()
    until(lambda: "Failed to connect to bus" in group.guards["h"].said())
    time.sleep(3)
    assert set(told(group.guards["h"])) == {b"READY=1", b"WATCHDOG=1"}
    group.systemd["h"].broken(False)
    time.sleep(2)
    assert group.restarts() == {"h": 0, "w1": 0, "w2": 0}


@pytest.mark.parametrize("text", ["{", '{"version": 1, "role": "head", "member": "h", "state": {"deeds": 3}}'])
def test_damaged_files_are_said_and_not_used(group, text):
    record = group.guards["h"].state / "e-0.json"
    group.guards["h"].stop()
    record.write_text(text)
    group.guards["h"].start()
    until(lambda: "damaged" in group.guards["h"].said())
    until(lambda: len(record.read_text()) > 100)
    assert os.stat(record).st_mode & 0o777 == 0o600
    time.sleep(3)
    assert group.restarts() == {"h": 0, "w1": 0, "w2": 0}


def test_the_canary_carries_the_key_and_no_file_shows_a_secret(group):
    assert set(group.engine.keys) == {"Bearer sk-canary"}
    for path in group.guards["h"].state.iterdir():
        assert "sk-canary" not in path.read_text()
        assert "0123456789abcdef" not in path.read_text()
    json.loads((group.guards["h"].state / "e-0.status.json").read_text())


def test_strangers_are_refused_and_the_group_goes_on(group):
    idle = [socket.create_connection(("127.0.0.1", group.port)) for _count in range(40)]
    loud = socket.create_connection(("127.0.0.1", group.port))
    loud.sendall(b"GET / HTTP/1.1\r\n\r\n" + b"x" * 100_000)
    time.sleep(5)
    closed = 0
    for sock in [*idle, loud]:
        sock.settimeout(1)
        try:
            while sock.recv(4096):
                pass
            closed += 1
        except ConnectionError:
            closed += 1
        sock.close()
    assert closed == 41
    assert group.guards["h"].said().count("refused") == 1
    assert all(member["up"] for member in group.guards["h"].status()["members"].values())
    assert group.restarts() == {"h": 0, "w1": 0, "w2": 0}


def test_a_new_program_takes_over_in_the_same_process_and_restarts_nothing(group):
    guard = group.guards["h"]
    new = guard.folder / "new.pyz"
    new.write_bytes(guard.program.read_bytes())
    new.replace(guard.program)
    until(lambda: "the program was replaced" in guard.said())
    time.sleep(1)
    told(guard)
    time.sleep(3)
    assert b"WATCHDOG=1" in told(guard), "systemd would end it for its silence"
    until(lambda: group.phase() == "serving")
    assert guard.process.poll() is None
    time.sleep(3)
    assert group.restarts() == {"h": 0, "w1": 0, "w2": 0}
    assert guard.said().count("serving") == 1
