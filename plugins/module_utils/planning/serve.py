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
from .members import Member
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
            refusals.add("argument-twice", path, None, f"is the same option as {seen[name]}", "write it once")
        seen[name] = str(written)
        if name in OWNED_ARGS:
            refusals.add("argument-owned", path, None, "is set by the plan", f"use {service.path}.{OWNED_ARGS[name]}")
        elif not flags.accepts(name, version):
            rule = f"vllm serve {version} has no option --{name.partition('.')[0]}"
            refusals.add("argument-unknown", path, None, rule, flags.advice(name, version))
        elif flags.plain(name, version) != name.partition(".")[0]:
            fix = f"write {str(flags.plain(name, version)).replace('-', '_')}: false"
            refusals.add("argument-negated", path, None, "negates an option by name", fix)
        elif flags.misfit(name, value, version):
            refusals.add(
                "argument-value",
                path,
                value,
                flags.misfit(name, value, version),
                f"see `vllm serve --help=all` of {version}",
            )
        elif any(ord(sign) < 32 for sign in _text(value)):
            refusals.add(
                "argument-value", path, None, "holds a line break or control character", "write it on one line"
            )
    for size, option in _PARALLEL_FLAGS.items():
        if service.parallel.get(size, 1) != 1 and not flags.accepts(option, service["version"]):
            rule = f"vllm serve {service['version']} has no option {option}"
            refusals.add(
                "argument-unknown",
                f"{service.path}.parallel.{size}",
                service.parallel[size],
                rule,
                flags.advice(option, service["version"]),
            )


def command(
    engine: Engine, member: Member, model: str, served_names: t.Sequence[str], revision: str | None
) -> list[str]:
    """``serve MODEL --option …``: what follows the name of the vllm program on one member.

    model: path or hub id as the process sees it. revision: only for a model the engine itself fetches.
    """
    service, argv = engine.service, ["serve", model]
    if member.is_head:
        argv += ["--host", service["listen"], "--port", str(member.port("api"))]
    argv += ["--served-model-name", *served_names]
    if revision:
        argv += ["--revision", revision]
    for size, option in _PARALLEL_FLAGS.items():
        if engine.parallel[size] != 1:
            argv += [option, str(engine.parallel[size])]
    if engine.parallel["expert"]:
        argv.append("--enable-expert-parallel")
    if service["executor"] != "auto" or len(engine.hosts) > 1:
        argv += ["--distributed-executor-backend", engine.executor]
    argv += _across_hosts(engine, member)
    for name, value in service["args"].items():
        argv += _option(flags.normalize(str(name)), value, service["version"])
    return argv


def _across_hosts(engine: Engine, member: Member) -> list[str]:
    """How the members of an engine find each other (facts of vLLM's own guide to several nodes)."""
    if engine.executor == "ray":
        return ["--data-parallel-backend", "ray"] if engine.parallel["data"] > 1 else []
    if len(engine.hosts) == 1:
        return []
    if engine.data_over_hosts:
        local = engine.parallel["data"] // len(engine.hosts)
        argv = ["--data-parallel-size-local", str(local), "--data-parallel-address", member.head_address]
        argv += ["--data-parallel-rpc-port", str(member.head_port("data_parallel"))]
        return argv if member.is_head else [*argv, "--data-parallel-start-rank", str(member.rank * local), "--headless"]
    argv = ["--nnodes", str(len(engine.hosts)), "--node-rank", str(member.rank)]
    argv += ["--master-addr", member.head_address, "--master-port", str(member.head_port("rendezvous"))]
    return argv if member.is_head else [*argv, "--headless"]


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
