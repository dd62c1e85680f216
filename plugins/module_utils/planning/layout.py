# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an engine divides its model over ranks."""

from __future__ import annotations

import dataclasses
import typing as t

from ..models import memory
from ..models.errors import ModelError
from ..models.memory import Fit
from ..models.settings import Settings
from .intent import Service
from .sizing import Knowledge

NONE = {"tensor": 1, "pipeline": 1, "data": 1, "decode_context": 1, "expert": False}
#: Sizes that fix the number of ranks; without one of them the rest is still to be found.
_FIXING = ("tensor", "pipeline", "data")


@dataclasses.dataclass(frozen=True)
class Layout:
    """parallel: the five sizes. hosts: of one engine. why: reasons by key of ``parallel``, of what nobody wrote.

    guessed: whether other sizes may be needed, because nobody can tell what the model takes.
    """

    parallel: dict[str, t.Any]
    hosts: int
    why: dict[str, str]
    guessed: bool = False

    @property
    def world_size(self) -> int:
        return ranks(self.parallel)


def ranks(parallel: t.Mapping[str, t.Any]) -> int:
    """Ranks, each of which takes a device: tensor x pipeline x data (expert and decode context reuse them)."""
    return int(parallel["tensor"] * parallel["pipeline"] * parallel["data"])


def is_fixed(service: Service) -> bool:
    """Whether the person wrote how many ranks an engine has."""
    return any(size in service.parallel for size in _FIXING)


def written(service: Service) -> dict[str, t.Any]:
    """The sizes that a person wrote, the others being 1."""
    return {**NONE, **service.parallel}


def settings_of(known: Knowledge, parallel: t.Mapping[str, t.Any]) -> Settings:
    """The engine's settings with these sizes."""
    return dataclasses.replace(
        known.settings,
        tensor=parallel["tensor"],
        pipeline=parallel["pipeline"],
        data=parallel["data"],
        decode_context=parallel["decode_context"],
        expert_parallel=parallel["expert"],
    )


def fit(known: Knowledge, parallel: t.Mapping[str, t.Any], gpu_memory: int) -> Fit | None:
    """What a GPU would hold; None where that is not known, or where the sizes themselves are refused."""
    if known.counted is None:
        return None
    try:
        return (memory.fit_longest if known.fit_length else memory.fit)(
            known.counted, gpu_memory, settings_of(known, parallel)
        )
    except ModelError:
        return None
