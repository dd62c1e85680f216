# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``vllm serve`` command line of an engine, checked against its release."""

from __future__ import annotations

import json
import typing as t

from ..releases import flags
from .errors import Refusals
from .intent import Service
from .keys import OWNED_ARGS
from .placement import Engine

_PARALLEL_FLAGS = {
    "tensor": "--tensor-parallel-size",
    "pipeline": "--pipeline-parallel-size",
    "data": "--data-parallel-size",
    "decode_context": "--decode-context-parallel-size",
}


def check_args(service: Service, refusals: Refusals) -> None:
    """Refuse options that the release does not take, or that the plan sets itself."""
    version = service["version"]
    seen: dict[str, str] = {}
    for written, value in service["args"].items():
        path = f"{service.path}.args.{written}"
        name = flags.normalize(str(written))
        if name in seen:
            refusals.add(path, None, f"is the same option as {seen[name]}", "write it once")
        seen[name] = str(written)
        if name in OWNED_ARGS:
            refusals.add(path, None, "is set by the plan", f"use {service.path}.{OWNED_ARGS[name]}")
        elif not flags.accepts(name, version):
            rule = f"vllm serve {version} has no option --{name.partition('.')[0]}"
            refusals.add(path, None, rule, flags.advice(name, version))
        elif flags.plain(name, version) != name.partition(".")[0]:
            fix = f"write {str(flags.plain(name, version)).replace('-', '_')}: false"
            refusals.add(path, None, "negates an option by name", fix)
        elif flags.misfit(name, value, version):
            refusals.add(path, value, flags.misfit(name, value, version), f"see `vllm serve --help=all` of {version}")
        elif any(ord(sign) < 32 for sign in _text(value)):
            refusals.add(path, None, "holds a line break or control character", "write it on one line")
    for size, option in _PARALLEL_FLAGS.items():
        if service.parallel.get(size, 1) != 1 and not flags.accepts(option, service["version"]):
            rule = f"vllm serve {service['version']} has no option {option}"
            refusals.add(
                f"{service.path}.parallel.{size}",
                service.parallel[size],
                rule,
                flags.advice(option, service["version"]),
            )


def command(engine: Engine, model: str, port: int, served_names: t.Sequence[str], revision: str | None) -> list[str]:
    """``serve MODEL --option …``: what follows the name of the vllm program.

    model: path or hub id as the process sees it. revision: only for a model the engine itself fetches.
    """
    service = engine.service
    argv = ["serve", model, "--host", service["listen"], "--port", str(port), "--served-model-name", *served_names]
    if revision:
        argv += ["--revision", revision]
    for size, option in _PARALLEL_FLAGS.items():
        if engine.parallel[size] != 1:
            argv += [option, str(engine.parallel[size])]
    if engine.parallel["expert"]:
        argv.append("--enable-expert-parallel")
    if service["executor"] != "auto":
        argv += ["--distributed-executor-backend", service["executor"]]
    for name, value in service["args"].items():
        argv += _option(flags.normalize(str(name)), value, service["version"])
    return argv


def _option(name: str, value: t.Any, version: str) -> list[str]:
    """The words of one option, by what follows it in the release (flags.kind). None leaves it out."""
    kind = flags.kind(name, version)
    if value is None or (kind == "switch" and value is False):
        return []
    if kind in ("switch", "pair"):
        return [f"--{name}" if value else f"--no-{name}"]
    if isinstance(value, (list, tuple)) and kind == "append":
        return [word for item in value for word in (f"--{name}", _text(item))]
    if isinstance(value, (list, tuple)) and kind == "list":
        return [f"--{name}", *(_text(item) for item in value)] if value else []
    return [f"--{name}", _text(value)]


def _text(value: t.Any) -> str:
    if isinstance(value, (dict, list, tuple, bool)) or value is None:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return str(value)
