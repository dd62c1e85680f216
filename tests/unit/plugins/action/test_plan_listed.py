# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stage intent tells of services: status.yml joins it with what the hosts say."""

from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.action.plan import _listed
from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent


def listed(**keys):
    read = intent.parse({"vllm_services": [{"name": "a", "model": "org/m", "api_key": "k", **keys}]}, str.split)
    return [_listed(sides) for sides in read.whole().values()]


def test_a_service_of_two_sides_is_one():
    (found,) = listed(prefill={"hosts": "gpu1", "replicas": 2}, decode={"hosts": "gpu2 gpu1", "replicas": 1})
    assert found == {"name": "a", "model": "org/m", "replicas": 3, "door": None, "hosts": ["gpu1", "gpu2"]}


def test_sides_without_a_number_are_not_counted():
    (found,) = listed(prefill={"hosts": "gpu1", "replicas": 2}, decode={"hosts": "gpu2"})
    assert found["replicas"] is None


def test_the_host_of_the_front_door_is_asked_too():
    (found,) = listed(hosts="gpu1", replicas=2, router={"host": "gpu9"})
    assert (found["replicas"], found["hosts"]) == (2, ["gpu1", "gpu9"])
