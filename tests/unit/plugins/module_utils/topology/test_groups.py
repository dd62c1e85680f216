# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of GPUs: against every possible choice on small hosts, and on the machines that people have."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology.graph import CLIQUES, Graph
from ansible_collections.vllm.cluster.plugins.module_utils.topology.groups import recommend, share
from ansible_collections.vllm.cluster.plugins.module_utils.topology.kinds import UNKNOWN, Link, parse
from ansible_collections.vllm.cluster.plugins.module_utils.topology.matrix import read_matrix
from ansible_collections.vllm.cluster.plugins.module_utils.topology.report import graph_of_matrix
from hypothesis import given, settings
from hypothesis import strategies as st

FIXTURES = Path(__file__).parents[3] / "fixtures" / "topology"
KINDS = ["NV12", "NV4", "PIX", "PHB", "SYS"]


def graph(gpus, links, other="SYS", numa=None):
    found = {pair: parse(links.get(pair, other)) for pair in itertools.combinations(range(gpus), 2)}
    return Graph(list(range(gpus)), found, {gpu: (node,) for gpu, node in (numa or {}).items()})


def fixture(name):
    return graph_of_matrix(read_matrix((FIXTURES / name).read_text()))


def gpus(groups):
    return [list(group.gpus) for group in groups]


def worst(host, group):
    return min(host.link(a, b).rank for a, b in itertools.combinations(group, 2))


def choices(left, size, count):
    """Every way to take disjoint groups, by plain enumeration."""
    if count == 0:
        yield []
        return
    for group in itertools.combinations(left, size):
        rest = [gpu for gpu in left if gpu not in group and gpu > group[0]]
        skipped = [gpu for gpu in left if gpu < group[0]]
        if len(rest) + len(skipped) >= size * (count - 1):
            for others in choices(rest, size, count - 1):
                yield [group, *others]


@st.composite
def graphs(draw):
    count = draw(st.integers(2, 6))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    pairs = itertools.combinations(range(count), 2)
    return graph(count, {pair: draw(st.sampled_from(kinds)) for pair in pairs})


@settings(max_examples=150, deadline=None)
@given(graphs(), st.integers(2, 4))
def test_recommended_groups_are_the_best_one_after_the_other(host, size):
    found = recommend(host, size)
    assert len(found) == len(host.gpus) // size
    assert len({gpu for group in found for gpu in group.gpus}) == len(found) * size
    best = max(
        (
            sorted((worst(host, group) for group in choice), reverse=True)
            for choice in choices(host.gpus, size, len(found))
        ),
        default=[],
    )
    assert [group.link.rank for group in found] == best


