# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes file: written, read back, with dumps, and wrong in every way."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError
from ansible_collections.vllm.cluster.plugins.plugin_utils import probes_file

SOURCE = {"config": "{}", "quantization": None, "tensor_bytes": 5, "problems": []}
MATRIX = """\
\tGPU0\tGPU1\tNIC0\tCPU Affinity\tNUMA Affinity
GPU0\t X \tNV18\tPIX\t0-15\t0
GPU1\tNV18\t X \tSYS\t16-31\t1
NIC0\tPIX\tSYS\t X

Legend:

  X    = Self
NIC Legend:

  NIC0: mlx5_7
"""
CSV = """\
index, name, uuid, memory.total [MiB], driver_version
0, NVIDIA H100 80GB HBM3, GPU-00000000-0000-0000-0000-000000000000, 81559 MiB, 580.95.05
1, NVIDIA H100 80GB HBM3, GPU-00000000-0000-0000-0000-000000000001, 81559 MiB, 580.95.05
"""


@pytest.fixture
def write(tmp_path):
    def call(document):
        path = tmp_path / "probes.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    return call


def document(**hosts):
    return {"schema_version": 1, "hosts": hosts, "models": {}}


def refusal(path, members=("gpu1",)):
    with pytest.raises(PlanError) as refused:
        probes_file.read(path, members)
    (found,) = refused.value.refusals
    assert found.fix
    assert "\n" not in str(found)
    return found


def test_what_was_written_is_read_back(write):
    probes = {"gpu1": {"cpus": 4, "gpus": []}, "gpu2": {"cpus": None}}
    text = probes_file.text(probes, {"gpu1": "10.0.0.1", "gpu2": "10.0.0.2", "gpu3": "-"}, {"org/m": SOURCE})
    saved = probes_file.read(write(text), ["gpu2", "gpu1"])
    assert saved.probes == probes
    assert saved.addresses == {"gpu1": "10.0.0.1", "gpu2": "10.0.0.2"}
    assert saved.models == {"org/m": SOURCE}
    assert text == probes_file.text(dict(reversed(probes.items())), saved.addresses, saved.models)


def test_a_host_of_dumps_alone_has_gpus_links_and_nics(write, tmp_path):
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / "topo.txt").write_text(MATRIX)
    (tmp_path / "smi.csv").write_text(CSV)
    path = write(document(gpu1={"dumps": ["dumps/topo.txt", str(tmp_path / "smi.csv")]}))
    probe = probes_file.read(path, ["gpu1"]).probes["gpu1"]
    assert [(gpu["index"], gpu["memory_bytes"], gpu["nics"]) for gpu in probe["gpus"]] == [
        (0, 81559 * 2**20, ["mlx5_7"]),
        (1, 81559 * 2**20, ["mlx5_7"]),
    ]
    assert [link["type"] for link in probe["nics"][0]["links"]] == ["PIX", "SYS"]
    assert probe["links"] == [{"gpus": [0, 1], "type": "NV", "count": 18}]
    assert (probe["driver"], probe["cliques"], [nic["device"] for nic in probe["nics"]]) == (
        "580.95.05",
        [[0, 1]],
        ["mlx5_7"],
    )


def test_a_dump_adds_to_a_probe_what_the_probe_did_not_know(write, tmp_path):
    (tmp_path / "topo.txt").write_text(MATRIX)
    gpus = [{"index": 0, "memory_bytes": 7, "numa": None}, {"index": 1, "memory_bytes": 8}]
    path = write(document(gpu1={"probe": {"cpus": 4, "gpus": gpus, "driver": "1.2"}, "dumps": ["topo.txt"]}))
    probe = probes_file.read(path, ["gpu1"]).probes["gpu1"]
    assert (probe["cpus"], probe["driver"]) == (4, "1.2")
    assert [(gpu["memory_bytes"], gpu["numa"]) for gpu in probe["gpus"]] == [(7, [0]), (8, [1])]
    assert probe["nvlink_groups"] == [[0, 1]]


def test_a_dump_of_an_error_is_a_failing_driver(write, tmp_path):
    (tmp_path / "smi.txt").write_text("Failed to initialize NVML: Driver/library version mismatch\n")
    probe = probes_file.read(write(document(gpu1={"dumps": ["smi.txt"]})), ["gpu1"]).probes["gpu1"]
    assert probe["driver"] == "failing"
    assert "different versions" in probe["driver_error"]


def test_a_dump_that_lists_no_gpu_does_not_make_a_host_without(write, tmp_path):
    (tmp_path / "apps.csv").write_text("gpu_uuid, pid, process_name, used_gpu_memory [MiB]\nGPU-1, 7, python, 5 MiB\n")
    found = refusal(write(document(gpu1={"dumps": ["apps.csv"]})))
    assert (found.id, found.rule) == ("probes-file-dump", "tells of no GPU")
    path = write(document(gpu1={"probe": {"gpus": [{"index": 0}]}, "dumps": ["apps.csv"]}))
    assert [gpu["index"] for gpu in probes_file.read(path, ["gpu1"]).probes["gpu1"]["gpus"]] == [0]


