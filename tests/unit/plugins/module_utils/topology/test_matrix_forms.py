# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Matrices in every state of paste: what is said is true, and what is not sure is a warning."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology import report, smi_csv
from ansible_collections.vllm.cluster.plugins.module_utils.topology.matrix import read_matrix
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import dumps

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
WORDS = st.sampled_from(
    [
        *dumps.PCIE,
        *dumps.COLUMNS,
        *"X NV4 NV12 NV GPU0 GPU1 GPU10 NIC0 NIC1 mlx5_0 DD0 N/A 0-3 0 | = : Legend: OK ERR! C2C [0m </gpu>".split(),
        *("\t", " ", "  ", "\n", "\x1b[4m", "\ufffd", "<gpu id='1'>", "<nvidia_smi_log>", "index, name", "0, A"),
        *("GPU 0: A (UUID: GPU-1)", "Link 0: 25 GB/s", "GPU 00000000:01:00.0", "    FB Memory Usage"),
        *("        Total : 1 MiB", "Attached GPUs : 1", "pid, gpu_uuid"),
    ]
)


def told(matrix, host):
    """Whether the matrix has exactly the host's devices and links."""
    return (
        matrix.gpus == list(range(host.gpus))
        and matrix.nics == host.nics
        and {pair: str(link) for pair, link in matrix.gpu_links().items()} == host.gpu_links()
        and all(
            str(matrix.link(f"GPU{number}", nic)) == host.link(f"GPU{number}", nic)
            for number in matrix.gpus
            for nic in matrix.nics
        )
    )


@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_whatever_form_a_whole_matrix_has_it_is_read_without_a_doubt(data):
    host = data.draw(dumps.hosts())
    matrix = read_matrix(data.draw(dumps.pasted(host)))
    assert matrix is not None
    assert matrix.warnings == []
    assert told(matrix, host)
    assert matrix.devices == {nic: host.devices.get(nic, nic) for nic in host.nics}
    for number, (cpus, numa, *_rest) in enumerate(host.affinity):
        found = matrix.affinity[number]
        assert found.cpus == (cpus or None)
        assert found.numa == {"N/A": None, "0": [0], "1": [1], "0-1": [0, 1], "0,2-8": [0, *range(2, 9)]}[numa]


# The same examples each time: damage that makes one name into another in two lines at once cannot be seen.
@settings(max_examples=500, deadline=None, suppress_health_check=SLOW, derandomize=True)
@given(st.data())
def test_what_is_lost_is_told_or_made_up_for(data):
    host = data.draw(dumps.hosts())
    matrix = read_matrix(data.draw(dumps.damaged(host)))
    assert matrix is None or matrix.warnings or told(matrix, host)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_a_text_cut_at_its_end_never_gives_a_wrong_kind_of_link(data):
    host = data.draw(dumps.hosts())
    whole = dumps.text(host)
    matrix = read_matrix(whole[: data.draw(st.integers(0, len(whole)))])
    for (a, b), link in matrix.gpu_links().items() if matrix else ():
        assert link.kind in ("unknown", host.gpu_links()[a, b].rstrip("0123456789"))


@settings(max_examples=400, deadline=None, suppress_health_check=SLOW)
@given(st.lists(WORDS | st.text(max_size=6), max_size=60).map("".join))
def test_no_text_raises_and_each_gives_a_whole_document(text):
    document = report.read_report((text, None))
    assert set(document) >= {
        "gpu_count",
        "nic_count",
        "nvlink_groups",
        "cliques",
        "links",
        "groups_by_size",
        "warnings",
    }
    assert json.loads(json.dumps(document)) == document
    assert document["gpu_count"] == len(document["gpus"]) or document["warnings"]
    smi_csv.read_tables(text, ["index", "name"])


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_the_report_of_any_host_survives_json(data):
    host = data.draw(dumps.hosts())
    document = report.read_report((dumps.text(host), 0))
    graph = report.graph_of_document(json.loads(json.dumps(document)))
    assert {pair: str(link) for pair, link in graph.links.items()} == host.gpu_links()
    assert graph.nvlink_groups() == document["nvlink_groups"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 160])
def test_a_narrow_terminal_broke_the_lines(width):
    host = dumps.uniform(8, "NV18", [f"NIC{number}" for number in range(9)], "NODE")
    printed = [line.expandtabs(8) for line in dumps.lines(host)]
    broken = [line[at : at + width] for line in printed for at in range(0, len(line), width)]
    matrix = read_matrix("\n".join(broken) + dumps.legend(host))
    assert told(matrix, host)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 160])
def test_copying_from_a_narrow_terminal_lost_a_blank_in_each_line(width):
    host = dumps.uniform(8, "NV18", [f"NIC{number}" for number in range(9)], "NODE")
    printed = [line.expandtabs(8) for line in dumps.lines(host)]
    copied = [line[:width].rstrip() + line[width:].lstrip() for line in printed]
    matrix = read_matrix("\n".join(copied))
    assert told(matrix, host)
    assert any("glued" in warning for warning in matrix.warnings)
