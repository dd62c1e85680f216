# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of what the planner says: one check, one id, and the words that a person must find in the message."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import config
from ansible_collections.vllm.cluster.plugins.module_utils.models.settings import Settings
from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import Refusal, Refusals
from ansible_collections.vllm.cluster.plugins.module_utils.planning.placement import Engine

S0 = "vllm_services[0]"
GIB = 2**30


class Said(t.NamedTuple):
    """A refusal or a warning, in one shape."""

    kind: str
    id: str
    path: str
    text: str
    fix: str


class Case(t.NamedTuple):
    """make: runs the check. kind: refuses or warns. words: of the message; fix: of the fix."""

    id: str
    kind: str
    make: t.Callable[[], Refusals]
    path: str
    words: tuple[str, ...]
    fix: tuple[str, ...]


def refuses(rule_id, make, path, words, *fix):
    return Case(rule_id, "refuses", make, path, tuple(words), fix)


def warns(rule_id, make, path, words, *fix):
    return Case(rule_id, "warns", make, path, tuple(words), fix)


def table(cases):
    return pytest.mark.parametrize("case", cases, ids=[f"{case.id}-{index}" for index, case in enumerate(cases)])


def said(refusals: Refusals) -> list[Said]:
    """All that was refused, then all that was warned of."""
    found: list[Said] = []
    try:
        refusals.raise_if_any()
    except Exception as error:
        found = [of(item) for item in error.refusals]
    return found + [
        Said("warns", w["id"], w["path"], f"{w['path']}: {w['message']}", w["fix"]) for w in refusals.warnings
    ]


def of(item: Refusal) -> Said:
    shown = "" if item.value is None else f" = {item.value!r}"
    return Said("refuses", item.id, item.path, f"{item.path}{shown}: {item.rule}", item.fix)


def example(case: Case) -> Said:
    """What the case's check says under the case's id."""
    found = said(case.make())
    mine = [item for item in found if (item.id, item.kind, item.path) == (case.id, case.kind, case.path)]
    assert mine, f"nothing said {case.id} at {case.path}, but: {found}"
    return mine[0]


def assert_said(case: Case) -> None:
    item = example(case)
    assert [word for word in case.words if word not in item.text] == [], item
    assert [word for word in case.fix if word not in item.fix] == [], item
    assert item.fix


def service(**keys):
    """A service as intent.parse makes it; ``hosts`` names its hosts, blanks between them."""
    return intent.parse({"vllm_services": [item(**keys)]}, str.split).services[0]


def item(**keys):
    return {"name": "a", "model": "org/m", "hosts": "gpu1", **keys}


def fleet(**variables):
    return intent.parse({"vllm_services": [item()], **variables}, str.split).fleet


def engine(facts=None, executor="mp", accelerator="cuda", parallel=None, grants=(), **keys):
    """An engine over all hosts of its service."""
    made = service(**keys)
    sizes = {"tensor": 8, "pipeline": len(made.hosts), "data": 1, "decode_context": 1, "expert": False}
    return Engine(made, 0, made.hosts, accelerator, {**sizes, **(parallel or {})}, executor, Known(facts), grants)


class Known(t.NamedTuple):
    """What checks read of sizing.Knowledge."""

    facts: t.Any
    settings: Settings = Settings()
    fit_length: bool = False

    @property
    def counted(self):
        return self.facts


def model(**changes):
    """The facts of a small dense model: 64 layers, 32768 tokens."""
    plain = {
        "model_type": "llama",
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 64,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "vocab_size": 32000,
        "max_position_embeddings": 32768,
        "torch_dtype": "bfloat16",
    }
    return config.parse(json.dumps({**plain, **changes}))


def experts(**changes):
    """The facts of a small model with 16 experts a layer."""
    return model(
        model_type="qwen3_moe", head_dim=64, num_experts=16, num_experts_per_tok=2, moe_intermediate_size=512, **changes
    )
