# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a transaction's effects, on real files. What systemd does with them is Molecule's to show."""

from __future__ import annotations

import os

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.units import texts
from ansible_collections.vllm.cluster.plugins.module_utils.units.apply import apply, look
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError
from ansible_collections.vllm.cluster.plugins.module_utils.units.host_files import HostFiles
from ansible_collections.vllm.cluster.plugins.module_utils.units.systemctl import Systemctl
from ansible_collections.vllm.cluster.plugins.module_utils.units.transaction import Wanted, decide

A, B, C = "vllm-a-0.service", "vllm-b-0.service", "vllm-c-0.service"


class Witness:
    """In place of systemctl: notes each call and what the disk held then; units in ``broken`` do not come up."""

    def __init__(self, files):
        self.files = files
        self.calls = []
        self.disk = {}
        self.up = set()
        self.enabled = set()
        self.broken = set()
        self.killed_at = None

    def __call__(self, command):
        verb, names = command[1], [word for word in command[2:] if "." in word]
        if verb != "show":
            self.calls.append([verb, *names])
            self.disk[verb] = {name: self.files.read(name) for name in (A, B, C)}
        if verb == self.killed_at:
            raise KeyboardInterrupt
        return getattr(self, verb.replace("-", "_"), lambda _names: (0, "", ""))(names)

    def show(self, names):
        return 0, "\n\n".join(self.block(name) for name in names), ""

    def block(self, name):
        path = self.files.unit_path(name)
        return "\n".join(
            [
                f"Id={name}",
                f"ActiveState={'active' if name in self.up else 'failed' if name in self.broken else 'inactive'}",
                "SubState=running",
                f"UnitFileState={'enabled' if name in self.enabled else 'disabled'}",
                f"FragmentPath={path if os.path.exists(path) else ''}",
                "NeedDaemonReload=no",
                "Result=exit-code",
            ]
        )

    def start(self, names):
        self.up |= set(names) - self.broken
        bad = sorted(set(names) & self.broken)
        return (1, "", f"Job for {bad[0]} failed") if bad else (0, "", "")

    def restart(self, names):
        self.up -= set(names)
        return self.start(names)

    def stop(self, names):
        self.up -= set(names)
        return 0, "", ""

    def enable(self, names):
        self.enabled |= set(names)
        return 0, "", ""


@pytest.fixture(name="files")
def fixture_files(tmp_path):
    (tmp_path / "systemd").mkdir()
    return HostFiles(str(tmp_path / "systemd"), str(tmp_path / "env"), str(tmp_path / "records"))


@pytest.fixture(name="witness")
def fixture_witness(files):
    return Witness(files)


def service(name, exec_="/bin/x"):
    return Wanted(name, texts.stamp(name, f"[Service]\nExecStart={exec_}\n"), f'E="{exec_}"\n')


def run(wanted, files, witness):
    witness.calls, witness.disk = [], {}
    systemctl = Systemctl(witness)
    found = look(wanted, files, systemctl)
    transaction = decide(wanted, found, files.unit_dir)
    if transaction.changes:
        apply(transaction, wanted, found, files, systemctl)
    return transaction


def digest(unit):
    return texts.digest(unit.text, unit.environment)


def test_the_first_run_and_the_second(files, witness):
    wanted = [service(A), service(B)]
    run(wanted, files, witness)
    assert witness.calls == [["enable", A, B], ["daemon-reload"], ["start", A, B]]
    assert witness.disk["enable"][A].text == wanted[0].text
    assert witness.disk["start"][A].record is None
    assert files.read(A).record == digest(wanted[0])
    assert not run(wanted, files, witness).changes
    assert witness.calls == []


def test_a_record_is_gone_before_files_change_and_back_after_the_restart(files, witness, monkeypatch):
    run([service(A), service(B)], files, witness)
    changed = [service(A, "/bin/y"), service(B)]
    seen = []
    monkeypatch.setattr(files, "write_environment", lambda name, _text: seen.append(files.read(name)))
    run(changed, files, witness)
    assert [disk.record for disk in seen] == [None]
    assert witness.calls == [["daemon-reload"], ["restart", A]]
    assert witness.disk["restart"][A].record is None
    assert witness.disk["restart"][A].text == changed[0].text
    assert witness.disk["restart"][B].record == digest(changed[1])
    assert files.read(A).record == digest(changed[0])


@pytest.mark.parametrize("verb", ["daemon-reload", "restart"])
@pytest.mark.parametrize("then", ["/bin/y", "/bin/x"])
def test_a_killed_run_is_gone_on_with_or_taken_back(files, witness, verb, then):
    run([service(A)], files, witness)
    witness.killed_at = verb
    with pytest.raises(KeyboardInterrupt):
        run([service(A, "/bin/y")], files, witness)
    witness.killed_at = None
    assert run([service(A, then)], files, witness).names("restarts") == [A]
    assert files.read(A).record == digest(service(A, then))
    assert not run([service(A, then)], files, witness).changes


def interrupted(_name, _digest):
    raise KeyboardInterrupt


def test_a_run_killed_between_restart_and_record_then_taken_back_twice(files, witness, monkeypatch):
    # The process is made from y, the files say x again, and that run is killed too: x must not count as applied.
    run([service(A)], files, witness)
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_record", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run([service(A, "/bin/y")], files, witness)
    witness.killed_at = "daemon-reload"
    with pytest.raises(KeyboardInterrupt):
        run([service(A)], files, witness)
    witness.killed_at = None
    assert run([service(A)], files, witness).names("restarts") == [A]


def test_a_removed_unit_is_stopped_before_its_files_go(files, witness):
    run([service(A), service(B)], files, witness)
    run([service(A)], files, witness)
    assert witness.calls == [["stop", B], ["reset-failed", B], ["disable", B], ["daemon-reload"]]
    assert witness.disk["stop"][B].text is not None
    assert witness.disk["daemon-reload"][B].text is None
    assert files.ours() == [A]


def test_a_removal_killed_at_any_point_is_finished(files, witness):
    for verb in ("stop", "reset-failed", "disable"):
        run([service(A), service(B)], files, witness)
        witness.killed_at = verb
        with pytest.raises(KeyboardInterrupt):
            run([service(A)], files, witness)
        witness.killed_at = None
        run([service(A)], files, witness)
        assert files.ours() == [A]
        assert B not in witness.up


def test_a_unit_that_fails_keeps_nobody_down_and_is_named(files, witness):
    run([service(A)], files, witness)
    witness.broken = {B}
    wanted = [service(A, "/bin/y"), service(B), service(C)]
    with pytest.raises(UnitError) as caught:
        run(wanted, files, witness)
    assert caught.value.as_result()["failed_unit"] == B
    assert f"Job for {B} failed" in str(caught.value)
    assert witness.up == {A, C}
    assert [files.read(name).record for name in (A, B, C)] == [digest(wanted[0]), None, digest(wanted[2])]
    witness.broken = set()
    transaction = run(wanted, files, witness)
    assert {step.name: step.operations for step in transaction.steps} == {B: ["start"]}


def test_a_file_that_cannot_be_written_names_unit_and_step(files, witness):
    files.environment_dir = "/proc/none"
    with pytest.raises(UnitError) as caught:
        run([service(A)], files, witness)
    assert caught.value.as_result()["failed_unit"] == A
    assert caught.value.as_result()["failed_step"] == "write"
    assert files.read(A).text is None
