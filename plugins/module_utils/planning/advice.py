# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts offer to an engine, and what would do where that is too little."""

from __future__ import annotations

import dataclasses
import typing as t

from ..models import memory, parallelism
from ..models.config import ModelFacts
from ..models.errors import ModelError
from ..models.settings import Settings
from .sizing import Knowledge


@dataclasses.dataclass(frozen=True)
class Room:
    """What the hosts of a service offer to one engine.

    hosts: how many it may span. gpus: usable ones of the host that has fewest; most: of the one that has most.
    memory: bytes of the smallest GPU.
    linked: tensor sizes whose GPUs the hosts join by their best links, with the link (``NV18``).
    alone: no other service is on these hosts.
    """

    hosts: int
    gpus: int
    memory: int | None
    linked: t.Mapping[int, str]
    alone: bool
    most: int = 0

    def words(self, hosts: int) -> str:
        """So many of these hosts, for a person."""
        if self.most > self.gpus:
            return f"{hosts} hosts, the smallest with {self.gpus} usable GPUs (members are alike),"
        return f"{hosts} hosts of {self.gpus} usable GPUs"


def holds(known: Knowledge, facts: ModelFacts, room: Room, spread: bool) -> bool:
    """Whether an engine that gets this room holds the model."""
    settings = dataclasses.replace(known.settings, expert_parallel=spread, decode_context=1)
    try:
        memory.smallest(facts, room.memory or 0, room.gpus, settings, most_hosts=room.hosts)
    except ModelError:
        return False
    return True


#: Memory in GiB that an engine sees, of common GPUs.
_CARDS = (("L40S", 44), ("A100 or H100 80GB", 79), ("H200", 139), ("B200", 178), ("B300", 267))


def what_would_do(known: Knowledge, facts: ModelFacts, room: Room, spread: bool) -> str:
    """The fewest GPUs of this kind, and the smallest GPUs of this number, that would hold the model."""
    settings = dataclasses.replace(known.settings, expert_parallel=spread, decode_context=1)
    found = []
    size = max(room.gpus, 1)
    for per_host in dict.fromkeys((size, 8)):
        try:
            choice = memory.smallest(facts, room.memory or 0, per_host, settings, most_hosts=64)
        except ModelError:
            continue
        total = choice.tensor * choice.pipeline
        where = f"{choice.hosts} hosts of {per_host}" if choice.hosts > 1 else "one host"
        sizes = f"tensor: {choice.tensor}, pipeline: {choice.pipeline}"
        if parallelism.tensor_refusal(facts, choice.tensor, version=settings.version) is not None:
            sizes += ", expert: true"
        found.append(f"{total} GPUs of {memory_words(room.memory or 0)} on {where} do ({sizes})")
        break
    bigger = _bigger(facts, settings, room)
    if bigger:
        card = next((name for name, gib in _CARDS if gib << 30 >= bigger), "none of today")
        found.append(f"{room.gpus * room.hosts} GPUs would do with {memory_words(bigger)} each ({card})")
    shorter = known.settings.length(facts) > 4096 and not known.fit_length
    found.append("or lower args.max_model_len" if shorter else "or take a smaller model")
    return ", ".join(found)


def _bigger(facts: ModelFacts, settings: Settings, room: Room) -> int | None:
    """Bytes of GPUs that would hold the model where these do not, to the next 8 GiB; None beyond 512."""
    for gib in range(8, 513, 8):
        if gib << 30 <= (room.memory or 0):
            continue
        try:
            memory.smallest(facts, gib << 30, max(room.gpus, 1), settings, most_hosts=room.hosts)
        except ModelError:
            continue
        return gib << 30
    return None


def memory_words(size: int) -> str:
    """Bytes for a person."""
    return f"{size / 2**30:.0f} GiB"
