# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a host has and what is wanted to what the role does. Nothing here touches the host."""

from __future__ import annotations

import dataclasses
import typing as t

from ..repositories import apt
from . import packages, settings

DOCKER_CE, DISTRIBUTION, EXISTING = "docker-ce", "distribution", "existing"
#: What becomes of the daemon.
KEEP, START, RELOAD, RESTART, STOP = "keep", "start", "reload", "restart", "stop"
_VARIABLE = "vllm_container_engine"


@dataclasses.dataclass(frozen=True)
class Problem:
    """Why nothing is done. consent: whether a variable allows it, so that check mode goes on."""

    path: str
    value: t.Any
    rule: str
    fix: str
    consent: bool = False

    def __str__(self) -> str:
        return f"{self.path} = {self.value}: {self.rule}. Fix: {self.fix}"


@dataclasses.dataclass
class Plan:
    """What the role does. settings: the file's new text, None: as it is. steps: all of it, in words.

    packages: with versions, as the package manager is told. daemon: KEEP, START, RELOAD, RESTART or STOP.
    """

    settings: str | None = None
    repositories: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    packages: list[str] = dataclasses.field(default_factory=list)
    remove: list[str] = dataclasses.field(default_factory=list)
    pin: str = ""
    hold: list[str] = dataclasses.field(default_factory=list)
    unhold: list[str] = dataclasses.field(default_factory=list)
    daemon: str = KEEP
    steps: list[str] = dataclasses.field(default_factory=list)


def decide(options: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> tuple[Plan, list[Problem]]:
    """options: the role's variables without their common beginning, and settings_path. found: found.read's."""
    if options["state"] == "stopped":
        return _stop(options, found)
    plan, problems = Plan(), list[Problem]()
    if options["source"] == DOCKER_CE:
        problems += _docker_ce(options, found, plan)
    elif "podman-docker" in found["packages"]:
        rule = "podman answers in Docker's place, and units are written for Docker"
        problems.append(
            Problem(f"{_VARIABLE}_source", options["source"], rule, f"remove podman-docker, or say {DOCKER_CE}")
        )
    elif found["program"] is None and found["version"] is None:
        problems += _other(options, found, plan)
    needs_restart = _settings(options, found, plan, problems)
    if found["version"] is None:
        plan.daemon = START
    elif plan.settings is not None:
        plan.daemon = RESTART if needs_restart or not found["systemd"] else RELOAD
    elif plan.packages:
        plan.daemon = START
    _tell(options, found, plan)
    problems += _interrupts(options, found, plan)
    return plan, problems


def _stop(options: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> tuple[Plan, list[Problem]]:
    """Stop an engine that the role started, and no other."""
    if not found["ours"]:
        return Plan(), []
    return Plan(daemon=STOP, steps=["stop the engine"]), _running(options, found, "stopped")


def _docker_ce(options: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any], plan: Plan) -> list[Problem]:
    """Docker's own packages, at the version that is written, else at the one that is there."""
    there, family = found["packages"], found["family"]
    repository = packages.repository(found, options["base_url"], options["key_fingerprint"])
    if repository is None:
        rule = f"Docker has no packages for {found['os']['name'] or 'this system'}"
        return [Problem(f"{_VARIABLE}_source", DOCKER_CE, rule, "install an engine yourself, and say existing")]
    if found["program"] and not there:
        rule = f"{found['program']} is of no package"
        return [Problem(f"{_VARIABLE}_source", DOCKER_CE, rule, "remove it, or say existing")]
    wanted, runtime = options["version"], options["containerd_version"]
    for name in packages.WANTED:
        version = runtime if name == packages.RUNTIME else wanted if name in packages.ENGINE else ""
        if name not in there or not _is(there[name], version):
            # containerd.io has no epoch.
            exact = f"{version}-*" if name == packages.RUNTIME and version.replace(".", "").isdigit() else version
            plan.packages.append(packages.spec(family, name, exact))
    plan.remove = packages.conflicting(family, there)
    if plan.packages or not found["named"]:
        theirs = apt.elsewhere(repository["url"], found["sources"], packages.NAME) if family == "debian" else None
        plan.repositories = [] if theirs else [repository]
    if options["hold"]:
        _hold(options, found, plan)
    if plan.remove and not options["replace"]:
        rule = f"{', '.join(plan.remove)} of the distribution cannot stay beside it; images and containers stay"
        return [Problem(f"{_VARIABLE}_replace", False, rule, f"-e {_VARIABLE}_replace=true", consent=True)]
    return []


def _hold(options: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any], plan: Plan) -> None:
    """Pin what is there, else what is wanted; hold what is there."""
    there = found["packages"]
    mine = [name for name in packages.WANTED if name in there]
    if found["family"] == "debian":
        exact = "" if plan.packages else there.get("docker-ce", "")
        version = exact or (packages.package_version("debian", options["version"]) if options["version"] else "")
        runtime = "" if plan.packages else there.get(packages.RUNTIME, "")
        text = apt.pin(packages.ENGINE, version) if version else ""
        text += "\n" + apt.pin([packages.RUNTIME], runtime) if runtime else ""
        head = "# Written by vllm.cluster (docs/hosts.md): the container engine stays at its version.\n"
        plan.pin = head + text if text else ""
    plan.hold = [] if plan.packages else sorted(set(mine) - set(found["held"]))
    plan.unhold = sorted(set(mine) & set(found["held"])) if plan.packages else []


