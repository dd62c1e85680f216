# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What prefill and decode engines must have in common: KV cache of one is read by the other as its own."""

from __future__ import annotations

import typing as t

from ..errors import Refusals
from ..options import Options

if t.TYPE_CHECKING:
    from ..intent import Service
    from ..placement import Engine

#: Options that change what a block of KV cache holds, or how blocks are named. NIXL compares most of them by a hash
#: (nixl/metadata.py, compute_nixl_compatibility_hash); other connectors compare nothing and give wrong answers.
_ALIKE = (
    *("attention-backend", "block-size", "disable-hybrid-kv-cache-manager", "dtype", "hf-overrides", "kv-cache-dtype"),
    *("mamba-ssm-cache-dtype", "prefix-caching-hash-algo", "quantization", "rope-scaling", "speculative-config"),
    *("tokenizer",),
)
_VARIABLES = ("PYTHONHASHSEED", "VLLM_ATTENTION_BACKEND", "VLLM_KV_CACHE_LAYOUT", "VLLM_USE_V1")
_LENGTH = "max-model-len"


def check(engines: t.Sequence[Engine], refusals: Refusals) -> None:
    """Refuse sides that do not go together. Model, release and adapters are the service's, and so the same."""
    sides: dict[str, dict[str, Engine]] = {}
    for engine in engines:
        if engine.service.kind != "serve":
            sides.setdefault(engine.service.root, {}).setdefault(engine.service.kind, engine)
    for pair in sides.values():
        if len(pair) == 2:
            _pair(pair["prefill"], pair["decode"], refusals)


def _pair(prefill: Engine, decode: Engine, refusals: Refusals) -> None:
    mine, theirs = Options(prefill.service), Options(decode.service)
    for name in (*_ALIKE, _LENGTH):
        one, other = _value(mine, name), _value(theirs, name)
        if one != other:
            _refuse(decode.service, theirs.path(name), mine.path(name), theirs.get(name), mine.get(name), refusals)
    for name in _VARIABLES:
        if mine.env.get(name) != theirs.env.get(name):
            where, there = theirs.env_path(name), mine.env_path(name)
            _refuse(decode.service, where, there, theirs.env.get(name), mine.env.get(name), refusals)
    if prefill.accelerator != decode.accelerator:
        path = f"{decode.service.path}.accelerator"
        _refuse(
            decode.service, path, f"{prefill.service.path}.hosts", decode.accelerator, prefill.accelerator, refusals
        )


def _value(options: Options, name: str) -> t.Any:
    mapping = options.mapping(name) if isinstance(options.get(name), dict) else None
    number = options.integer(name) if name == _LENGTH else None
    if number is not None:
        return number
    return repr(sorted(mapping.values.items(), key=str)) if mapping is not None else options.text(name)


def _refuse(service: Service, path: str, other: str, theirs: t.Any, mine: t.Any, refusals: Refusals) -> None:
    rule = f"differs from that of the prefill engines ({mine!r}, {other}), and each side must read the other's KV cache"
    name = path.partition(f"{service.path}.")[2]
    refusals.add("pd-sides-differ", path, theirs, rule, f"write it once, as {service.root}.{name}")
