# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``ray status``: outputs of real clusters of our own, and of Ray's formatters for clusters that are hard to have.

fixtures/ray-status: 2.60.0-demands-v and -placement-groups come from ``ray start --head`` with work on it; the
others from format_info_string (v1) and ClusterStatusFormatter (v2) of that Ray, called with made-up clusters.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import ray_status

FIXTURES = Path(__file__).parent / "fixtures" / "ray-status"
NAMES = sorted(path.name for path in FIXTURES.iterdir())


def text_of(name):
    return (FIXTURES / name).read_text()


def read(name):
    return ray_status.read(text_of(name))


def resource(used, total, reserved=0, reserved_used=0, available=None):
    rest = total - used - reserved + reserved_used
    return {
        "used": used,
        "total": total,
        "reserved": reserved,
        "reserved_used": reserved_used,
        "available": rest if available is None else available,
    }


@pytest.mark.parametrize("name", NAMES)
def test_they_are_understood_whole(name):
    document = read(name)
    assert document["warnings"] == []
    assert document["complete"] is True
    assert document["error"] is None


def test_a_cluster_with_work():
    document = read("2.60.0-demands-v.txt")
    (node,) = document["nodes"]["active"]
    assert node["count"] == 1
    assert len(node["node_id"]) == 56
    assert document["nodes"]["idle"] is None
    assert document["resources"]["CPU"] == resource(0.25, 4, 2, 0.25)
    assert document["resources"]["GPU"] == resource(0.5, 2, 2, 0.5)
    assert document["resources"]["tpu-pod name"] == resource(0, 2)
    memory = document["resources"]["memory"]
    assert (memory["total"], memory["reserved"]) == (round(23.19 * 2**30), 150 * 2**20)
    assert memory["available"] == memory["total"] - memory["reserved"]
    waiting = [(item["kind"], item["count"], item.get("strategy")) for item in document["demands"]]
    assert waiting == [
        ("tasks", 12, None),
        ("tasks", 1, None),
        ("placement_groups", 1, "STRICT_SPREAD"),
        ("placement_groups", 1, "SPREAD"),
    ]
    assert document["demands"][1]["bundles"] == [{"resources": {"CPU": 1, "memory": 1e13}, "count": 1}]
    assert document["demands"][3]["bundles"] == [
        {"resources": {"CPU": 8}, "count": 1},
        {"resources": {"GPU": 1, "CPU": 4}, "count": 1},
    ]
    assert [(item["bundles"][0]["resources"], item["count"]) for item in document["constraints"]] == [
        ({"CPU": 3}, 2),
        ({"GPU": 1}, 1),
    ]
    (by_node,) = document["by_node"]
    assert by_node["node_id"] == node["node_id"]
    assert by_node["resources"] == document["resources"]


@pytest.mark.parametrize("name", [name for name in NAMES if "formatter" in name])
def test_formatters(name):
    document = read(name)
    assert document["resources"]["CPU"] == resource(528, 544, 2, 0)
    assert document["resources"]["GPU"] == resource(12, 16, 16, 12)
    assert document["resources"]["memory"] == resource(2**30, 3 * 2**40, 2**30, 2**20)
    assert document["resources"]["object_store_memory"] == resource(512, 2**31)
    assert document["resources"]["my res (x)"] == resource(0.001, 1e-05, available=-0.001)
    assert "node:10.0.0.1" not in document["resources"]


@pytest.mark.parametrize("name", [name for name in NAMES if "formatter-v1" in name])
def test_the_old_autoscaler(name):
    document = read(name)
    nodes = document["nodes"]
    assert [(item["type"], item["count"]) for item in nodes["active"]] == [("p3.2xlarge", 2), ("m4.4xlarge", 20)]
    assert nodes["idle"] == (None if name.startswith("2.4.0") else [{"type": "m4", "count": 3, "node_id": None}])
    assert [(item["type"], item["count"], item["address"], item["state"]) for item in nodes["pending"]] == [
        ("m4.4xlarge", 2, None, "launching"),
        ("m4.4xlarge", 1, "1.2.3.4", "waiting-for-ssh"),
        ("m4", 1, "1.2.3.5", "setting-up"),
    ]
    reason = "RayletUnexpectedlyDied" if name.startswith("2.4.0") else "NodeTerminated"
    assert [(item["type"], item["reason"], item["address"]) for item in nodes["failed"]] == [
        ("A100", "InstanceLimitExceeded", None),
        ("m4, odd: type", reason, "1.2.3.7"),
        ("p3.2xlarge", reason, "1.2.3.6"),
    ]
    assert nodes["failed"][0]["latest_attempt"] == "01:46:40"
    assert nodes["failed"][0]["detail"] == ("quota - of 0: (none)" if "-v.txt" in name else None)
    tasks = [item for item in document["demands"] if item["kind"] == "tasks"]
    assert [item["count"] for item in tasks][:2] == [150, 2]
    assert tasks[1]["bundles"][0]["resources"] == {"GPU": 1, "accelerator_type:H100": 0.001}
    (group,) = [item for item in document["demands"] if item["kind"] == "placement_groups"]
    assert (group["count"], group["strategy"]) == (420, "PACK")
    assert group["bundles"] == [
        {"resources": {"CPU": 4}, "count": 5},
        {"resources": {"GPU": 1, "node:10.0.0.1": 0.001}, "count": 1},
    ]
    (constraint,) = document["constraints"]
    assert (constraint["bundles"][0]["resources"], constraint["count"]) == ({"CPU": 16}, 100)
    assert constraint["at_least"] == ("2.60" not in name)
    assert [item["name"] for item in document["by_node"]] == (["n1", "n2"] if "-v.txt" in name else [])


