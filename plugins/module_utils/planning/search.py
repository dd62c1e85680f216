# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts of one service's engine, tried against the memory of its GPUs."""

from __future__ import annotations

import dataclasses
import typing as t

from ..models import memory, parallelism
from ..models.config import ModelFacts
from ..models.errors import ModelError
from ..models.memory import Fit
from ..releases import flags, runtimes
from . import layout, reasons
from .advice import Room
from .intent import Service
from .layout import NONE, Layout
from .sizing import Knowledge

#: Where a host is an engine's own, each copy of the model is to have room for so many requests of full length.
_ROOMY = 4
_CONTEXT_OPTION = "decode-context-parallel-size"


class Search:
    """What an engine may be, of the sizes that a person wrote and those that are still to be found."""

    def __init__(self, service: Service, known: Knowledge, facts: ModelFacts, room: Room) -> None:
        self.service, self.known, self.facts, self.room = service, known, facts, room
        self.version: str = service["version"]
        self.context: int | None = service.parallel.get("decode_context")
        #: Whether experts may be spread over the ranks where there are several.
        self.spread = bool(
            service.parallel.get("expert", facts.is_moe and flags.accepts("enable-expert-parallel", self.version))
        )

    def found(self) -> Layout:
        """The layout. Raises ModelError without any; its fix says nothing of the room."""
        if self.service["gpus"]:
            return self.exactly(self.service["gpus"])
        if self.room.alone and self.service["replicas"] is None:
            found = self.whole_host()
            if found is not None:
                return found
        return self.smallest()

    def shortened(self, halvings: int, hosts: int) -> Search:
        """The same with the context halved so often, on so many hosts at most."""
        length = self.known.settings.length(self.facts) >> halvings
        settings = dataclasses.replace(self.known.settings, max_model_len=length)
        known = dataclasses.replace(self.known, settings=settings, fit_length=False)
        return Search(self.service, known, self.facts, dataclasses.replace(self.room, hosts=hosts))

    def check_context(self) -> None:
        """Raises ModelError where no tensor size of a host goes with the decode context size that is written."""
        if self.context in (None, 1):
            return
        sizes = parallelism.tensor_sizes(
            self.facts, max(self.room.gpus, 1), expert_parallel=self.spread, version=self.version
        )
        if not any(self._takes_context(size) for size in sizes):
            refusal = parallelism.decode_context_refusal(self.facts, sizes[-1], self.context or 1)
            works = {context for size in sizes for context in parallelism.decode_context_sizes(self.facts, size)}
            fix = f"use one of {', '.join(map(str, sorted(works)))}, or leave it out"
            rule = f"no tensor parallel size of up to {max(self.room.gpus, 1)} GPUs goes with it"
            raise ModelError("decode_context", self.context, f"{rule}: {refusal.rule if refusal else ''}", fix)

    def undivided(self, why: str) -> Layout:
        """One copy of the model on the GPUs that are written, else on those of a host: nobody knows what it takes."""
        gpus = self.service["gpus"]
        hosts = -(-gpus // self.room.gpus) if gpus else 1
        per_host = gpus // hosts if gpus else self.room.gpus
        sizes = [
            size
            for size in parallelism.tensor_sizes(
                self.facts, per_host, expert_parallel=self.spread, version=self.version
            )
            if self._takes_context(size) and (not gpus or gpus % size == 0)
        ]
        linked = [size for size in sizes if size in self.room.linked]
        tensor = (linked or sizes or [1])[-1]
        pipeline = gpus // tensor if gpus else 1
        said = {"tensor": f"one copy of the model on {gpus or tensor} GPUs: nobody can tell what it takes ({why})"}
        parallel = {**NONE, **self.service.parallel, "tensor": tensor, "pipeline": pipeline}
        if pipeline > 1:
            said["pipeline"] = self._stages(parallel, hosts)
        return self._with_experts(Layout(parallel, hosts, said, guessed=not gpus))

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
        raise ModelError("gpus", gpus, said, "write another number")

    def whole_host(self) -> Layout | None:
        """Copies of the model on all GPUs of a host that is the service's alone; None where they do not come out."""
        if not self._copies_work():
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
                    spread=lambda tensor: self._holds_whole_experts(tensor, 1),
                )
            except ModelError as error:
                failed.append(error)
                continue
            sizes = {**NONE, "tensor": found.tensor, "pipeline": found.pipeline, "decode_context": context}
            why = {"tensor": f"{reasons.divides(self.facts, self.room, sizes)}: {found.why}"}
            if found.pipeline > 1:
                why["pipeline"] = self._stages(sizes, found.hosts)
            if context > 1 and self.context is None:
                why["decode_context"] = "without it the cache of one full request does not fit"
            return self._with_experts(Layout(sizes, found.hosts, why))
        raise failed[0]

    def _wanted(self) -> int:
        return _ROOMY * self.known.settings.concurrency

    def _try(self, sizes: tuple[int, int, int], hosts: int) -> tuple[Layout, Fit] | None:
        tensor, pipeline, data = sizes
        parallel = {**NONE, **self.service.parallel, "tensor": tensor, "pipeline": pipeline, "data": data}
        made = self._with_experts(Layout(parallel, hosts, {}))
        if not self._takes_context(tensor) or (data > 1 and not self._takes_copies(made)):
            return None
        found = layout.fit(self.known, made.parallel, self.room.memory or 0)
        return (made, found) if found is not None else None

    def _explained(self, made: Layout, found: Fit, gpus: str) -> Layout:
        sizes = made.parallel
        shared = "data parallel ranks, each with the model but for the experts, which all share, take"
        why = {
            "tensor": f"{reasons.divides(self.facts, self.room, sizes)}: {found.why}",
            "pipeline": self._stages(sizes, made.hosts),
            "data": f"{sizes['data']} {shared if self.facts.is_moe else 'copies of the model take'} {gpus}",
        }
        kept = {key: text for key, text in why.items() if sizes[key] > 1 or key == "tensor"}
        return Layout(sizes, made.hosts, {**kept, **made.why})

    def _shapes(self, gpus: int, hosts: int, links: t.Sequence[int] | None) -> t.Iterator[tuple[int, int, int]]:
        """(tensor, pipeline, data) of exactly ``gpus`` ranks, the best first."""
        per_host, layers = gpus // hosts, self.facts.layers
        sizes = [
            size
            for size in parallelism.tensor_sizes(
                self.facts, per_host, expert_parallel=self.spread, version=self.version
            )
            if per_host % size == 0 and gpus % hosts == 0 and (links is None or size in links)
        ]
        if hosts == 1:
            yield from ((size, 1, gpus // size) for size in sizes)
        yield from ((size, gpus // size, 1) for size in sizes[::-1] if 1 < gpus // size <= layers)

    def _attempts(self) -> t.Iterator[tuple[int, t.Sequence[int] | None]]:
        """(decode context size, tensor sizes; None: any), in the order to try. Dividing the cache comes last."""
        linked = tuple(self.room.linked)
        if self.context in (None, 1):
            yield 1, linked
            yield 1, None
        else:
            yield self.context or 1, [size for size in linked if self._takes_context(size)]
            yield self.context or 1, [size for size in range(1, self.room.gpus + 1) if self._takes_context(size)]
        if self.context is None and flags.accepts(_CONTEXT_OPTION, self.version):
            found = {size for tensor in linked for size in parallelism.decode_context_sizes(self.facts, tensor)}
            for context in sorted(found - {1}):
                refused = parallelism.decode_context_refusal
                yield context, [size for size in linked if refused(self.facts, size, context) is None]

    def _takes_context(self, tensor: int) -> bool:
        """Whether the decode context size that is written goes with this tensor size."""
        return parallelism.decode_context_refusal(self.facts, tensor, self.context or 1) is None

    def _copies_work(self) -> bool:
        """Whether the release takes data parallel ranks that do not wait for one another for nothing."""
        useful = self.facts.is_moe or runtimes.has_trait("dense_copies_independent", self.version)
        return useful and flags.accepts("data-parallel-size", self.version)

    def _takes_copies(self, made: Layout) -> bool:
        """Whether these copies work: experts must come out even, and copies made of stages are not tried."""
        tensor, data, whole = made.parallel["tensor"], made.parallel["data"], made.parallel["expert"]
        if made.parallel["pipeline"] > 1 or not self._copies_work():
            return False
        # Uneven ones start, and some kernels then take the wrong experts (fused_moe/experts/trtllm_*.py of 0.33).
        if whole and self.facts.experts % (tensor * data):
            return False
        return parallelism.data_refusal(self.facts, tensor, data, expert_parallel=whole, version=self.version) is None

    def _holds_whole_experts(self, tensor: int, data: int) -> bool:
        """Whether ranks of these sizes are to hold whole experts: as written, else where they come out even.

        Uneven ones are taken where the release cannot divide the experts at all.
        """
        if "expert" in self.service.parallel or not self.spread:
            return self.spread
        if not parallelism.spreads(tensor, data, self.version):
            return False
        if self.facts.experts % (tensor * data) == 0:
            return True
        return data == 1 and parallelism.tensor_refusal(self.facts, tensor, version=self.version) is not None

    def _with_experts(self, made: Layout) -> Layout:
        tensor, data, why = made.parallel["tensor"], made.parallel["data"], dict(made.why)
        whole = self._holds_whole_experts(tensor, data)
        if whole and "expert" not in self.service.parallel:
            why["expert"] = f"{self.facts.experts} experts a layer over {tensor * data} ranks"
        return dataclasses.replace(made, parallel={**made.parallel, "expert": whole}, why=why)

    def _stages(self, sizes: t.Mapping[str, t.Any], hosts: int) -> str:
        return reasons.stages(self.facts, self.room, sizes, hosts, expert_parallel=self.spread, version=self.version)
