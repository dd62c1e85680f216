# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done to a host's NVIDIA driver and what goes with it. Pure: found and wanted in, a plan out.

docs/nvidia.md tells the plan's keys.
"""

from __future__ import annotations

import typing as t

from ..planning.errors import Refusals
from ..planning.wording import some
from ..repositories import apt
from . import extras, packages, pins, repository, state
from .choose import Choice, choose, numbers, suffices
from .systems import System, find, known, repository_machine
from .wanted import Wanted

NONE, KEEP, INSTALL, CHANGE = "none", "keep", "install", "change"


def decide(wanted: Wanted, found: t.Mapping[str, t.Any], refusals: Refusals) -> dict[str, t.Any]:
    """The plan. Refusals of two kinds: those in ``refusals``, and consent that is missing, in the plan's ``asks``."""
    if wanted.source == "none":
        return _nothing("vllm_nvidia_source is none: the driver is left as it is")
    if not wanted.needs and wanted.branch == "auto" and not wanted.driver_version:
        return _nothing("no service of this host wants CUDA")
    if not found["gpus"]:
        rule = "no GPU of NVIDIA is on this host's PCI bus"
        for need in wanted.needs:
            if need.required:
                fix = "take the host out of the service, or write accelerator: cpu"
                refusals.add("nvidia-gpu-absent", f"{need.path}.accelerator", "cuda", rule, fix)
        return _nothing(rule)
    system, now = find(found["os"]), state.driver(found)
    if found["container"]:
        return _contained(wanted, now, refusals)
    if system is None or repository_machine(found["machine"]) is None:
        return _unknown(wanted, found, now, refusals)
    choice = choose(found["gpus"], wanted, system, refusals)
    if choice is None:
        return _nothing("refused")
    action = _action(choice, wanted, found, now, refusals)
    return _plan(action, choice, wanted, found, now, system, refusals)


def _nothing(why: str) -> dict[str, t.Any]:
    return {"action": NONE, "lines": [why], "steps": [], "asks": [], "problems": []}


def _least(wanted: Wanted) -> str | None:
    return max((need.minimum for need in wanted.needs), key=numbers, default=None)


def _contained(wanted: Wanted, now: state.Driver, refusals: Refusals) -> dict[str, t.Any]:
    """A container works with its machine's driver; one of its own would only be in the way."""
    if now.loaded and suffices(now.loaded, _least(wanted)):
        return _nothing(f"a container: its machine's driver {now.loaded} suffices")
    rule = f"the host is a container, whose driver is its machine's ({now.words})"
    fix = "install the driver on the machine, and give the container its GPUs"
    refusals.add("nvidia-container", "vllm_nvidia_source", wanted.source, rule, fix)
    return _nothing(rule)


def _unknown(wanted: Wanted, found: t.Mapping[str, t.Any], now: state.Driver, refusals: Refusals) -> dict[str, t.Any]:
    name = found["os"].get("name") or found["os"].get("id") or "this system"
    if now.loaded and suffices(now.loaded, _least(wanted)):
        return _nothing(f"{name} is not known here; its driver {now.loaded} suffices and is left alone")
    rule = f"{name} on {found['machine']} is not among the systems known here ({known()}; x86_64, aarch64)"
    fix = "install the driver by hand and write vllm_nvidia_source: none, or take another system"
    refusals.add("nvidia-system", "vllm_nvidia_source", wanted.source, rule, fix)
    return _nothing(rule)


def _action(choice: Choice, wanted: Wanted, found: t.Mapping[str, t.Any], now: state.Driver, refusals: Refusals) -> str:
    have = now.installed or now.loaded
    if have is None:
        return INSTALL
    written = bool(wanted.driver_version or wanted.branch != "auto")
    if wanted.driver_version:
        fits = have == choice.version
    else:
        fits = suffices(have, choice.minimum) and (not written or have.startswith(f"{choice.branch}."))
    fits = fits and (wanted.flavour == "auto" or state.flavour(found) in (None, choice.flavour))
    if fits:
        return KEEP
    if now.is_foreign:
        rule = f"{now.words}; {choice.words} would get in its way"
        fix = "remove it first (nvidia-uninstall, then a reboot), or write vllm_nvidia_source: none"
        refusals.add("nvidia-foreign", "vllm_nvidia_source", wanted.source, rule, fix)
    elif pins.held(found) and not found["pinned"]:
        rule = f"{some(pins.held(found))} are held at their version by somebody else, and {choice.words} is wanted"
        fix = "let them go (apt-mark unhold, dnf versionlock delete) if that is right, or write what is installed"
        refusals.add("nvidia-held", "vllm_nvidia_branch", wanted.branch, rule, fix)
    return CHANGE


