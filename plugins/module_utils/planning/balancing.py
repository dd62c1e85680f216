# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who spreads requests over the copies of a model in one engine (``balancing``), and so which members clients call.

internal: the head's API server, over all copies. hybrid: each host's, over its own copies. external: nobody in the
engine; each copy has an API server, and whoever stands before them chooses. The rules are those of vLLM's
engine/arg_utils.py and entrypoints/launchers/dp_supervisor.py (0.32.0).
"""

from __future__ import annotations

from ..releases import flags
from .errors import Refusals
from .members import Member
from .placement import Engine

_HYBRID = "--data-parallel-hybrid-lb"
_SUPERVISED = "--data-parallel-multi-port-external-lb"
_RANK = "--data-parallel-rank"
_LEAVE_OUT = "leave balancing out"


def check(engine: Engine, refusals: Refusals) -> None:
    """Refuse a way of balancing that the engine cannot have: once its hosts are known."""
    service = engine.service
    how, path = service["balancing"], f"{service.path}.balancing"
    if how == "internal":
        return
    copies, hosts, version = engine.parallel["data"], len(engine.hosts), service["version"]
    if copies == 1:
        rule = f"engine {engine.name} holds one copy of the model: there is nothing to balance"
        refusals.add("balancing-place", path, how, rule, f"write {service.path}.parallel.data, or {_LEAVE_OUT}")
    elif engine.executor == "ray":
        rule = "engines on Ray have one API server"
        refusals.add("balancing-place", path, how, rule, f"write executor: mp, or {_LEAVE_OUT}")
    elif hosts > 1 and not engine.data_over_hosts:
        rule = f"{copies} copies on {hosts} hosts: a copy would span hosts, and its hosts share an API server"
        refusals.add("balancing-place", path, how, rule, f"make copies a multiple of hosts, or {_LEAVE_OUT}")
    elif how == "hybrid":
        _hybrid(engine, path, copies // hosts, version, refusals)
    else:
        _external(engine, path, copies // hosts, version, refusals)


def _hybrid(engine: Engine, path: str, local: int, version: str, refusals: Refusals) -> None:
    if len(engine.hosts) == 1:
        rule = f"engine {engine.name} has one host, whose API server balances over all copies anyway"
        refusals.add("balancing-place", path, "hybrid", rule, _LEAVE_OUT)
    elif local == 1:
        rule = "each host has one copy, so no host has anything to balance"
        refusals.add("balancing-place", path, "hybrid", rule, "write external")
    elif not flags.accepts(_HYBRID, version):
        rule = f"vllm serve {version} has no option {_HYBRID}"
        refusals.add("balancing-release", path, "hybrid", rule, flags.advice(_HYBRID, version))


def _external(engine: Engine, path: str, local: int, version: str, refusals: Refusals) -> None:
    facts = engine.known.facts
    wanted = _SUPERVISED if local > 1 else _RANK
    if facts is not None and not facts.is_moe:
        rule = "copies of a model without experts have nothing in common: vLLM wants them as engines of their own"
        refusals.add("balancing-place", path, "external", rule, f"write replicas instead of data, or {_LEAVE_OUT}")
    elif not flags.accepts(wanted, version):
        rule = f"vllm serve {version} has no option {wanted}, which {local} copies on a host need"
        fix = flags.advice(wanted, version) if local == 1 else "write hybrid, or use release 0.22.0 or later"
        refusals.add("balancing-release", path, "external", rule, fix)


def arguments(member: Member) -> list[str]:
    """The options that place the member's copies among all. Empty where the head alone is called (serve.py)."""
    engine = member.engine
    how, hosts = engine.balancing, len(engine.hosts)
    if how == "internal":
        return []
    local = engine.parallel["data"] // hosts
    first = member.rank * local
    argv = ["--data-parallel-address", member.head_address]
    argv += ["--data-parallel-rpc-port", str(member.head_port("data_parallel"))]
    if how == "external" and local == 1:
        return [*argv, _RANK, str(first)]
    argv += ["--data-parallel-size-local", str(local), "--data-parallel-start-rank", str(first)]
    if how == "hybrid":
        return [*argv, _HYBRID]
    return [*argv, _SUPERVISED, "--data-parallel-supervisor-port", str(member.port("data_parallel_supervisor"))]
