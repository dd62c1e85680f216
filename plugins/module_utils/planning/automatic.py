# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``parallel: auto``: the smallest division of the model that fits, and copies of it where GPUs are left."""

from __future__ import annotations

import dataclasses
import typing as t

from ..models import memory, parallelism
from ..models.config import ModelFacts
from ..models.errors import ModelError
from ..models.memory import Fit
from ..releases import flags, runtimes
from . import advice, layout
from .advice import Room
from .intent import Service
from .layout import NONE, Layout
from .sizing import Knowledge

#: Where a host is an engine's own, each copy of the model is to have room for so many requests of full length.
_ROOMY = 4
_CONTEXT_OPTION = "decode-context-parallel-size"


def choose(service: Service, known: Knowledge, room: Room) -> Layout:
    """The layout of ``parallel: auto``. Raises ModelError when nothing fits.

    Tensor parallelism stays inside the best links of a host and is as small as the memory allows; pipeline stages
    span hosts; experts are spread over all ranks; copies of the whole model fill GPUs that nobody else wants.
    """
    if known.counted is None or room.memory is None:
        return _unknown(service, known, room)
    search = _Search(service, known, known.counted, room)
    if service["gpus"]:
        return search.exactly(service["gpus"])
    if room.alone and service["replicas"] is None:
        found = search.whole_host()
        if found is not None:
            return found
    return search.smallest()