def test_hosts_that_no_service_names_are_not_looked_at(write):
    assert probes_file.read(write(document(gpu1={"probe": {"cpus": 1}}, old={"dumps": ["gone"]})), ["gpu1"]).probes == {
        "gpu1": {"cpus": 1}
    }


def test_a_missing_file_says_how_to_make_it(tmp_path):
    found = refusal(str(tmp_path / "none.json"))
    assert (found.id, found.path, found.rule) == ("probes-file-form", "vllm_probes_file", "does not exist")
    assert "playbooks/probe.yml" in found.fix
    assert refusal(str(tmp_path)).rule == "cannot be read (Is a directory)"


@pytest.mark.parametrize(
    ("wrong", "path", "rule"),
    [
        ("{", "", "is no JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
        ("[" * 100_000, "", "is no JSON"),
        ("[]", "", "holds no mapping"),
        ({"schema_version": 2, "hosts": {"gpu1": {"probe": {"cpus": 1}}}}, "", "schema_version must be 1"),
        (document(gpu1=[]), ".hosts.gpu1", "must be a mapping"),
        (document(gpu1={}), ".hosts.gpu1", "has neither probe nor dumps"),
        (document(gpu1={"prob": {}}), ".hosts.gpu1.prob", "no such key"),
        (document(gpu1={"probe": []}), ".hosts.gpu1.probe", "must be a mapping"),
        (document(gpu1={"probe": {"gpus": 8}}), ".hosts.gpu1.probe.gpus", "must be a list"),
        (document(gpu1={"probe": {"gpus": ["H100"]}}), ".hosts.gpu1.probe.gpus", "must be a list of mappings"),
        (document(gpu1={"probe": {"cpus": "8"}}), ".hosts.gpu1.probe.cpus", "must be a number"),
        (document(gpu1={"probe": {"cpus": True}}), ".hosts.gpu1.probe.cpus", "must be a number"),
        (document(gpu1={"probe": {"gpus": [{}]}}), ".hosts.gpu1.probe.gpus[0].index", "is missing"),
        (
            document(gpu1={"probe": {"gpus": [{"index": 0, "memory_bytes": "80 GiB"}]}}),
            ".hosts.gpu1.probe.gpus[0].memory_bytes",
            "must be a number",
        ),
        (document(gpu1={"probe": {"shm": {"total_bytes": []}}}), ".hosts.gpu1.probe.shm.total_bytes", "must be a num"),
        (document(gpu1={"probe": {"os": {"id": 5}}}), ".hosts.gpu1.probe.os.id", "must be text"),
        (document(gpu1={"probe": {"pythons": {"/p": 3.12}}}), ".hosts.gpu1.probe.pythons./p", "must be text"),
        (
            document(gpu1={"probe": {"interfaces": [{"name": "ib0", "addresses": ["10.0.0.1/24", 5]}]}}),
            ".hosts.gpu1.probe.interfaces[0].addresses[1]",
            "must be text",
        ),
        (
            document(gpu1={"probe": {"links": [{"gpus": [0], "type": "NV", "count": 1}]}}),
            ".hosts.gpu1.probe.links[0].gpus",
            "must be a list of 2",
        ),
        (document(gpu1={"probe": {"memory_bytes": 10**30}}), ".hosts.gpu1.probe.memory_bytes", "must be a number from"),
        (
            {**document(gpu1={"probe": {"cpus": 1}}), "models": {"m": {"config": "{}", "tensor_bytes": -5}}},
            ".models.m.tensor_bytes",
            "must be a number from",
        ),
        (document(gpu1={"dumps": "topo.txt"}), ".hosts.gpu1.dumps", "must be a list"),
        (document(gpu1={"dumps": ["gone.txt"]}), ".hosts.gpu1.dumps[0]", "does not exist"),
        (document(gpu1={"dumps": ["probes.json"]}), ".hosts.gpu1.dumps", "The text holds no output of nvidia-smi"),
        ({**document(gpu1={"probe": {"cpus": 1}}), "models": {"m": {}}}, ".models.m", "has no config"),
        (
            {**document(gpu1={"probe": {"cpus": 1}}), "models": {"m": {"config": {}}}},
            ".models.m.config",
            "must be text",
        ),
    ],
)
def test_a_wrong_file_names_the_place_and_the_rule(write, wrong, path, rule):
    found = refusal(write(wrong))
    assert found.path == "vllm_probes_file" + path
    assert found.rule.startswith(rule)


def test_a_host_that_the_file_lacks_is_named_with_the_nearest_name(write):
    found = refusal(write(document(gpu2={"probe": {"cpus": 1}})))
    assert (found.id, found.value) == ("probes-file-host", "gpu1")
    assert found.fix == "probe gpu1 with playbooks/probe.yml, or correct the name (it has gpu2)"
    assert "it has 0 hosts" in refusal(write(document())).fix


def test_every_mistake_is_told_in_one_run(write):
    with pytest.raises(PlanError) as refused:
        probes_file.read(write(document(gpu1={"prob": 1}, gpu2=3)), ["gpu1", "gpu2", "db"])
    assert [item.path for item in refused.value.refusals] == [
        "vllm_probes_file.hosts.gpu1.prob",
        "vllm_probes_file.hosts.gpu2",
        "vllm_probes_file.hosts",
    ]