def _plan(
    action: str,
    choice: Choice,
    wanted: Wanted,
    found: t.Mapping[str, t.Any],
    now: state.Driver,
    system: System,
    refusals: Refusals,
) -> dict[str, t.Any]:
    source, changes = wanted.source, action in (INSTALL, CHANGE)
    specs = packages.driver(system, source, choice.flavour, choice.branch, choice.version, found["kernel"])
    if found["secure_boot"] and changes and packages.builds_modules(system, source) and not wanted.own_module_key:
        rule = "Secure Boot is on, and loads no module that this host builds unless its key is enrolled at the console"
        fix = "enrol DKMS' key and write vllm_nvidia_own_module_key: true, or switch Secure Boot off"
        fix += ", or write source: distribution (signed modules)" if system.is_ubuntu else ""
        refusals.add("nvidia-secure-boot", "vllm_nvidia_own_module_key", False, rule, fix)
    if source == packages.DISTRIBUTION and not system.is_ubuntu and (extras.has_fabric(wanted, found) or wanted.imex):
        rule = f"{system.id} {system.version} has neither fabric manager nor IMEX, and the host needs one of them"
        fix = "write network, or vllm_nvidia_fabric: never where the GPUs do not talk through NVSwitches"
        refusals.add("nvidia-stock", "vllm_nvidia_source", source, rule, fix)
    # Until it is installed, nobody knows the exact version that what goes with it must have.
    added = extras.wanted(wanted, found, system, None if changes else now)
    absent = state.missing(added.specs, found["packages"])
    repositories = _repositories(wanted, found, system, choice, changes, absent, refusals)
    toolkit = found["packages"].get(packages.CONTAINER_TOOLKIT[0]) if extras.wants_container_toolkit(wanted) else None
    pinned = system.family == "debian" and not now.is_foreign
    hold = [] if changes or not wanted.hold else pins.unheld(found, now)
    reboot = None if changes else state.reboot_reason(found, now)
    moves = action == CHANGE or reboot is not None  # who uses a driver notices
    plan = {
        "action": action,
        "family": system.family,
        "driver": {
            "branch": choice.branch,
            "version": choice.version,
            "flavour": choice.flavour,
            "minimum": choice.minimum,
            "installed": now.installed,
            "loaded": now.loaded,
        },
        **repositories,
        "packages": specs if changes else [],
        "builder": (system.builder or "").format(machine=found["machine"]) if changes else "",
        "absent": absent,
        "unnamed": any(item["name"] not in found["ours"] for item in repositories["repositories"]),
        "services": added.services if now.loaded and not reboot else [],
        "pin": pins.apt(choice, None if changes else now.installed, toolkit) if pinned and wanted.hold else "",
        "unattended": pins.unattended() if pinned and wanted.hold else "",
        "hold": hold,
        "unhold": pins.held(found) if action == CHANGE else [],
        "peermem": wanted.peermem,
        "container_toolkit": extras.wants_container_toolkit(wanted),
        "cuda_folder": extras.cuda_folder(wanted),
        "interrupts": moves and bool(found["engines"]),
        "disturbs": moves and bool(found["engines"] or found["users"]),
        "load": not changes and now.installed is not None and not now.loaded and not found["nouveau"],
        "reboot": reboot,
    }
    lines = [*choice.why, now.words]
    if now.is_foreign:
        lines.append("it is kept, and cannot be held: whoever installed it keeps it as it is")
    steps = _steps(plan, choice, wanted, found, now)
    plan["problems"] = [] if changes or reboot else state.problems(found, now)
    return {**plan, "lines": lines, "steps": steps, "asks": _asks(plan, choice, wanted, found, now)}


