# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real outputs of ``ray status``, as collected beside this checkout, against what a person reads in them.

They belong to other projects, so they are not part of this one.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import ray_status

CORPUS = Path(__file__).resolve().parents[6] / "shared" / "corpus"
INDEX = CORPUS / "INDEX.json"
ENTRIES = json.loads(INDEX.read_text()) if INDEX.is_file() else []
FILES = [entry["file"] for entry in ENTRIES if entry["kind"] == "ray-status"]

pytestmark = pytest.mark.skipif(not ENTRIES, reason="the collection of real outputs is not beside this checkout")

GIB, TIB = 2**30, 2**40
#: By the number of the file: nodes that run, total of each resource.
READ = {
    "002": (2, {"CPU": 360, "GPU": 16, "memory": 3.39 * TIB, "object_store_memory": 372.53 * GIB}),
    "003": (2, {"CPU": 256, "memory": 323.77 * GIB, "object_store_memory": 142.75 * GIB}),
    "004": (2, {"CPU": 416, "memory": 839.91 * GIB, "object_store_memory": 30.40 * GIB}),
    "005": (2, {"CPU": 32, "GPU": 2, "memory": 154.99 * GIB, "object_store_memory": 19.46 * GIB}),
    "006": (
        2,
        {
            "CPU": 240,
            "TPU": 8,
            "TPU-v4-32-head": 1,
            "tpu-pod-name": 2,
            "memory": 760.02 * GIB,
            "object_store_memory": 30.40 * GIB,
        },
    ),
    "007": (
        4,
        {
            "CPU": 128,
            "GPU": 32,
            "accelerator_type:A100": 4,
            "memory": 197.961 * GIB,
            "object_store_memory": 86.199 * GIB,
        },
    ),
    "008": (3, {"CPU": 10, "memory": 70.437 * GIB, "object_store_memory": 10.306 * GIB}),
    "009": (1, {"CPU": 1, "memory": 0.931 * GIB, "object_store_memory": 0.2 * GIB}),
    "010": (1, {"CPU": 8, "memory": 21.16 * GIB, "object_store_memory": 9.07 * GIB}),
    "011": (2, {"CPU": 256, "GPU": 16, "memory": 3.48 * TIB, "object_store_memory": 372.53 * GIB}),
    "012": (4, {"CPU": 832, "GPU": 32, "memory": 6.87 * TIB, "object_store_memory": 38.91 * GIB}),
    "018": (4, None),
    "020": (None, {"CPU": 1619, "GPU": 2, "memory": 1.99 * TIB}),
    "021": (
        22,
        {
            "AcceleratorType:V100": 2,
            "CPU": 544,
            "GPU": 2,
            "memory": 8 * GIB,
            "object_store_memory": 16 * GIB,
        },
    ),
}
#: What is not there, by the word that it would stand under.
MISSING = {
    "007": ["Demands:"],
    "018": ["Usage:", "Demands:"],
    "020": ["Active:", "Pending:", "Recent failures:"],
}


def read(file):
    return ray_status.read((CORPUS / file).read_text(encoding="utf-8"))


def number(file):
    return file.partition("/")[2][:3]


def test_every_file_is_in_the_table():
    assert {number(file) for file in FILES} == set(READ)


@pytest.mark.parametrize("file", FILES)
def test_nodes_and_totals(file):
    document = read(file)
    nodes, totals = READ[number(file)]
    active = document["nodes"]["active"]
    assert nodes == (None if active is None else sum(item["count"] for item in active))
    found = document["resources"] and {name: item["total"] for name, item in document["resources"].items()}
    assert found == (totals and {name: round(total) for name, total in totals.items()})


@pytest.mark.parametrize("file", FILES)
def test_what_is_cut_is_said_and_nothing_else(file):
    document = read(file)
    missing = MISSING.get(number(file), [])
    assert document["warnings"] == [
        f"the part {word!r} is missing: the text is cut or not the whole output" for word in missing
    ]
    assert document["complete"] == (not missing)
    assert document["error"] is None


@pytest.mark.parametrize("file", [file for file in FILES if number(file) not in ("012", "020", "021")])
def test_idle_clusters(file):
    document = read(file)
    assert all(item["used"] == item["reserved"] == 0 for item in (document["resources"] or {}).values())
    assert (document["nodes"]["pending"], document["nodes"]["failed"]) == ([], [])
    assert not document["demands"]
    assert not document["constraints"]


def test_all_gpus_are_held_by_placement_groups():
    gpus = read(next(file for file in FILES if number(file) == "012"))["resources"]["GPU"]
    assert gpus == {"used": 32, "total": 32, "reserved": 32, "reserved_used": 32, "available": 0}


def test_a_fragment_with_demands():
    document = read(next(file for file in FILES if number(file) == "020"))
    assert document["resources"]["CPU"]["used"] == 19.25
    assert document["resources"]["memory"]["used"] == round(487.11 * 2**20)
    (demand,) = document["demands"]
    assert (demand["kind"], demand["count"], demand["at_least"]) == ("tasks", 135, True)
    (constraint,) = document["constraints"]
    assert (constraint["count"], constraint["at_least"]) == (3, False)
    assert constraint["bundles"][0]["resources"]["node:10.53.80.206"] == 0
    assert constraint["bundles"][0]["resources"]["memory"] == 217258927


def test_nodes_that_start_and_fail():
    document = read(next(file for file in FILES if number(file) == "021"))
    nodes = document["nodes"]
    assert [(item["count"], item["address"], item["state"]) for item in nodes["pending"]] == [
        (2, None, "launching"),
        (1, "1.2.3.4", "waiting-for-ssh"),
        (1, "1.2.3.5", "waiting-for-ssh"),
    ]
    assert nodes["idle"] == []
    (failed,) = nodes["failed"]
    assert (failed["type"], failed["reason"], failed["address"]) == ("p3.2xlarge", "NodeTerminated", "1.2.3.6")
    assert [(item["kind"], item["count"]) for item in document["demands"]] == [
        ("tasks", 150),
        ("placement_groups", 420),
    ]
    assert document["demands"][1]["bundles"] == [{"resources": {"CPU": 4}, "count": 5}]
    assert [item["count"] for item in document["constraints"]] == [100]
