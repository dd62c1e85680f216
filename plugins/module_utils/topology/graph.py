# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GPUs of one host as a graph of links."""

from __future__ import annotations

import dataclasses

from .kinds import NVLINK, UNKNOWN, Link

Pair = tuple[int, int]
#: More maximal cliques than any real machine has; a matrix made up to have more is not searched to its end.
CLIQUES = 256


@dataclasses.dataclass
class Graph:
    """gpus: indexes, ascending. links: by pair, lower index first. numa: nodes near a GPU. nics: a GPU's links to NICs.

    A pair that ``links`` leaves out is joined by a link that nobody knows.
    """

    gpus: list[int]
    links: dict[Pair, Link]
    numa: dict[int, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    nics: dict[int, dict[str, Link]] = dataclasses.field(default_factory=dict)

    def link(self, a: int, b: int) -> Link:
        return self.links.get((a, b) if a < b else (b, a), UNKNOWN)

    def nvlinked(self, a: int, b: int) -> bool:
        return self.link(a, b).kind == NVLINK

    def nearest_nics(self, gpu: int) -> list[str]:
        """The NICs at the shortest distance, in the matrix's order; none where every known NIC's link is unknown."""
        links = self.nics.get(gpu, {})
        best = max((link.rank for link in links.values() if link.known), default=None)
        return [nic for nic, link in links.items() if link.rank == best]

    def nvlink_groups(self) -> list[list[int]]:
        """GPUs that NVLinks join, directly or over others: components of two or more, each ascending."""
        groups: list[list[int]] = []
        left = list(self.gpus)
        while left:
            group, border = [], [left.pop(0)]
            while border:
                gpu = border.pop()
                group.append(gpu)
                border += [other for other in left if self.nvlinked(gpu, other)]
                left = [other for other in left if other not in border]
            if len(group) > 1:
                groups.append(sorted(group))
        return groups

    def cliques(self) -> list[list[int]]:
        """Sets of two or more GPUs of which each pair is joined by NVLinks, and that no other GPU completes.

        Largest first. At most ``CLIQUES`` of them.
        """
        near = {gpu: {other for other in self.gpus if other != gpu and self.nvlinked(gpu, other)} for gpu in self.gpus}
        found: list[list[int]] = []

        def extend(clique: list[int], fit: set[int], done: set[int]) -> None:
            if len(found) >= CLIQUES:
                return
            if not fit and not done:
                if len(clique) > 1:
                    found.append(sorted(clique))
                return
            # Bron and Kerbosch, 1973, with the pivot that leaves the fewest to try.
            pivot = max(sorted(fit | done), key=lambda gpu: len(near[gpu] & fit))
            for gpu in sorted(fit - near[pivot]):
                extend([*clique, gpu], fit & near[gpu], done & near[gpu])
                fit, done = fit - {gpu}, done | {gpu}

        extend([], set(self.gpus), set())
        return sorted(found, key=lambda clique: (-len(clique), clique))

    def odd_ones(self) -> list[int]:
        """GPUs without an NVLink on a host where three or more others are fully joined by NVLinks.

        A switch or a cable has failed, or the fabric manager left the GPU out; otherwise it is a card of another kind.
        """
        cliques = self.cliques()
        if not cliques or len(cliques[0]) < 3:
            return []
        return [gpu for gpu in self.gpus if not any(self.nvlinked(gpu, other) for other in self.gpus if other != gpu)]
