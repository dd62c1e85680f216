# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a host has to what it should have: the steps, their order, and what an interrupted run leaves."""

from __future__ import annotations

import os

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.fence import apply, host, openings, units
from ansible_collections.vllm.cluster.plugins.module_utils.fence.errors import FenceError
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError

from .samples import ANYONE, item, read

FENCE = read(item(None, "10.9.0.2", interface="ib0"), item([29400], "10.9.0.2"), item([8000], *ANYONE))
OTHER = read(item(None, "10.9.0.3", interface="ib0"), item([29400], "10.9.0.3"))
PROGRAMS = {name: f"/sbin/{name}" for name in ("nft", "systemctl", "ufw", "firewall-cmd")}


class Machine:
    """A host that keeps its state in memory, behind the commands that the fence runs. fails: words of a command."""

    def __init__(self, root, ufw=False, firewalld=False):
        self.paths = host.Paths(str(root))
        self.table, self.kernel_edited, self.enabled, self.active = None, False, False, False
        self.ufw_on, self.ufw_rules = ufw, {("allow", "22/tcp"): "mine"}
        self.firewalld, self.policy = firewalld, None
        self.calls, self.fails, self.stale = [], None, False
        if ufw:
            self.write(f"{self.paths.ufw}/ufw.conf", "ENABLED=yes\n")
        self.host = host.Host(self.run, self.paths, PROGRAMS)

    def write(self, path, text):
        self._stop(f"write {path.rpartition('/')[2]}")
        self.stale = self.stale or "/etc/systemd/" in path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(text)

    def remove(self, path):
        self._stop(f"remove {path}")
        self.stale = self.stale or "/etc/systemd/" in path
        os.unlink(path)

    def _stop(self, call):
        if self.fails and self.fails in call:
            raise OSError(call)

    def read(self, path):
        try:
            with open(path, encoding="utf-8") as handle:
                return handle.read()
        except FileNotFoundError:
            return None

    def run(self, words):
        program, call = words[0].rpartition("/")[2], " ".join(words[1:])
        self.calls.append(f"{program} {call}")
        if self.fails and self.fails in self.calls[-1]:
            return 1, "", "it fails"
        return getattr(self, program.replace("-", "_"))(words[1:], call)

    def nft(self, words, call):
        if words[0] == "--file":
            self.table, self.kernel_edited = self.read(words[1]), False
        elif call.startswith("delete"):
            self.table = None
        elif words[0] == "--stateless":
            return (0, self.table + "# edited" * self.kernel_edited, "") if self.table else (1, "", "No such file")
        return 0, "", ""

    def systemctl(self, words, _call):
        verb = words[0]
        if verb == "show":
            stale = f"NeedDaemonReload={'yes' if self.stale else 'no'}\n"
            blocks = [
                f"{stale}ActiveState={'active' if state else 'inactive'}\nUnitFileState={'enabled' if on else ''}"
                for state, on in ((self.active, self.enabled), (False, False), (self.firewalld, True))
            ]
            return 0, "\n\n".join(blocks), ""
        self.stale = self.stale and verb != "daemon-reload"
        self.enabled = {"enable": True, "disable": False}.get(verb, self.enabled)
        self.active = {"start": True, "stop": False}.get(verb, self.active)
        if verb == "stop":
            self.table = None
        return 0, "", ""

    def ufw(self, words, call):
        if call == "status":
            return 0, f"Status: {'active' if self.ufw_on else 'inactive'}", ""
        if call == "show added":
            shown = (f"ufw {' '.join(rule)} comment '{mark}'" for rule, mark in self.ufw_rules.items())
            return 0, "\n".join(shown), ""
        if words[:2] == ["--force", "delete"]:
            del self.ufw_rules[tuple(words[2:])]
        else:
            self.ufw_rules[tuple(words[:-2])] = words[-1]
        self.write(f"{self.paths.ufw}/user.rules", "comment=" + b"vllm.cluster".hex())
        return 0, "", ""

    def firewall_cmd(self, _words, call):
        if call == "--reload":
            self.policy = self.read(self.paths.policy)
            return 0, "", ""
        return (0, self.policy.replace("  <rule", "\trule "), "") if self.policy else (1, "", "INVALID_POLICY")

    def settle(self, fence, never=(22,)):
        """One run of the module; what it says it did."""
        found = self.host.look()
        wanted = apply.want(fence, never, self.host, found)
        steps = apply.decide(wanted, found, self.host)
        self.calls.clear()
        apply.apply(steps, wanted, self.host, self, f"{self.paths.root}/trial.nft")
        return [step.what.replace(self.paths.root, "") for step in steps]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


MADE = [
    "write /etc/vllm/fence.nft",
    f"write /etc/systemd/system/{units.NAME}",
    f"write /etc/systemd/system/{units.DROP_IN}",
    "load the table inet vllm_cluster",
    "let systemd read its files",
    f"enable {units.NAME}",
    f"start {units.NAME}",
]


