# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a host's fence from what is there to what is wanted: openings first, then what closes, removals last."""

from __future__ import annotations

import dataclasses
import typing as t

from . import openings, ruleset, units
from .host import Found, Host, digest
from .items import Item


class Files(t.Protocol):
    """How files are changed: whole, or not at all."""

    def write(self, path: str, text: str) -> None: ...

    def remove(self, path: str) -> None: ...


@dataclasses.dataclass(frozen=True)
class Wanted:
    """files: texts by path; empty: absent. ufw: rules that there must be, if ufw is on."""

    files: dict[str, str]
    rules: str
    openings: tuple[openings.Opening, ...]

    @property
    def ufw(self) -> tuple[tuple[str, ...], ...]:
        return tuple(openings.ufw_rule(opening) for opening in self.openings)


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing to do. what: in words for a person."""

    kind: str
    what: str
    argument: t.Any = None


def want(fence: t.Sequence[Item], never: t.Sequence[int], host: Host, found: Found) -> Wanted:
    """Raises FenceError for a fence that would close what must stay open."""
    rules, paths = ruleset.text(fence, never), host.paths
    nft = host.programs["nft"] or "/usr/sbin/nft"
    opened = tuple(openings.wanted(fence))
    firewalld = found.firewalld is not None or found.files[paths.policy] is not None
    files = {
        paths.rules: rules,
        paths.unit: units.unit(nft, paths.rules) if rules else "",
        paths.drop_in: units.drop_in(nft, paths.rules) if rules else "",
        paths.policy: openings.firewalld_policy(opened) if firewalld else "",
    }
    return Wanted(files, rules, opened)


def decide(wanted: Wanted, found: Found, host: Host) -> list[Step]:
    """The steps, in their order; none where all is as it should be."""
    differs = {path for path, text in wanted.files.items() if (found.files[path] or "") != text}
    steps = _open(wanted, found, host, differs)
    steps += _close(wanted, found, host, differs) if wanted.rules else _remove(found, host)
    return steps + [
        Step("ufw-delete", f"ufw delete {' '.join(rule)}", rule) for rule in found.ufw if rule not in wanted.ufw
    ]


def _open(wanted: Wanted, found: Found, host: Host, differs: set[str]) -> list[Step]:
    """Let members and clients in, before the fence changes."""
    path = host.paths.policy
    policy = wanted.files[path]
    steps = [_file(path, policy)] if path in differs else []
    running = policy.count("<rule") if policy else -1
    if found.firewalld is not None and (path in differs or found.firewalld != running):
        steps.append(Step("firewalld", "reload firewalld"))
    if found.ufw_on:
        steps += [Step("ufw-add", f"ufw {' '.join(rule)}", rule) for rule in wanted.ufw if rule not in found.ufw]
    return steps


def _close(wanted: Wanted, found: Found, host: Host, differs: set[str]) -> list[Step]:
    """Load the table, and have it loaded at boot."""
    paths = host.paths
    steps = [_file(path, wanted.files[path]) for path in (paths.rules, paths.unit, paths.drop_in) if path in differs]
    if paths.rules in differs or not found.loaded:
        steps.append(Step("load", f"load the table inet {ruleset.TABLE}"))
    if found.needs_reload or differs & {paths.unit, paths.drop_in}:
        steps.append(Step("reload", "let systemd read its files"))
    if not found.enabled:
        steps.append(Step("enable", f"enable {units.NAME}"))
    if not found.active:
        steps.append(Step("start", f"start {units.NAME}"))
    return steps


def _remove(found: Found, host: Host) -> list[Step]:
    """Take away everything that is there."""
    paths, steps = host.paths, []
    if found.active or found.there:
        steps.append(Step("stop", f"remove the table inet {ruleset.TABLE}"))
    if found.enabled:
        steps.append(Step("disable", f"disable {units.NAME}"))
    there = [path for path in (paths.rules, paths.record, paths.drop_in, paths.unit) if found.files[path] is not None]
    steps += [_file(path, "") for path in there]
    if found.needs_reload or {paths.unit, paths.drop_in} & set(there):
        steps.append(Step("reload", "let systemd read its files"))
    return steps


def _file(path: str, text: str) -> Step:
    return Step("write" if text else "remove", f"{'write' if text else 'remove'} {path}", (path, text))


def apply(steps: t.Sequence[Step], wanted: Wanted, host: Host, files: Files, trial: str) -> None:
    """Carry the steps out. trial: a path where the rules can be tried before anything changes.

    Raises FenceError, or UnitError of systemctl; the next run goes on from there.
    """
    if any(step.kind == "load" for step in steps):
        files.write(trial, wanted.rules)
        host.call("nft", "--check", "--file", trial)
    for step in steps:
        _do(step, wanted, host, files)


def _do(step: Step, wanted: Wanted, host: Host, files: Files) -> None:
    systemctl = host.systemctl
    if step.kind == "write":
        files.write(*step.argument)
    elif step.kind == "remove":
        files.remove(step.argument[0])
    elif step.kind == "firewalld":
        host.call("firewall-cmd", "--reload")
    elif step.kind == "ufw-add":
        host.call("ufw", *step.argument, "comment", openings.MARK)
    elif step.kind == "ufw-delete":
        host.call("ufw", "--force", "delete", *step.argument)
    elif step.kind == "load":
        host.call("nft", "--file", host.paths.rules)
        files.write(host.paths.record, digest(wanted.rules, host.listing() or ""))
    elif step.kind == "stop":
        if systemctl:
            systemctl.stop([units.NAME])
        if host.listing() is not None:
            host.call("nft", "delete", "table", "inet", ruleset.TABLE)
    elif systemctl and step.kind == "reload":
        systemctl.daemon_reload()
    elif systemctl:
        {"enable": systemctl.enable, "disable": systemctl.disable, "start": systemctl.start}[step.kind]([units.NAME])
