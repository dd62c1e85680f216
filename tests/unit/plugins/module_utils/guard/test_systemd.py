# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemctl shows to states, by blocks of real systemd 252, and the word to the manager."""

from __future__ import annotations

import socket
import threading

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.guard import model, systemd


def block(active="active", sub="running", pid="812", entered="90000000", load="loaded", invocation="ab12"):
    return (
        f"Id=a.service\nLoadState={load}\nActiveState={active}\nSubState={sub}\nInvocationID={invocation}\n"
        f"MainPID={pid}\nActiveEnterTimestampMonotonic={entered}\n"
    )


def only(text, now=100.0):
    return systemd.parse(text, ("a.service",), now)[0]


def test_a_running_unit_and_its_age():
    assert only(block()) == model.Unit("ab12", model.UP, 10.0)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (block("activating", "start-pre", "0"), model.UP),
        (block("activating", "start", "9"), model.UP),
        (block("reloading", "reload"), model.UP),
        (block("activating", "auto-restart", "0"), model.DEAD),
        (block("activating", "auto-restart-queued", "0"), model.DEAD),
        (block("inactive", "dead-before-auto-restart", "0"), model.DEAD),
        (block("active", "exited", "0"), model.DEAD),
        (block("deactivating", "stop-sigterm"), model.STOPPING),
        (block("inactive", "dead", "0"), model.DOWN),
        (block("failed", "failed", "0"), model.DOWN),
        (block("inactive", "dead", "0") + "Job=0\n", model.DOWN),
        (block("inactive", "dead", "0") + "Job=4711\n", model.STOPPING),
        (block("failed", "failed", "0") + "Job=4711\n", model.STOPPING),
        (block("inactive", "dead", "0", load="not-found", invocation=""), model.DOWN),
        (block("active", "running", load="not-found"), model.DOWN),
    ],
)
def test_states(text, state):
    assert only(text).state == state


def test_a_unit_that_starts_has_no_age_yet():
    assert only(block("activating", "start-pre", "0")).age == 0.0


def test_two_units_are_as_bad_as_the_worse_and_as_old_as_the_younger():
    text = block(entered="10000000", invocation="r") + "\n" + block("activating", "auto-restart", "0", invocation="e")
    units = systemd.parse(text, ("ray.service", "a.service"), 100.0)
    assert model.together(units) == model.Own("r+e", model.DEAD, 0.0)


def test_fewer_blocks_than_units_are_no_answer():
    with pytest.raises(systemd.NoAnswer, match="1 units of 2"):
        systemd.parse(block(), ("a.service", "b.service"), 100.0)


def test_no_systemctl_is_no_answer():
    with pytest.raises(systemd.NoAnswer, match="No such file"):
        systemd.show(("a.service",), 1.0, "/nonexistent/systemctl")
    assert not systemd.shuts_down("/nonexistent/systemctl")


def test_orders_are_restart_of_what_runs_and_kill(tmp_path):
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n[ "$1" != is-system-running ] || echo stopping\n')
    program.chmod(0o755)
    systemd.restart(("ray.service", "a.service"), str(program))
    systemd.kill(("a.service",), str(program))
    assert systemd.shuts_down(str(program))
    assert (tmp_path / "asked").read_text().splitlines() == [
        "--no-block try-restart -- ray.service a.service",
        "kill --signal=SIGKILL -- a.service",
        "is-system-running",
    ]


def test_an_order_that_systemd_refuses_is_told(tmp_path):
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\necho 'Failed: no bus' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(systemd.NoAnswer, match="ended with 1: Failed: no bus"):
        systemd.restart(("a.service",), str(program))
    systemd.kill(("a.service",), str(program))


def test_the_word_to_systemd(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "10000000")
        notifier = systemd.Notifier()
        notifier.say("READY=1")
        assert receiver.recv(100) == b"READY=1"
        notifier.alive(5.0)
        notifier.alive(5.4)
        notifier.alive(6.0)
        assert [receiver.recv(100), receiver.recv(100)] == [b"WATCHDOG=1"] * 2
        receiver.setblocking(False)
        with pytest.raises(BlockingIOError):
            receiver.recv(100)


def test_a_systemd_that_does_not_read_stops_nobody(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notifier = systemd.Notifier()
        told = threading.Thread(target=lambda: [notifier.say("WATCHDOG=1") for _time in range(2000)], daemon=True)
        told.start()
        told.join(5)
        assert not told.is_alive()


def test_without_systemd_nothing_is_said(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    notifier = systemd.Notifier()
    notifier.say("READY=1")
    notifier.alive(1.0)
