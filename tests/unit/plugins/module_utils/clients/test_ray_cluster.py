# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ray's dashboard as Ray 2.60 answered in the lab, and as something that is not it."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import ray_cluster, ray_status

from tests.unit.plugins.fake_ray import TOKEN, node

EXPECTED = [{"host": "gpu1", "address": "10.9.0.1"}, {"host": "gpu2", "address": "10.9.0.2"}]
MISMATCH = """RuntimeError: Version mismatch: The cluster was started with:
    Ray: 2.60.0
    Python: 3.11.2
This process on node 10.77.22.13 was started with:
    Ray: 2.59.0
    Python: 3.11.2
"""


def test_a_cluster_is_read(fake_ray):
    found = ray_cluster.look(fake_ray.url, TOKEN, 5)
    assert (found["ray_version"], found["session"]) == ("2.60.0", "session_x")
    assert [(item["address"], item["head"], item["alive"]) for item in found["nodes"]] == [
        ("10.9.0.1", True, True),
        ("10.9.0.2", False, True),
    ]
    assert found["nodes"][0]["resources"] == {"CPU": 4.0, "GPU": 1.0}
    assert found["status"]["resources"]["GPU"]["total"] == 2
    assert ray_cluster.missing(found["nodes"], EXPECTED) == []
    assert [item["host"] for item in ray_cluster.named(found["nodes"], EXPECTED)] == ["gpu1", "gpu2"]


@pytest.mark.parametrize(
    ("token", "faults", "words"),
    [
        (None, {}, "wants the cluster's token"),
        ("wrong-token", {}, "refuses the token"),
        (TOKEN, {"/api/v0/nodes": (500, "{}")}, "HTTP 500 for /api/v0/nodes"),
        (TOKEN, {"/api/version": (200, "<html>")}, "does not answer as Ray's dashboard"),
        (TOKEN, {"/api/version": (200, "{}")}, "does not answer as Ray's dashboard"),
        (TOKEN, {"/api/v0/nodes": (200, '{"data": []}')}, "does not answer as Ray's dashboard"),
    ],
)
def test_what_is_no_cluster_is_said_without_the_token(fake_ray, token, faults, words):
    fake_ray.faults = faults
    with pytest.raises(ray_cluster.RayError, match=words) as caught:
        ray_cluster.look(fake_ray.url, token, 5)
    assert not token or token not in str(caught.value)


def test_nobody_there_is_said():
    with pytest.raises(ray_cluster.RayError, match="nothing listens there"):
        ray_cluster.look("http://127.0.0.1:9", None, 2)


def test_a_dead_node_does_not_count_and_a_new_one_of_its_host_does(fake_ray):
    dead = node("10.9.0.2", state="DEAD", state_message="lost heartbeats")
    fake_ray.nodes = [dead, node("10.9.0.1", is_head_node=True)]
    found = ray_cluster.look(fake_ray.url, TOKEN, 5)["nodes"]
    (gone,) = ray_cluster.missing(found, EXPECTED)
    assert (gone["host"], gone["why"]) == ("gpu2", "is dead: lost heartbeats")
    fake_ray.nodes.append(node("10.9.0.2"))
    assert ray_cluster.missing(ray_cluster.look(fake_ray.url, TOKEN, 5)["nodes"], EXPECTED) == []


def test_who_never_joined_is_told_so():
    assert [item["why"] for item in ray_cluster.missing([], EXPECTED)] == ["has not joined", "has not joined"]


def test_versions_of_a_refused_node_are_read():
    assert ray_cluster.refused(MISMATCH) == {
        "cluster_ray": "2.60.0",
        "cluster_python": "3.11.2",
        "ray": "2.59.0",
        "python": "3.11.2",
    }
    assert ray_cluster.refused("Ray runtime started.") is None


def test_a_status_tells_how_many_nodes_and_addresses_only_where_they_are_names():
    plain = ray_status.read("Node status\nActive:\n 1 node_" + "a" * 56 + "\nIdle:\n 2 worker\nPending:\n (none)\n")
    assert (ray_cluster.active(plain), ray_cluster.addresses(plain)) == (3, set())
    named = ray_status.read("Active:\n 1 10.9.0.1\n 1 10.9.0.2\nPending:\n (none)\n")
    assert (ray_cluster.active(named), ray_cluster.addresses(named)) == (2, {"10.9.0.1", "10.9.0.2"})
    assert ray_cluster.active(ray_status.read("nothing of Ray")) is None
