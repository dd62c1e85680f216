# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GPUs of a host make a tensor-parallel group."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from .graph import Graph
from .kinds import UNKNOWN, Link
from .packing import Packing, Score

#: Tensor-parallel sizes that recommendations are made for.
SIZES = (1, 2, 4, 8)


@dataclasses.dataclass(frozen=True)
class Group:
    """gpus: ascending. link: the farthest link between two of them (None for one GPU). nvlinked: every pair by NVLink.

    nic: the NIC nearest to the group as a whole. nics: the nearest of each GPU.
    """

    gpus: tuple[int, ...]
    link: Link | None
    nvlinked: bool
    nic: str | None
    nics: tuple[str, ...]


def recommend(graph: Graph, size: int, among: t.Iterable[int] | None = None) -> list[Group]:
    """Disjoint groups of ``size`` GPUs, the best first, as many as there are.

    Each group is the best that the ones before it leave: no group crosses a farther link while a nearer group
    exists. Where several are equal in that, the one is taken that leaves the best to those after it; then the one
    whose pairs are nearest, of one NUMA node, with a NIC in common, of the lowest indexes.

    among: the GPUs to choose from (None: all). Equal input gives equal groups.
    """
    return _groups(graph, size, None, among, fair=False)


def share(graph: Graph, size: int, count: int, among: t.Iterable[int] | None = None) -> list[Group]:
    """``count`` disjoint groups of equal use, for the replicas of one service.

    The farthest link of the worst group is as near as it can be, then the groups are the best in ``recommend``'s
    order. Fewer come back where the GPUs do not suffice. One group (``count`` 1) is the best of the host.
    """
    return _groups(graph, size, count, among, fair=True)


def _groups(graph: Graph, size: int, count: int | None, among: t.Iterable[int] | None, fair: bool) -> list[Group]:
    gpus = sorted(set(graph.gpus) if among is None else set(graph.gpus) & set(among))
    most = len(gpus) // size if size > 0 else 0
    wanted = most if count is None else min(count, most)
    if wanted < 1:
        return []
    if size == 1:
        return [_describe(graph, (gpu,)) for gpu in gpus[:wanted]]
    ranks = sorted({graph.link(a, b).rank for a, b in itertools.combinations(gpus, 2)})
    nics = {gpu: frozenset(graph.nearest_nics(gpu)) for gpu in gpus}
    numa = {gpu: graph.numa.get(gpu, ()) for gpu in gpus}

    def score(a: int, b: int) -> Score:
        near = 2 * int(bool(numa[a]) and numa[a] == numa[b]) + int(bool(nics[a] & nics[b]))
        return (ranks.index(graph.link(a, b).rank), near) if a != b else (0, 0)

    packing = Packing([[score(a, b) for b in gpus] for a in gpus], size)
    return [_describe(graph, tuple(gpus[at] for at in group)) for group in packing.best(wanted, fair)]


def _describe(graph: Graph, gpus: tuple[int, ...]) -> Group:
    links = [graph.link(a, b) for a, b in itertools.combinations(gpus, 2)]
    nearest = dict.fromkeys(nic for gpu in gpus for nic in graph.nearest_nics(gpu))
    # Where no link to a NIC is known, none is near.
    known = dict.fromkeys(nic for gpu in gpus for nic in graph.nics.get(gpu, ())) if nearest else {}

    def nearness(nic: str) -> tuple[tuple[int, int], list[tuple[int, int]]]:
        ranks = sorted(graph.nics.get(gpu, {}).get(nic, UNKNOWN).rank for gpu in gpus)
        return ranks[0], ranks[::-1]

    return Group(
        gpus=gpus,
        link=min(links, key=lambda link: link.rank, default=None),
        nvlinked=bool(links) and all(graph.nvlinked(a, b) for a, b in itertools.combinations(gpus, 2)),
        nic=max(known, key=nearness, default=None),
        nics=tuple(nearest),
    )
