# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real outputs, as collected beside this checkout, against what persons read in them.

They belong to other projects, so they are not part of this one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology.report import read_report
from ansible_collections.vllm.cluster.plugins.module_utils.topology.smi_csv import read_tables

CORPUS = Path(__file__).resolve().parents[6] / "shared" / "corpus"
INDEX = CORPUS / "INDEX.json"
ENTRIES = json.loads(INDEX.read_text()) if INDEX.is_file() else []

pytestmark = pytest.mark.skipif(not ENTRIES, reason="the collection of real outputs is not beside this checkout")


def entries(kind):
    found = [entry for entry in ENTRIES if entry["kind"] == kind]
    return [pytest.param(entry, id=entry["file"].split("/")[-1][:40]) for entry in found]


def text_of(entry):
    return (CORPUS / entry["file"]).read_text(encoding="utf-8", errors="replace")


def expected(entry):
    """Numbers of an expectation such as ``columns=202 rows=1``."""
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", entry["expect"])}


@pytest.mark.parametrize("entry", entries("topo"))
def test_matrices(entry):
    expectation = json.loads(entry["expect"])
    document = read_report((text_of(entry), None))
    assert document["gpu_count"] == expectation["gpus"]
    assert document["nic_count"] == expectation["nics"]
    assert document["nvlink_groups"] == expectation["nvlink_groups"]
    assert document["diagnosis"] == []
    for quad in re.findall(r"\[[\d,]+\]", expectation.get("note", "")):
        assert json.loads(quad) in document["cliques"]
    if "ragged/glued" in entry["special"] and "underline codes" not in entry["special"]:
        assert any("glued" in warning for warning in document["warnings"])
    # Every pair is told: no dump of the collection is so damaged that a link is lost.
    assert len(document["links"]) == expectation["gpus"] * (expectation["gpus"] - 1) // 2
    for size, groups in document["groups_by_size"].items():
        assert len(groups) == expectation["gpus"] // int(size)


@pytest.mark.parametrize("entry", entries("smi-csv"))
def test_csv(entry):
    (table,) = read_tables(text_of(entry))
    lines = [line for line in text_of(entry).splitlines() if line.strip()]
    expectation = expected(entry)
    assert len(table.columns) == expectation.get("columns", lines[0].count(",") + 1)
    assert len(table.rows) == expectation.get("rows", len(lines) - 1)
    assert table.warnings == []
    if table.lists_gpus:
        assert all(item.index is not None and item.memory_bytes for item in table.gpus().gpus)
    else:
        assert all(process.pid and process.name and uuid for uuid, process in table.processes())


@pytest.mark.parametrize("entry", entries("smi-list"))
def test_lists(entry):
    document = read_report((text_of(entry), None))
    lines = text_of(entry).splitlines()
    assert document["gpu_count"] == sum(line.startswith("GPU ") for line in lines) > 0
    assert sum(len(item["mig_devices"]) for item in document["gpus"]) == sum("MIG " in line for line in lines)
    assert (document["warnings"], document["diagnosis"]) == ([], [])


@pytest.mark.parametrize("entry", [*entries("smi-q"), *entries("smi-xml")])
def test_queries(entry):
    document = read_report((text_of(entry), None))
    assert document["gpu_count"] == expected(entry).get("gpus", 1)
    assert all(item["name"] and item["uuid"] and item["memory_bytes"] > 10**9 for item in document["gpus"])
    assert document["diagnosis"] == []
    # One document names four GPUs and describes one.
    assert document["warnings"] == [] or "<attached_gpus>4" in text_of(entry)


@pytest.mark.parametrize("entry", entries("nvlink"))
def test_nvlinks(entry):
    document = read_report((text_of(entry), None))
    speeds = text_of(entry).count("GB/s")
    assert sum(item["nvlink"]["active"] for item in document["gpus"]) == speeds
    assert all(item["nvlink"]["state"] != "unknown" for item in document["gpus"])
    assert document["diagnosis"] == []


@pytest.mark.parametrize("entry", entries("smi-errors"))
def test_failures(entry):
    assert entry["expect"] == "no GPU usable"
    document = read_report((text_of(entry), None))
    assert document["gpu_count"] == 0
    assert document["diagnosis"]
    assert document["diagnosis"][0]["id"] not in ("failed", "nothing_found", "nvml_not_started")