def test_a_fence_is_made_once_and_left_alone_then(machine):
    assert machine.settle(FENCE) == MADE
    assert machine.calls[0].startswith("nft --check")
    assert (machine.active, machine.enabled) == (True, True)
    assert machine.settle(FENCE) == []


def test_a_host_without_anything_to_fence_is_asked_and_not_changed(machine):
    assert machine.settle([]) == []
    assert machine.settle(read(item([8000], *ANYONE))) == []


@pytest.mark.parametrize("how", ["flushed", "edited"])
def test_a_table_that_somebody_changed_is_loaded_again(machine, how):
    machine.settle(FENCE)
    machine.table, machine.kernel_edited = (None, False) if how == "flushed" else (machine.table, True)
    assert machine.settle(FENCE) == ["load the table inet vllm_cluster"]
    assert machine.settle(FENCE) == []


def test_a_changed_fence_takes_the_old_ones_place_in_one_load(machine):
    machine.settle(FENCE)
    assert machine.settle(OTHER) == [MADE[0], "load the table inet vllm_cluster"]
    assert [call for call in machine.calls if call.startswith("nft") and "list" not in call][1:] == [
        f"nft --file {machine.paths.rules}"
    ]
    assert "delete table inet vllm_cluster" in machine.table


def test_all_is_removed_again(machine):
    machine.settle(FENCE)
    machine.settle([])
    assert (machine.table, machine.active, machine.enabled) == (None, False, False)
    paths = machine.paths
    assert [path for path in (paths.rules, paths.unit, paths.drop_in, paths.record) if machine.read(path)] == []
    assert machine.settle([]) == []


STEPS = ["fence.nft", f"write {units.NAME}", "loaded", "nft --file", "daemon-reload", "enable", "systemctl start"]


@pytest.mark.parametrize(
    ("before", "fails"), [*(([], step) for step in STEPS), *((OTHER, step) for step in STEPS[::2][:2])]
)
def test_what_a_failed_run_left_the_next_one_mends(machine, before, fails):
    machine.settle(before)
    machine.fails = fails
    with pytest.raises((FenceError, UnitError, OSError)):
        machine.settle(FENCE)
    machine.fails = None
    machine.settle(FENCE)
    assert machine.table == machine.read(machine.paths.rules)
    assert "10.9.0.2" in machine.table
    assert (machine.active, machine.enabled, machine.stale) == (True, True, False)
    assert machine.settle(FENCE) == []


def test_rules_that_nft_refuses_change_nothing(machine):
    machine.settle(OTHER)
    table = machine.table
    machine.fails = "nft --check"
    with pytest.raises(FenceError, match="it fails"):
        machine.settle(FENCE)
    assert machine.table == table == machine.read(machine.paths.rules)


def test_ssh_is_never_closed_and_nothing_is_changed_then(machine):
    with pytest.raises(FenceError, match="port 29400 would be closed"):
        machine.settle(FENCE, never=(29400,))
    assert machine.table is None
    assert [call for call in machine.calls if "show" not in call and "list" not in call] == []


def test_ufw_lets_members_in_before_the_fence_changes_and_drops_what_is_old_after(tmp_path):
    machine = Machine(tmp_path, ufw=True)
    assert machine.settle(FENCE)[:2] == [
        "ufw allow in on ib0 from 10.9.0.2 proto tcp",
        "ufw allow from 10.9.0.2 to any port 29400 proto tcp",
    ]
    assert machine.settle(FENCE) == []
    told = machine.settle(OTHER)
    assert told[0] == "ufw allow in on ib0 from 10.9.0.3 proto tcp"
    assert told[-1] == "ufw delete allow 8000/tcp"
    machine.settle([])
    assert machine.ufw_rules == {("allow", "22/tcp"): "mine"}


def test_rules_of_a_ufw_that_was_turned_off_are_taken_out_and_none_put_in(tmp_path):
    machine = Machine(tmp_path, ufw=True)
    machine.settle(FENCE)
    machine.ufw_on = False
    assert [told for told in machine.settle(OTHER) if told.startswith("ufw allow")] == []
    machine.settle([])
    assert machine.ufw_rules == {("allow", "22/tcp"): "mine"}


def test_firewalld_is_reloaded_when_the_policy_changes_and_only_then(tmp_path):
    machine = Machine(tmp_path, firewalld=True)
    policy = f"/etc/firewalld/policies/{openings.POLICY}.xml"
    assert machine.settle(FENCE)[:2] == [f"write {policy}", "reload firewalld"]
    assert machine.settle(FENCE) == []
    machine.policy = None
    assert machine.settle(FENCE) == ["reload firewalld"]
    assert machine.settle([])[:2] == [f"remove {policy}", "reload firewalld"]
    assert machine.settle([]) == []


def test_a_policy_of_a_firewalld_that_was_stopped_is_kept_in_step(tmp_path):
    machine = Machine(tmp_path, firewalld=True)
    machine.settle(FENCE)
    machine.firewalld = False
    assert machine.settle(OTHER)[0].startswith("write /etc/firewalld")
    assert "reload firewalld" not in machine.settle([])
    assert machine.read(machine.paths.policy) is None