def test_tasks_in_placement_groups():
    tasks = read("2.60.0-formatter-v1-v.txt")["demands"][2]
    assert (tasks["count"], tasks["in_placement_groups"]) == (3, 3)


def test_the_new_autoscaler():
    document = read("2.60.0-formatter-v2-v.txt")
    assert document["time"] == "2023-11-14 22:13:20"
    launch, node = document["nodes"]["failed"]
    assert (launch["reason"], launch["latest_attempt"]) == ("LaunchFailed", "22:13:20")
    assert launch["detail"] == "Insufficient capacity - zone a"
    assert (node["reason"], node["instance"], node["address"]) == ("NodeTerminated", "i-7", None)
    assert document["nodes"]["pending"][1] == {
        "type": "gpu-group",
        "count": 1,
        "address": "i-9",
        "state": "starting ray",
    }
    first = document["by_node"][0]
    assert (first["name"], first["type"], first["node_id"], first["idle_ms"]) == ("h0", "head-group", "h0h0h0", 12345)
    assert first["activity"] == ["Busy workers on node.", "Resource: CPU currently in use."]
    assert first["resources"]["memory"] == resource(5, 2**33)
    assert [item["activity"] for item in document["by_node"][1:]] == [[], []]


def test_sizes_of_ray_1_with_the_unit_at_the_end():
    text = "Usage:\n 2.0/8.0 GPU\n 1.50/70.437 GiB memory (0.50 used of 2.00 GiB reserved in placement groups)\n"
    memory = ray_status.read(text)["resources"]["memory"]
    assert memory["total"] == round(70.437 * 2**30)
    assert (memory["used"], memory["reserved"], memory["reserved_used"]) == (3 * 2**29, 2**31, 2**29)


PREFIXES = {
    "journal": "Nov 21 05:41:{second:02d} gpu1 ray[4711]: ",
    "pod": "[pod/ray-head-7d9f/ray] ",
    "compose": "ray-1  | ",
    "log": "2026-11-20 10:00:{second:02d},123 INFO monitor.py:350 -- ",
    "quote": "> ",
    "indent": "      ",
}


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=list(PREFIXES))
@pytest.mark.parametrize("name", NAMES)
def test_what_logs_put_before_lines(name, prefix):
    lines = text_of(name).splitlines()
    text = "\n".join((prefix.format(second=index % 60) + line).rstrip() for index, line in enumerate(lines))
    assert ray_status.read(text) == read(name)


@pytest.mark.parametrize("name", NAMES)
def test_other_forms_of_the_same_text(name):
    text = text_of(name)
    for form in (
        text.replace("\n", "\r\n"),
        text.strip().replace("\n", "\\n"),
        "\n".join("\x1b[37m" + line + "\x1b[0m" for line in text.splitlines()),
        "root@gpu1:~# ray status\n" + text + "\nroot@gpu1:~# \n",
        text.replace("\n", "\n\n"),
        text.replace("\n ", "\n"),
    ):
        assert ray_status.read(form) == read(name)


def test_the_last_of_several_statuses_is_read():
    document = ray_status.read(text_of("2.60.0-demands-v.txt") + text_of("2.4.0-formatter-v1-v.txt"))
    expected = read("2.4.0-formatter-v1-v.txt")
    assert document["warnings"] == ["the text has 2 statuses; the last is read"]
    assert {**document, "warnings": [], "complete": True} == expected


@pytest.mark.parametrize("word", ["Active:", "Pending:", "Recent failures:", "Total Usage:", "Pending Demands:"])
@pytest.mark.parametrize("name", [name for name in NAMES if "2.60" in name])
def test_a_cut_is_said(name, word):
    text = text_of(name)
    document = ray_status.read(text[: text.index(word)])
    assert document["complete"] is False
    assert any("is cut" in warning or "no status" in warning for warning in document["warnings"])
    document = ray_status.read(text[text.index(word) + len(word) :])
    assert document["complete"] is False


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        (" 1 node_0e1b24bf0116d75c041d", "the node's id is cut off: 1 node_0e1b24bf0116d75c041d"),
        (" 1", "not understood under active: 1"),
    ],
)
def test_a_cut_node(line, warning):
    document = ray_status.read("Node status\n-----\nActive:\n" + line)
    assert warning in document["warnings"]
    assert all(item["node_id"] is None for item in document["nodes"]["active"])


