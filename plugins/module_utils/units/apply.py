# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a host's units and carries a transaction out, in an order in which an interruption does no harm."""

from __future__ import annotations

import contextlib
import typing as t

from . import texts
from .errors import UnitError
from .host_files import HostFiles
from .systemctl import Systemctl
from .transaction import Found, Step, Transaction, Wanted


def look(wanted: t.Sequence[Wanted], files: HostFiles, systemctl: Systemctl) -> dict[str, Found]:
    """Every wanted unit and every other one that is ours: files and systemd's word, in one call of systemctl."""
    names = sorted({unit.name for unit in wanted} | set(files.ours()))
    states = systemctl.show(names)
    return {name: _found(files, name, states[name]) for name in names}


def _found(files: HostFiles, name: str, state: t.Mapping[str, str]) -> Found:
    disk = files.read(name)
    return Found(
        text=disk.text,
        environment=disk.environment,
        record=disk.record,
        modes_right=disk.modes_right,
        link=disk.link,
        fragment=state["FragmentPath"],
        active_state=state["ActiveState"],
        enabled=state["UnitFileState"] == "enabled",
        needs_reload=state["NeedDaemonReload"] == "yes",
    )


def apply(
    transaction: Transaction,
    wanted: t.Sequence[Wanted],
    found: t.Mapping[str, Found],
    files: HostFiles,
    systemctl: Systemctl,
) -> None:
    """Brings the host to what is wanted. Raises UnitError naming unit and step; the next run then goes on from there.

    A unit's record goes before its files change and comes back after its restart. So whatever a run leaves behind
    when it is killed, the next one finds a unit whose record is missing, and restarts it.
    """
    units = {unit.name: unit for unit in wanted}
    for step in transaction.steps:
        if step.renews or step.removes:
            with _naming(step.name, "forget what was applied"):
                files.remove_record(step.name)
    for step in transaction.steps:
        _write(step, units, files)
    _remove(transaction.names("removes"), found, files, systemctl)
    systemctl.enable(transaction.names("enables"))
    if transaction.reloads:
        systemctl.daemon_reload()
    _bring_up(transaction, units, files, systemctl)


def _write(step: Step, units: t.Mapping[str, Wanted], files: HostFiles) -> None:
    with _naming(step.name, "write"):
        if step.writes_environment:
            files.write_environment(step.name, units[step.name].environment or "")
        if step.writes_text:
            files.write_unit(step.name, units[step.name].text)


def _remove(names: t.Sequence[str], found: t.Mapping[str, Found], files: HostFiles, systemctl: Systemctl) -> None:
    """Stops before it removes: a unit without its file runs on and is hard to find."""
    systemctl.stop([name for name in names if found[name].active_state not in ("inactive", "failed")])
    with_file = [name for name in names if found[name].text is not None]
    systemctl.reset_failed(with_file)
    systemctl.disable(with_file)
    for name in names:
        with _naming(name, "remove"):
            files.remove(name)


def _bring_up(transaction: Transaction, units: t.Mapping[str, Wanted], files: HostFiles, systemctl: Systemctl) -> None:
    """Starts and restarts; a unit that fails does not keep the others down."""
    problems = []
    for act, kind in ((systemctl.restart, "restarts"), (systemctl.start, "starts")):
        try:
            act(transaction.names(kind))
        except UnitError as error:
            problems.append(error)
    failed = _failed(transaction, systemctl) if problems else {}
    for step in transaction.steps:
        unit = units.get(step.name)
        if step.renews and unit is not None and step.name not in failed:
            with _naming(step.name, "record what was applied"):
                files.write_record(step.name, texts.digest(unit.text, unit.environment or ""))
    if problems:
        told = [f"{name} is {state}" for name, state in failed.items()] + [str(problem) for problem in problems]
        raise UnitError("; ".join(told), unit=next(iter(failed), ""), step="start")


def _failed(transaction: Transaction, systemctl: Systemctl) -> dict[str, str]:
    """The units of the transaction that should be up by now and are not, each with what systemd says of it."""
    names = [step.name for step in transaction.steps if step.starts or step.restarts]
    told = "{ActiveState} ({SubState}; result {Result}, exit status {ExecMainStatus})"
    return {
        name: told.format_map({"ExecMainStatus": "none", **state})
        for name, state in systemctl.show(names).items()
        if state["ActiveState"] not in ("active", "reloading")
    }


@contextlib.contextmanager
def _naming(name: str, step: str) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnitError(str(error), unit=name, step=step) from error