@settings(max_examples=150, deadline=None)
@given(graphs(), st.integers(2, 3), st.integers(1, 3))
def test_replicas_share_so_that_the_worst_is_as_good_as_can_be(host, size, count):
    found = share(host, size, count)
    assert len(found) == min(count, len(host.gpus) // size)
    reachable = [
        min(worst(host, group) for group in choice) for choice in choices(host.gpus, size, len(found)) if choice
    ]
    assert min((group.link.rank for group in found), default=None) == max(reachable, default=None)


@settings(max_examples=50, deadline=None)
@given(graphs(), st.permutations(range(6)))
def test_the_order_of_the_input_decides_nothing(host, order):
    mixed = Graph(host.gpus, dict(sorted(host.links.items(), key=lambda item: order[item[0][0]])))
    assert recommend(host, 2) == recommend(mixed, 2)


def test_the_best_pair_first_or_two_pairs_of_one_quality():
    path = graph(4, {(0, 1): "NV4", (1, 2): "NV12", (2, 3): "NV4"})
    assert gpus(recommend(path, 2)) == [[1, 2], [0, 3]]
    assert gpus(share(path, 2, 2)) == [[0, 1], [2, 3]]
    assert gpus(share(path, 2, 1)) == [[1, 2]]


def test_equal_first_groups_leave_the_best_to_the_second():
    ring = graph(4, {(0, 1): "NV2", (0, 2): "NV2", (1, 3): "NV1", (2, 3): "NV2"})
    assert gpus(recommend(ring, 2)) == [[0, 1], [2, 3]]


def test_a_group_stays_on_its_numa_node():
    host = graph(4, {}, other="NV18", numa={0: 0, 1: 1, 2: 0, 3: 1})
    assert gpus(recommend(host, 2)) == [[0, 2], [1, 3]]


def test_a_group_takes_the_bridges_that_it_can():
    host = graph(8, {(gpu, gpu + 4): "NV4" for gpu in range(4)})
    assert gpus(recommend(host, 4)) == [[0, 1, 4, 5], [2, 3, 6, 7]]


def test_the_nic_that_no_gpu_of_the_group_is_far_from():
    host = graph(2, {(0, 1): "NV4"})
    host.nics = {0: {"a": Link("PIX"), "b": Link("PHB")}, 1: {"a": Link("SYS"), "b": Link("PHB")}}
    (pair,) = recommend(host, 2)
    assert (pair.nic, pair.nics) == ("b", ("a", "b"))


def test_only_among_the_free_ones():
    host = graph(6, {(0, 1): "NV12", (2, 3): "NV12", (4, 5): "NV12"})
    assert gpus(recommend(host, 2, among=[0, 2, 3, 5, 9])) == [[2, 3], [0, 5]]
    assert recommend(host, 8) == []
    assert recommend(host, 0) == []
    assert gpus(share(host, 1, 2, among=[4, 5])) == [[4], [5]]


def test_a_link_that_nobody_knows_is_the_last_to_be_used():
    host = graph(4, {(0, 1): "SYS", (2, 3): "SYS"}, other="SYS")
    del host.links[0, 1]
    assert worst(host, recommend(host, 2)[0].gpus) == Link("SYS").rank
    (whole,) = recommend(host, 4)
    assert whole.link == UNKNOWN


def test_a_host_with_switches():
    host = fixture("nvswitch_8gpu_9nic.txt")
    assert host.nvlink_groups() == host.cliques() == [list(range(8))]
    assert gpus(recommend(host, 4)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert gpus(recommend(host, 2)) == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert [group.nic for group in recommend(host, 1)] == [f"NIC{number}" for number in range(8)]
    (whole,) = recommend(host, 8)
    assert whole.nvlinked
    assert whole.link == Link("NV", 18)
    assert whole.nics == tuple(f"NIC{number}" for number in range(8))


def test_a_cube_mesh():
    host = fixture("cube_mesh_8gpu_named_nics.txt")
    assert host.nvlink_groups() == [list(range(8))]
    assert host.cliques() == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 4], [1, 5], [2, 6], [3, 7]]
    quads = recommend(host, 4)
    assert gpus(quads) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [group.nic for group in quads] == ["mlx5_0", "ibp65s0"]
    assert all(group.link == Link("NV", 2) for group in recommend(host, 2))
    (whole,) = recommend(host, 8)
    assert (whole.link, whole.nvlinked) == (Link("SYS"), False)


def test_pairs_with_bridges():
    host = graph(6, {(0, 3): "NV4", (1, 2): "NV4", (4, 5): "NODE"})
    assert host.nvlink_groups() == [[0, 3], [1, 2]]
    assert host.cliques() == [[0, 3], [1, 2]]
    assert gpus(recommend(host, 2)) == [[0, 3], [1, 2], [4, 5]]


def test_without_nvlinks():
    host = graph(3, {(1, 2): "PIX"})
    assert (host.nvlink_groups(), host.cliques(), host.odd_ones()) == ([], [], [])
    assert gpus(recommend(host, 2)) == [[1, 2]]


def test_one_gpu_that_the_switches_lost():
    host = graph(4, {(0, 1): "NV18", (0, 3): "NV18", (1, 3): "NV18"}, other="NODE")
    assert host.odd_ones() == [2]
    assert gpus(recommend(host, 2))[0] == [0, 1]
    assert graph(3, {(0, 1): "NV4"}).odd_ones() == []


def test_more_cliques_than_any_machine_has():
    host = graph(24, {(a, b): "NV1" for a, b in itertools.combinations(range(24), 2) if a // 3 != b // 3})
    assert len(host.cliques()) == CLIQUES  # of 3 ** 8


def test_a_host_of_sixteen_takes_milliseconds():
    host = graph(16, {}, other="NV6", numa={gpu: gpu % 2 for gpu in range(16)})
    started = time.process_time()
    assert [gpus(recommend(host, size))[0] for size in (2, 4, 8)] == [[0, 2], [0, 2, 4, 6], list(range(0, 16, 2))]
    assert time.process_time() - started < 1  # some 20 ms on an idle machine


@pytest.mark.parametrize("kinds", [["NV1", "SYS"], ["PIX", "PXB", "NODE"], ["NV1", "NV2", "PIX", "SYS"]])
def test_a_made_up_host_of_forty_ends_soon(kinds):
    pairs = itertools.combinations(range(40), 2)
    host = graph(40, {(a, b): kinds[(a * b + a // 3 + b) % len(kinds)] for a, b in pairs})
    started = time.process_time()
    for size in (2, 4, 8):
        found = recommend(host, size)
        assert sorted(gpu for group in found for gpu in group.gpus) == host.gpus
    assert time.process_time() - started < 10