def test_a_cut_reservation():
    document = ray_status.read("Usage:\n 8.0/16.0 GPU (8.0 used of 16.0 res")
    assert document["resources"]["GPU"]["used"] == 8
    assert document["warnings"][0].startswith("what placement groups hold is cut off: ")


def test_lines_that_are_no_lines_of_ray():
    document = ray_status.read(
        "Usage:\n 8.0/16.0\nmany GPUs\nPending:\n i-1: gpu\nDemands:\n {'CPU': 1.0}: 2+ pending ta"
    )
    assert document["resources"] == {}
    assert document["demands"] == []
    assert [warning for warning in document["warnings"] if "not understood" in warning] == [
        "not understood under usage: 8.0/16.0",
        "not understood under usage: many GPUs",
        "not understood under pending: i-1: gpu",
        "not understood under demands: {'CPU': 1.0}: 2+ pending ta",
    ]


def test_resources_without_their_title():
    document = ray_status.read(" 0.0/16.0 GPU\n\nDemands:\n (no resource demands)")
    assert document["resources"]["GPU"]["total"] == 16
    assert document["complete"] is False


@pytest.mark.parametrize(
    "text",
    [
        "No cluster status. It may take a few seconds for the Ray internal services to start up.",
        "Traceback (most recent call last):\n  File x\nRuntimeError: Ray version mismatch: cluster has 2.60.0",
        "ConnectionError: Could not find any running Ray instance. Please specify the one to connect to.",
        "ray.exceptions.RpcError: Timed out while waiting for GCS to become available.",
    ],
)
def test_ray_says_why_there_is_no_status(text):
    document = ray_status.read("2026-11-21 10:00:00,1 INFO x.py:1 -- connecting\n" + text + "\n")
    assert document["error"] == text
    assert document["resources"] is None
    assert document["complete"] is False


def test_the_autoscaler_says_after_the_status_that_it_failed():
    said = "The autoscaler failed with the following error:\nTraceback:\n\n  boom"
    document = ray_status.read(text_of("2.60.0-placement-groups.txt") + said)
    assert document["error"] == said
    assert document["resources"] == read("2.60.0-placement-groups.txt")["resources"]


def test_details_of_a_failure_have_lines():
    text = text_of("2.60.0-formatter-v2-v.txt").replace("zone a", "zone a\n\nrequest: 17")
    document = ray_status.read(text)
    assert document["nodes"]["failed"][0]["detail"] == "Insufficient capacity - zone a\nrequest: 17"
    assert len(document["nodes"]["failed"]) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: json.dumps(text.split("\n")),
        lambda text: json.dumps({"stdout_lines": text.split("\n")}, indent=2),
        lambda text: repr(text.split("\n")),
    ],
    ids=["blanks of a web page", "list", "list on lines", "list of Python"],
)
@pytest.mark.parametrize("name", NAMES)
def test_as_programs_and_pages_hold_it(name, change):
    found, plain = ray_status.read(change(text_of(name))), read(name)
    assert {**found, "time": None} == {**plain, "time": None}


@pytest.mark.parametrize("after", ["```\nWhat do I do?\n", "root@node:~# ", '"}'])
def test_what_stands_right_after_it(after):
    status = "\n".join(
        [
            "=" * 8 + " Autoscaler status: 2026-01-02 03:04:05.678901 " + "=" * 8,
            *("Node status", "---", "Active:", " 1 head", "Pending:", " (no pending nodes)", "Recent failures:"),
            *(" (no failures)", "", "Resources", "---", "Usage:", " 0.0/8.0 CPU", "", "Demands:"),
            " (no resource demands)\n",
        ]
    )
    assert ray_status.read("```\n" + status + after) == ray_status.read(status)
    assert ray_status.read(status)["complete"] is True


def test_a_failed_node_of_ray_1():
    text = "Recent failures:\n 10.0.0.8: ray.worker.gpu\n fd00::8: ray.worker.gpu\n"
    nodes = ray_status.read(text)["nodes"]["failed"]
    assert [(node["address"], node["type"], node["reason"]) for node in nodes] == [
        ("10.0.0.8", "ray.worker.gpu", None),
        ("fd00::8", "ray.worker.gpu", None),
    ]


def test_no_cluster_at_an_address():
    assert ray_status.read("Ray cluster is not found at 10.0.0.5:6379")["error"] is not None
