# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``vllm serve`` command line of an engine, checked against its release."""

from __future__ import annotations

import json
import typing as t

from ..releases import flags, variables
from . import balancing, sides
from .errors import Refusals
from .intent import Service
from .keys import OWNED_ARGS, UNPLANNED_ARGS
from .members import Member
from .placement import Engine

_PARALLEL_FLAGS = {
    "tensor": "--tensor-parallel-size",
    "pipeline": "--pipeline-parallel-size",
    "data": "--data-parallel-size",
    "decode_context": "--decode-context-parallel-size",
}
_EXPERT_FLAG = "--enable-expert-parallel"
_RAY_DATA_FLAG = "--data-parallel-backend"
_KV = "kv-transfer-config"
#: What only members with an API server may be told; vllm/entrypoints/cli/serve.py refuses it of the others.
_HEAD_ONLY = ("api-server-count", "grpc", "grpc-port")
#: How Ray places copies of a model that take several hosts each (v1/engine/utils.py, create_dp_placement_groups).
_PACK = "VLLM_RAY_DP_PACK_STRATEGY"


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
        elif name in UNPLANNED_ARGS:
            refusals.add("argument-owned", path, None, UNPLANNED_ARGS[name], "leave it out")
        elif not flags.accepts(name, version):
            _unknown(name, path, service, refusals)
        elif flags.plain(name, version) != name.partition(".")[0]:
            fix = f"write {str(flags.plain(name, version)).replace('-', '_')}: false"
            refusals.add("argument-negated", path, None, "negates an option by name", fix)
        else:
            _check_value(name, path, value, version, refusals)
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
    if service.parallel.get("expert") and not flags.accepts(_EXPERT_FLAG, version):
        rule = f"vllm serve {version} has no option {_EXPERT_FLAG}"
        refusals.add("argument-unknown", f"{service.path}.parallel.expert", True, rule, "leave it out")


def _unknown(name: str, path: str, service: Service, refusals: Refusals) -> None:
    """An option that the release does not have, or a key that the option's value does not have."""
    version, (option, dot, key) = service["version"], name.partition(".")
    rule = f"vllm serve {version} has no option --{option}"
    if dot and flags.accepts(option, version):
        rule = f"--{option} of vllm serve {version} takes no key {key}"
    found = flags.find(name, version)
    owned = [OWNED_ARGS[other] for other in found.now.get("flags", ()) if other in OWNED_ARGS]
    refusals.add("argument-unknown", path, None, rule, f"use {service.path}.{owned[0]}" if owned else found.advice)


def _check_value(name: str, path: str, value: t.Any, version: str, refusals: Refusals) -> None:
    """Refuse a value that the option does not take."""
    misfit = flags.misfit(name, value, version)
    if misfit:
        refusals.add("argument-value", path, value, misfit, f"write that, or leave it out (vLLM {version})")
    elif name == "api-server-count" and (flags.integer(name, 1 if value is None else value, version) or 0) < 1:
        rule = "starts an engine that nobody can call: one API server is the least"
        refusals.add("argument-value", path, value, rule, "leave it out, or write 1 or more")
    elif any(ord(sign) < 32 for sign in _text(value)):
        refusals.add("argument-value", path, None, "holds a line break or control character", "write it on one line")


def check_engine(engine: Engine, refusals: Refusals) -> None:
    """Refuse copies of a model that Ray cannot place: once the hosts of each are known."""
    service, copies, hosts = engine.service, engine.parallel["data"], len(engine.hosts)
    if engine.executor != "ray" or copies == 1:
        return
    version, path = service["version"], f"{service.path}.parallel.data"
    mp = "write executor: mp" if flags.accepts("--data-parallel-address", version) else "use release 0.9.1 or later"
    written = service["env"].get(_PACK)
    if not flags.accepts(_RAY_DATA_FLAG, version):
        rule = f"vllm serve {version} has no option {_RAY_DATA_FLAG}: Ray does not run its copies"
        refusals.add("ray-data-placement", path, copies, rule, mp)
    elif hosts % copies and copies % hosts:
        rule = (
            f"Ray places whole copies on a host, or whole hosts on a copy: {copies} copies and {hosts} hosts do neither"
        )
        refusals.add("ray-data-placement", path, copies, rule, "make one number a multiple of the other")
    elif _spans(engine) and not variables.find(_PACK, version).valid:
        rule = f"each copy takes {hosts // copies} hosts, and Ray places it on one up to the release 0.11.0"
        refusals.add("ray-data-placement", path, copies, rule, "use release 0.11.1 or later, or leave data out")
    elif written is not None and (str(written) == "span") != _spans(engine):
        rule = f"{copies} copies on {hosts} hosts need {'span' if _spans(engine) else 'strict or fill'}"
        refusals.add("ray-data-placement", f"{service.path}.env.{_PACK}", written, rule, "leave it out")