def _unknown(service: Service, known: Knowledge, room: Room) -> Layout:
    """Without the model's or the GPUs' sizes: the GPUs that a person gave, else one."""
    gpus = service["gpus"] or 1
    tensor = min(gpus, max(room.gpus, 1))
    unknown = known.uncounted or "the GPUs do not tell their memory"
    why = {"tensor": f"the engine's {gpus} GPUs hold one copy of the model ({unknown})"} if gpus > 1 else {}
    hosts = -(-gpus // max(room.gpus, 1))
    sizes = {**NONE, **service.parallel, "tensor": tensor, "pipeline": max(1, gpus // tensor)}
    if sizes["pipeline"] > 1:
        why["pipeline"] = _stages(sizes["pipeline"], hosts)
    return Layout(sizes, hosts, why)


class _Search:
    """Layouts of one service's engine, tried against the memory of its GPUs."""

    def __init__(self, service: Service, known: Knowledge, facts: ModelFacts, room: Room) -> None:
        self.service, self.known, self.facts, self.room = service, known, facts, room
        #: Whether experts are spread over the ranks where there are several.
        self.spread = bool(
            service.parallel.get("expert", facts.is_moe and flags.accepts("enable-expert-parallel", service["version"]))
        )

    def exactly(self, gpus: int) -> Layout:
        """The layout that takes so many GPUs: tensor sizes with room enough, and copies of the model for the rest."""
        hosts = -(-gpus // self.room.gpus)
        best: tuple[Layout, Fit] | None = None
        tried: Fit | None = None
        for links in (tuple(self.room.linked), None):
            for sizes in self._shapes(gpus, hosts, links):
                found = self._try(sizes, hosts)
                if found is None:
                    continue
                if found[1].fits and (best is None or sizes[1] == best[0].parallel["pipeline"]):
                    best = found if best is None or best[1].requests < self._wanted() else best
                elif tried is None or found[1].free > tried.free:
                    tried = found[1]
            if best is not None:
                return self._explained(*best, f"the {gpus} GPUs of the engine")
        said = f"the model does not fit: {tried.why}" if tried else f"no division of the model makes {gpus} ranks"
        raise ModelError("gpus", gpus, said, self._what_would_do())

    def whole_host(self) -> Layout | None:
        """Copies of the model on all GPUs of a host that is the service's alone; None where they do not come out."""
        version = self.service["version"]
        if not flags.accepts("data-parallel-size", version):
            return None
        if not self.facts.is_moe and not runtimes.has_trait("dense_copies_independent", version):
            return None
        best: tuple[Layout, Fit] | None = None
        for sizes in self._shapes(self.room.gpus, 1, tuple(self.room.linked)):
            found = self._try(sizes, 1) if sizes[1] == 1 else None
            if found is not None and found[1].fits and (best is None or best[1].requests < self._wanted()):
                best = found
        return self._explained(*best, f"{self.room.gpus} GPUs, which no other service wants") if best else None

    def smallest(self) -> Layout:
        """The fewest hosts, and of one host the fewest GPUs."""
        failed: list[ModelError] = []
        for context, links in self._attempts():
            settings = dataclasses.replace(self.known.settings, expert_parallel=self.spread, decode_context=context)
            try:
                found = memory.smallest(
                    self.facts,
                    self.room.memory or 0,
                    self.room.gpus,
                    settings,
                    most_hosts=self.room.hosts,
                    tensor_sizes=links,
                )
            except ModelError as error:
                failed.append(error)
                continue
            sizes = {**NONE, "tensor": found.tensor, "pipeline": found.pipeline, "decode_context": context}
            why = {"tensor": f"{self._divides(found.tensor)}: {found.why}"}
            if found.pipeline > 1:
                why["pipeline"] = _stages(found.pipeline, found.hosts)
            if context > 1:
                why["decode_context"] = "without it the cache of one full request does not fit"
            return self._with_experts(Layout(sizes, found.hosts, why))
        first = failed[0]
        raise ModelError(first.path, first.value, first.rule, self._what_would_do())

    def _wanted(self) -> int:
        return _ROOMY * self.known.settings.concurrency

    def _try(self, sizes: tuple[int, int, int], hosts: int) -> tuple[Layout, Fit] | None:
        tensor, pipeline, data = sizes
        parallel = {**NONE, **self.service.parallel, "tensor": tensor, "pipeline": pipeline, "data": data}
        made = self._with_experts(Layout(parallel, hosts, {}))
        if data > 1 and not self._takes_copies(made):
            return None
        found = layout.fit(self.known, made.parallel, self.room.memory or 0)
        return (made, found) if found is not None else None

    def _explained(self, made: Layout, found: Fit, gpus: str) -> Layout:
        sizes = made.parallel
        why = {
            "tensor": f"{self._divides(sizes['tensor'])}: {found.why}",
            "pipeline": _stages(sizes["pipeline"], made.hosts),
            "data": f"{sizes['data']} copies of the model take {gpus}",
        }
        kept = {key: text for key, text in why.items() if sizes[key] > 1 or key == "tensor"}
        return Layout(sizes, made.hosts, {**kept, **made.why})

    def _shapes(self, gpus: int, hosts: int, links: t.Sequence[int] | None) -> t.Iterator[tuple[int, int, int]]:
        """(tensor, pipeline, data) of exactly ``gpus`` ranks, the best first."""
        per_host, layers = gpus // hosts, self.facts.layers
        sizes = [
            size
            for size in parallelism.tensor_sizes(
                self.facts, per_host, expert_parallel=self.spread, version=self.service["version"]
            )
            if per_host % size == 0 and gpus % hosts == 0 and (links is None or size in links)
        ]
        if hosts == 1:
            yield from ((size, 1, gpus // size) for size in sizes)
        yield from ((size, gpus // size, 1) for size in sizes[::-1] if 1 < gpus // size <= layers)

    def _attempts(self) -> t.Iterator[tuple[int, t.Sequence[int] | None]]:
        """(decode context size, tensor sizes; None: any), in the order to try. Dividing the cache comes last."""
        linked, written = tuple(self.room.linked), self.service.parallel.get("decode_context")
        contexts = [written] if written else []
        if written in (None, 1):
            yield 1, linked
            yield 1, None
        if written is None and flags.accepts(_CONTEXT_OPTION, self.service["version"]):
            found = {size for tensor in linked for size in parallelism.decode_context_sizes(self.facts, tensor)}
            contexts = sorted(found)
        for context in contexts:
            if context > 1:
                refused = parallelism.decode_context_refusal
                yield context, [size for size in linked if refused(self.facts, size, context) is None]

    def _takes_copies(self, made: Layout) -> bool:
        """Whether the release takes copies: experts must come out even, and copies made of stages are not tried."""
        sizes = made.parallel
        even = not sizes["expert"] or self.facts.experts % (sizes["tensor"] * sizes["data"]) == 0
        return even and sizes["pipeline"] == 1 and flags.accepts("data-parallel-size", self.service["version"])

    def _with_experts(self, made: Layout) -> Layout:
        count, tensor = made.parallel["tensor"] * made.parallel["data"], made.parallel["tensor"]
        uneven = self.facts.experts % count and not parallelism.tensor_refusal(self.facts, tensor)
        if not self.spread or count == 1 or uneven:
            return Layout({**made.parallel, "expert": False}, made.hosts, made.why)
        why = f"{self.facts.experts} experts a layer over {count} ranks"
        return Layout({**made.parallel, "expert": True}, made.hosts, {**made.why, "expert": why})

    def _divides(self, tensor: int) -> str:
        if tensor == 1:
            return "one GPU holds the model"
        link = self.room.linked.get(tensor)
        joined = f"{tensor} GPUs joined by {link}" if link else f"{tensor} GPUs, not all joined by NVLink"
        return f"{self.facts.attention_heads} attention heads divide by {tensor}, {joined}"

    def _what_would_do(self) -> str:
        return advice.what_would_do(self.known, self.facts, self.room, self.spread)


def _stages(stages: int, hosts: int) -> str:
    if hosts == 1:
        return f"{stages} stages in one host: the GPUs' best links join no more than a stage's"
    each = "one stage a host" if stages == hosts else f"{stages // hosts} stages a host"
    return f"{each}, {hosts} hosts: tensor parallelism stays inside a host"
