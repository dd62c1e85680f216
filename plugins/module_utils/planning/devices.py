# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every GPU of every host, each given once."""

from __future__ import annotations

import typing as t

from .errors import Refusals
from .placement import Decision, Engine, Probe


def assign_devices(
    engines: t.Sequence[Engine], probes: t.Mapping[str, Probe], refusals: Refusals
) -> tuple[dict[str, list[int]], list[Decision]]:
    """The GPU indexes of each engine, by engine name: what persons wrote first, then the lowest free ones."""
    result: dict[str, list[int]] = {engine.name: [] for engine in engines}
    decisions: list[Decision] = []
    taken: dict[tuple[str, int], str] = {}
    for engine in engines:
        if engine.service["devices"] is not None:
            result[engine.name] = _written_devices(engine, probes.get(engine.host), taken, refusals)
    for engine in engines:
        if engine.service["devices"] is not None:
            continue
        if engine.accelerator == "cpu":
            if engine.service["gpus"]:
                found = len((probes.get(engine.host) or {}).get("gpus", ()))
                _too_many(engine, engine.service["gpus"], found, refusals)
            continue
        present = _present(engine, probes.get(engine.host), refusals)
        if present is None:
            continue
        free = [index for index in present if (engine.host, index) not in taken]
        chosen = free[: engine.world_size]
        if len(chosen) < engine.world_size:
            _too_many(engine, engine.world_size, len(free), refusals, len(present))
        taken.update({(engine.host, index): engine.service.path for index in chosen})
        result[engine.name] = chosen
        decisions.append(
            Decision(
                f"{engine.service.path}.devices",
                chosen,
                f"engine {engine.name}: lowest free of {len(present)} GPUs of {engine.host}",
            )
        )
    return result, decisions


def _written_devices(engine: Engine, probe: Probe, taken: dict[tuple[str, int], str], refusals: Refusals) -> list[int]:
    path, written = f"{engine.service.path}.devices", list(engine.service["devices"])
    if (engine.service["replicas"] or 1) > 1:
        refusals.add(
            path,
            written,
            "names the GPUs of one engine, and there are several replicas",
            "leave devices out, or make each replica a service",
        )
        return written
    if engine.accelerator == "cpu":
        refusals.add(
            path,
            written,
            f"host {engine.host} runs this service on the CPU",
            "leave devices out, or set accelerator: cuda",
        )
        return written
    if len(written) != engine.world_size:
        fix = f"name {engine.world_size}, or set parallel: {{tensor: {len(written)}}}"
        refusals.add(path, written, f"the engine has {engine.world_size} ranks, and each takes one GPU", fix)
    present = _present(engine, probe, refusals)
    for index in written:
        if present is not None and index not in present:
            refusals.add(path, written, f"host {engine.host} has no GPU {index}", f"choose from {present}")
        if (engine.host, index) in taken:
            refusals.add(
                path,
                written,
                f"GPU {index} of {engine.host} is taken by {taken[engine.host, index]}",
                "give each GPU once",
            )
        taken[engine.host, index] = path
    return written


def _present(engine: Engine, probe: Probe, refusals: Refusals) -> list[int] | None:
    if probe is None:
        refusals.add(
            f"{engine.service.path}.hosts",
            engine.host,
            "was not probed, so its GPUs are unknown",
            f"run without a limit that leaves {engine.host} out",
        )
        return None
    return sorted(int(gpu["index"]) for gpu in probe.get("gpus", ()))


def _too_many(engine: Engine, wanted: int, free: int, refusals: Refusals, present: int | None = None) -> None:
    has = f"host {engine.host} has {free if present is None else present} GPUs"
    rest = "" if present in (None, free) else f", {free} of them free"
    key = "gpus" if engine.service["gpus"] else "parallel"
    refusals.add(
        f"{engine.service.path}.{key}",
        wanted,
        f"engine {engine.name} takes {wanted} GPUs, and {has}{rest}",
        "lower it, or name a host with more GPUs",
    )