def ray_variables(engine: Engine) -> list[tuple[str, str, str]]:
    """What the head's process must have for Ray to place the copies: (name, value, why)."""
    hosts = len(engine.hosts) // engine.parallel["data"]
    return [(_PACK, "span", f"each copy of the model takes {hosts} hosts")] if _spans(engine) else []


def _spans(engine: Engine) -> bool:
    """Whether each copy of the model takes several hosts, run by Ray."""
    return engine.executor == "ray" and 1 < engine.parallel["data"] < len(engine.hosts)


def command(
    engine: Engine, member: Member, model: str, served_names: t.Sequence[str], revision: str | None
) -> list[str]:
    """``serve MODEL --option …``: what follows the name of the vllm program on one member.

    model: path or hub id as the process sees it. revision: only for a model the engine itself fetches.
    """
    service, argv = engine.service, ["serve", model]
    if member.is_called:
        argv += ["--host", member.listen, "--port", str(member.port("api"))]
    argv += ["--served-model-name", *served_names]
    if revision:
        argv += ["--revision", revision]
    for size, option in _PARALLEL_FLAGS.items():
        if engine.parallel[size] != 1:
            argv += [option, str(engine.parallel[size])]
    if engine.parallel["expert"]:
        argv.append(_EXPERT_FLAG)
    if service["executor"] != "auto" or len(engine.hosts) > 1:
        argv += ["--distributed-executor-backend", engine.executor]
    argv += _across_hosts(engine, member)
    set_here = sides.arguments(service, member.ports)
    if member.wired.keys:
        set_here[_KV] = {**set_here.get(_KV, {}), **member.wired.keys}
    for name, value in service["args"].items():
        plain = flags.normalize(str(name))
        if plain.partition(".")[0] not in set_here and (member.is_called or plain not in _HEAD_ONLY):
            argv += _option(plain, value, service["version"])
    for name, whole in set_here.items():
        argv += _option(name, whole, service["version"])
    return argv


def _across_hosts(engine: Engine, member: Member) -> list[str]:
    """How the members of an engine find each other (facts of vLLM's own guide to several nodes)."""
    if engine.executor == "ray":
        argv = [_RAY_DATA_FLAG, "ray"] if engine.parallel["data"] > 1 else []
        if engine.data_over_hosts:  # left out it would be all of them, on the head
            argv += ["--data-parallel-size-local", str(engine.parallel["data"] // len(engine.hosts))]
        return argv
    spread = balancing.arguments(member)
    if spread or len(engine.hosts) == 1:
        return spread
    if engine.data_over_hosts:
        local = engine.parallel["data"] // len(engine.hosts)
        argv = ["--data-parallel-size-local", str(local), "--data-parallel-address", member.head_address]
        argv += ["--data-parallel-rpc-port", str(member.head_port("data_parallel"))]
        return argv if member.is_head else [*argv, "--data-parallel-start-rank", str(member.rank * local), "--headless"]
    argv = ["--nnodes", str(len(engine.hosts)), "--node-rank", str(member.rank)]
    argv += ["--master-addr", member.head_address, "--master-port", str(member.head_port("rendezvous"))]
    if engine.parallel["data"] > 1:
        argv += ["--data-parallel-rpc-port", str(member.head_port("data_parallel"))]
    return argv if member.is_head else [*argv, "--headless"]


def _option(name: str, value: t.Any, version: str) -> list[str]:
    """The words of one option, by what follows it in the release (flags.kind). None leaves it out."""
    kind = flags.kind(name, version)
    if value is None or (kind == "switch" and value is False):
        return []
    if kind in ("switch", "pair"):
        return [f"--{name}" if value else f"--no-{name}"]
    if isinstance(value, (list, tuple)) and kind == "append":
        return [word for item in value for word in _worded(name, _text(item))]
    if isinstance(value, (list, tuple)) and kind == "list" and len(value) != 1:
        return [f"--{name}", *(_text(item) for item in value)] if value else []
    alone = isinstance(value, (list, tuple)) and kind == "list"
    return _worded(name, _text(value[0] if alone else value))


def _worded(name: str, text: str) -> list[str]:
    """An option and its value; as one word where the value would be taken for an option itself."""
    return [f"--{name}={text}"] if flags.looks_like_option(text) else [f"--{name}", text]


def _text(value: t.Any) -> str:
    if isinstance(value, (dict, list, tuple, bool)) or value is None:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return str(value)
