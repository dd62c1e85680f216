# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that run containers: where their processes are, by what Docker and /proc say, and how they are killed."""

from __future__ import annotations

import time
import types

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.guard import containers, model, program, systemd

from .test_systemd import block

ID = "3f" * 32
#: /proc/<pid>/cgroup of containers, by the host's cgroup version and Docker's driver.
V2_SYSTEMD = f"0::/system.slice/docker-{ID}.scope\n"
V2_CGROUPFS = f"0::/docker/{ID}\n"
V1_CGROUPFS = f"12:pids:/docker/{ID}\n5:cpu,cpuacct:/docker/{ID}\n1:name=systemd:/docker/{ID}\n"
V1_SYSTEMD = f"7:memory:/system.slice/docker-{ID}.scope\n1:name=systemd:/system.slice/docker-{ID}.scope\n"
HYBRID = f"{V1_SYSTEMD}0::/system.slice/docker.service\n"


@pytest.mark.parametrize(
    ("text", "group"),
    [
        (V2_SYSTEMD, f"/system.slice/docker-{ID}.scope"),
        (V2_CGROUPFS, f"/docker/{ID}"),
        (V1_CGROUPFS, f"/docker/{ID}"),
        (V1_SYSTEMD, f"/system.slice/docker-{ID}.scope"),
        (HYBRID, f"/system.slice/docker-{ID}.scope"),
        ("3:memory:/docker/x\n", ""),
        ("", ""),
        ("nonsense\n", ""),
    ],
)
def test_the_control_group_of_a_process(text, group):
    assert containers.group_of(text) == group


class Host:
    """A Docker that knows one container, and its process. Gives what ``Groups`` takes."""

    def __init__(self, folder, answer="echo 41"):
        self.asked, program = folder / "asked", folder / "docker"
        program.write_text(f'#!/bin/sh\necho "$@" >> {self.asked}\n{answer}\n')
        program.chmod(0o755)
        (folder / "proc" / "41").mkdir(parents=True)
        (folder / "proc" / "41" / "cgroup").write_text(V1_CGROUPFS)
        self.group = folder / "cgroup" / "systemd" / "docker" / ID
        self.group.mkdir(parents=True)
        (self.group / "cgroup.procs").write_text("41\n42\n")
        roots = (str(folder / "cgroup"), str(folder / "cgroup" / "systemd"))
        self.program = str(program)
        self.groups = containers.Groups(self.program, str(folder / "proc"), roots)

    def questions(self):
        return self.asked.read_text().splitlines() if self.asked.exists() else []

    def settled(self, invocation="i1", want=f"/docker/{ID}"):
        """What the guard's looks tell, one after the other, until they tell this."""
        end = time.monotonic() + 20
        while (found := self.groups.of("vllm-a-0.service", invocation)) != want and time.monotonic() < end:
            time.sleep(0.02)
        return found

    def asked_once(self):
        """Wait for the first question, which a thread puts."""
        end = time.monotonic() + 20
        while not self.questions() and time.monotonic() < end:
            time.sleep(0.02)
        return len(self.questions()) == 1


def test_docker_is_asked_once_an_invocation(tmp_path):
    host = Host(tmp_path)
    assert host.groups.of("vllm-a-0.service", "i1") == ""  # a look waits for nobody
    assert host.settled() == f"/docker/{ID}"
    for _look in range(5):
        assert host.groups.of("vllm-a-0.service", "i1") == f"/docker/{ID}"
    assert host.questions() == ["inspect --type=container --format={{.State.Pid}} vllm-a-0"]
    assert host.groups.of("vllm-a-0.service", "i2") == ""  # another life: what was known is over
    assert host.settled("i2") == f"/docker/{ID}"
    assert len(host.questions()) == 2


def test_a_group_that_is_gone_is_asked_for_again(tmp_path):
    host = Host(tmp_path)
    assert host.settled()
    (host.group / "cgroup.procs").unlink()
    assert host.groups.of("vllm-a-0.service", "i1") == ""


@pytest.mark.parametrize("answer", ["exit 1", "echo", "echo 0", "echo no such container", "echo 7777777"])
def test_no_container_yet_is_no_group_and_no_error(tmp_path, answer):
    host = Host(tmp_path, answer)
    assert host.groups.of("vllm-a-0.service", "i1") == ""
    assert host.asked_once()
    for _look in range(10):
        assert host.groups.of("vllm-a-0.service", "i1") == ""
        time.sleep(0.02)


def test_a_docker_that_hangs_is_asked_by_one_thread_and_keeps_nobody_waiting(tmp_path):
    host, began = Host(tmp_path, "sleep 9"), time.monotonic()
    for _look in range(10):
        assert host.groups.of("vllm-a-0.service", "i1") == ""
        time.sleep(0.02)
    assert time.monotonic() - began < 5
    assert host.asked_once()


def test_ranks_are_looked_for_in_the_containers_group_once_the_unit_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(systemd.ranks, "running", lambda group: frozenset({7}) if group == f"/docker/{ID}" else None)
    host = Host(tmp_path)
    names = ("vllm-a-0.service",)
    own = block(invocation="i1") + "ControlGroup=/system.slice/vllm-a-0.service\n"
    starting = block("activating", "start-pre", "0", invocation="i1")
    systemd.parse(starting, names, 100.0, host.groups)
    time.sleep(0.1)
    assert host.questions() == []  # an older container of the name may still be there
    assert host.settled()
    assert systemd.parse(own, names, 100.0, host.groups)[0] == model.Unit("i1", model.UP, 10.0, frozenset({7}))


def test_containers_are_killed_by_name(tmp_path):
    host = Host(tmp_path, "exit 1")
    containers.kill(("vllm-a-0-ray.service", "vllm-a-0.service"), host.program)
    assert host.questions() == ["kill vllm-a-0-ray", "kill vllm-a-0"]
    containers.kill(("vllm-a-0.service",), "/nonexistent/docker")


def test_a_docker_that_does_not_kill_is_not_waited_for(tmp_path):
    host, began = Host(tmp_path, "sleep 20"), time.monotonic()
    containers.kill(("vllm-a-0.service",), host.program, timeout_s=0.3)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("runs_containers", "first"), [(True, ["docker", "systemd"]), (False, ["systemd"])])
def test_the_container_is_killed_before_dockers_client(monkeypatch, runs_containers, first):
    killed = []
    monkeypatch.setattr(containers, "kill", lambda _units: killed.append("docker"))
    monkeypatch.setattr(systemd, "kill", lambda _units: killed.append("systemd"))
    guard = object.__new__(program.Guard)
    guard.config = types.SimpleNamespace(units=("vllm-a-0.service",))
    guard._containers = containers.Groups() if runs_containers else None
    guard._kill()
    assert killed == first