def _is(installed: str, wanted: str) -> bool:
    return not wanted or wanted in (installed, packages.upstream(installed))


def _other(options: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any], plan: Plan) -> list[Problem]:
    """No engine is there, and Docker's own is not wanted."""
    path = f"{_VARIABLE}_source"
    if options["source"] == EXISTING:
        return [Problem(path, EXISTING, "no engine is on the host", f"say {DOCKER_CE} or {DISTRIBUTION}")]
    if found["family"] != "debian":
        return [Problem(path, DISTRIBUTION, "this distribution has no Docker", f"say {DOCKER_CE}")]
    plan.packages = [options["package"]]
    return []


def _settings(
    options: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any], plan: Plan, problems: list[Problem]
) -> bool:
    """The file's new text. Whether a daemon that runs has to be restarted for it."""
    try:
        before = settings.read(found["settings"])
    except settings.SettingsError as error:
        fix = "repair the file or remove it"
        problems.append(Problem(f"{_VARIABLE}_daemon_path", options["daemon_path"], str(error), fix))
        return False
    after = settings.merged(before, settings.wanted(options))
    if after == before:
        return False
    plan.settings = settings.text(after)
    return settings.needs_restart(before, after)


def _tell(options: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any], plan: Plan) -> None:
    """The steps, in words."""
    steps = [f"name the repository {item['url']}" for item in plan.repositories]
    steps += [f"write {options['daemon_path']}"] if plan.settings is not None else []
    steps += [f"install {', '.join(plan.packages)}"] if plan.packages else []
    steps += [f"remove {', '.join(plan.remove)}"] if plan.remove else []
    if plan.pin != found["pin"] and plan.pin and not plan.packages:
        steps.append("pin the engine's packages")
    steps += [f"hold {', '.join(plan.hold)}"] if plan.hold else []
    steps += [] if plan.daemon == KEEP else [f"{plan.daemon} the engine"]
    plan.steps = steps


def _interrupts(options: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any], plan: Plan) -> list[Problem]:
    """What would end running containers, or cannot be done."""
    is_new = any(item.startswith(("docker", packages.RUNTIME)) for item in plan.packages)
    if not found["version"] or not (plan.daemon == RESTART or is_new or plan.remove):
        return []
    problems = _running(options, found, "restarted")
    if plan.daemon == RESTART and not found["systemd"] and not found["ours"]:
        rule = "the engine has to be restarted, and was started by hand and not by systemd or this role"
        fix = "stop it: this role starts it with its settings"
        problems.append(Problem(f"{_VARIABLE}_state", "started", rule, fix))
    return problems


def _running(options: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any], what: str) -> list[Problem]:
    """Containers that would end, and nobody said that they may."""
    running = found["running"]
    if not running or options["interrupt"]:
        return []
    names = f"{', '.join(running[:5])}{', …' * (len(running) > 5)}"
    rule = f"the engine has to be {what}, which stops its {len(running)} running containers ({names})"
    fix = f"stop them, or -e {_VARIABLE}_interrupt=true"
    return [Problem(f"{_VARIABLE}_interrupt", False, rule, fix, consent=True)]