def _repositories(
    wanted: Wanted,
    found: t.Mapping[str, t.Any],
    system: System,
    choice: Choice,
    changes: bool,
    absent: t.Sequence[str],
    refusals: Refusals,
) -> dict[str, t.Any]:
    """repositories to name on the host, and the local installer. Those that another file names are left to it.

    A host that lacks nothing is given none; one that has ours keeps it as the variables say.
    """
    listed: list[dict[str, t.Any]] = []
    local = None
    toolkit = [spec for spec in absent if packages.is_container_toolkit(spec)]
    needed = changes or any(packages.is_nvidias(spec) and spec not in toolkit for spec in absent)
    if wanted.source == packages.NETWORK and (needed or repository.CUDA in found["ours"]):
        item = repository.cuda(system, found["machine"], wanted.base_url, wanted.key_fingerprint)
        if item["fingerprints"] == [None]:
            rule = f"the fingerprint of NVIDIA's key {item['key_url']} is not known to this release"
            fix = "compare the key with NVIDIA's page, and write its fingerprint"
            refusals.add("nvidia-key", "vllm_nvidia_key_fingerprint", None, rule, fix)
        listed.append(item)
    elif wanted.source == packages.LOCAL and needed:
        version = choice.version or ""
        local = repository.local(
            system, found["machine"], wanted.local_base_url, wanted.local_installer, wanted.cuda_version, version
        )
    if toolkit or repository.CONTAINER in found["ours"]:
        fingerprint = wanted.container_toolkit_key_fingerprint
        base = wanted.container_toolkit_base_url
        listed.append(repository.container_toolkit(system, found["machine"], base, fingerprint))
    theirs = {
        item["name"]: file
        for item in listed
        for file in [apt.elsewhere(item["url"], found["sources"], item["name"])]
        if file
    }
    return {"repositories": [item for item in listed if item["name"] not in theirs], "named_by": theirs, "local": local}


def _steps(
    plan: t.Mapping[str, t.Any], choice: Choice, wanted: Wanted, found: t.Mapping[str, t.Any], now: state.Driver
) -> list[str]:
    """What a run does, in words; none: nothing is to be done."""
    steps = [f"name the repository {item['url']}" for item in plan["repositories"] if item["name"] not in found["ours"]]
    if plan["interrupts"]:
        steps.append(f"stop {some(found['engines'])}, and start them again")
    if plan["local"] and plan["packages"]:
        steps.append(f"install the local repository {plan['local']['package']}")
    if plan["action"] == INSTALL:
        steps.append(f"install {choice.words} by {some(plan['packages'])}")
    elif plan["action"] == CHANGE:
        steps.append(f"change driver {now.installed} to {choice.words} by {some(plan['packages'])}")
    steps += [f"install {some(plan['absent'])}"] if plan["absent"] else []
    later = extras.after_driver(wanted, found) if plan["action"] in (INSTALL, CHANGE) else []
    steps += [f"install {some(later)}, at the driver's version"] if later else []
    if wanted.hold and (plan["hold"] or plan["action"] in (INSTALL, CHANGE)):
        steps.append(f"hold {some(plan['hold']) if plan['hold'] else 'the driver'} at its version")
    steps += ["load the driver"] if plan["load"] else []
    steps += [f"reboot: {plan['reboot']}"] if plan["reboot"] else []
    return steps


def _asks(
    plan: t.Mapping[str, t.Any], choice: Choice, wanted: Wanted, found: t.Mapping[str, t.Any], now: state.Driver
) -> list[dict[str, str]]:
    """Consents that are missing: path, rule, fix."""
    asked = []
    action = plan["action"]
    if action == INSTALL and not wanted.allow_install:
        asked.append(("allow_install", f"{now.words}, and {choice.words} is to be installed"))
    if action == CHANGE and not wanted.allow_upgrade:
        asked.append(("allow_upgrade", f"{now.words}, and {choice.words} is to take its place"))
    if action == CHANGE and now.loaded and not wanted.reboot:
        asked.append(("reboot", f"driver {now.loaded} stays loaded until the host is rebooted, and then nothing fits"))
    if plan["reboot"] and not wanted.reboot:
        asked.append(("reboot", f"the host has to be rebooted: {plan['reboot']}"))
    using = [*found["engines"], *(f"{item['process']} (pid {item['pid']})" for item in found["users"])]
    if plan["disturbs"] and not wanted.allow_interrupt:
        asked.append(("allow_interrupt", f"{some(using)} would be interrupted"))
    return [
        {"path": f"vllm_nvidia_{name}", "rule": rule, "fix": f"to consent, set vllm_nvidia_{name}: true for this run"}
        for name, rule in asked
    ]
