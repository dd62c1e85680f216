# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Link matrices, one fault each."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology.kinds import UNKNOWN, Link
from ansible_collections.vllm.cluster.plugins.module_utils.topology.matrix import read_matrix

from . import dumps

FIXTURES = Path(__file__).parents[3] / "fixtures" / "topology"
FOUR = dumps.with_links(4, {(0, 1): "NV12", (2, 3): "NV12"}, "SYS")


def links(matrix):
    return {pair: str(link) for pair, link in matrix.gpu_links().items()}


def changed(old, new, host=FOUR):
    text = dumps.text(host)
    assert text.count(old) == 1, "the test's own text has changed"
    return read_matrix(text.replace(old, new))


def test_nics_of_a_legend():
    matrix = read_matrix((FIXTURES / "nvswitch_8gpu_9nic.txt").read_text())
    assert matrix.warnings == []
    assert matrix.devices["NIC8"] == "mlx5_bond_0"
    assert matrix.link("GPU5", "NIC5") == Link("PXB")
    assert matrix.affinity[7].numa == [1]


def test_nics_that_are_named_by_their_devices():
    matrix = read_matrix((FIXTURES / "cube_mesh_8gpu_named_nics.txt").read_text())
    assert matrix.warnings == []
    assert matrix.devices == {"mlx5_0": "mlx5_0", "ibp65s0": "ibp65s0", "bond": "bond"}
    assert matrix.link("GPU6", "ibp65s0") == Link("PHB")


def test_a_direct_data_path_is_no_nic():
    host = dumps.uniform(2, "SYS", ["NIC0", "DD0"])
    host.devices = {"NIC0": "mlx5_0"}
    matrix = read_matrix(dumps.text(host))
    assert (matrix.nics, matrix.others, matrix.warnings) == (["NIC0"], ["DD0"], [])


def test_a_matrix_that_is_not_symmetric_is_taken_at_its_worse_word():
    matrix = changed("GPU0\t X \tNV12", "GPU0\t X \tNV4")
    assert str(matrix.link("GPU0", "GPU1")) == "NV4"
    assert matrix.warnings == ["the matrix is not symmetric: GPU0 to GPU1 is NV4, GPU1 to GPU0 is NV12; taken as NV4"]
    assert str(changed("GPU0\t X \tNV12", "GPU0\t X \tPHB").link("GPU0", "GPU1")) == "PHB"


def test_a_last_cell_that_differs_is_told_even_where_no_column_follows():
    matrix = read_matrix("\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tNV12\t X \n")
    assert str(matrix.link("GPU0", "GPU1")) == "NV4"
    assert any("not symmetric" in warning for warning in matrix.warnings)


def test_a_nic_that_only_the_legend_has():
    host = dumps.uniform(2, "SYS", ["NIC0", "NIC1"])
    host.devices = {"NIC0": "mlx5_0", "NIC1": "mlx5_1", "NIC2": "mlx5_2"}
    assert read_matrix(dumps.text(host)).warnings == ["the legend names what the matrix does not have: NIC2"]


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("GPU2\tSYS\tSYS\t X \tNV12", "GPU2\tSYS\tSYS\t X ", "rows that do not have 4 links, used up to their X: GPU2"),
        ("GPU2\tSYS\tSYS\t X \tNV12", "GPU2\tSYS\t X \tNV12", "rows whose cells do not stand under their columns"),
        ("GPU2\tSYS\tSYS\t X \tNV12", "GPU2\tSYS\tSYS\tNV12\tNV12", "rows without an X under their own name, not used"),
        ("GPU2\tSYS\tSYS\t X \tNV12", "GPU2\tSYS\tSYS\t X \tERR!", "rows with cells that are no links: GPU2 (ERR!)"),
        ("GPU2\tSYS\tSYS\t X \tNV12", "GPU2\tSYSSYS\t X \tNV12", "glued cells (no blank between them)"),
        ("GPU2\tSYS\tSYS\t X \tNV12", "GPU2SYS\tSYS\t X \tNV12", "glued cells (no blank between them)"),
        ("GPU2\tSYS\tSYS\t X \tNV12", "SYS\tSYS\t X \tNV12", "rows that lost their names, named by the diagonal: GPU2"),
        ("GPU2\tSYS\tSYS\t X \tNV12", "GPU2\tSYS\tSYS\nGPU9", "rows that are cut: GPU2 (2 of 4 links)"),
        ("\tGPU0\tGPU1\tGPU2\tGPU3\t", "\tGPU1\tGPU2\tGPU3\t", "the header does not fit the diagonal of the matrix"),
        ("\tGPU0\tGPU1\tGPU2\tGPU3\t", "\tGPU0\tGPU2\tGPU1\tGPU3\t", "the header does not fit the diagonal"),
        ("\tGPU0\tGPU1\tGPU2\tGPU3\t", "\tGPU0\tGPU1\tGPU2GPU3\t", "told apart by their names: the header"),
        ("NUMA Affinity\tGPU NUMA ID", "NUMA AffinityGPU NUMA ID", "told apart by their names: the header"),
    ],
)
def test_a_damaged_line_is_made_up_for_by_the_others(old, new, warning):
    matrix = changed(old, new)
    assert links(matrix) == FOUR.gpu_links()
    assert any(warning in found for found in matrix.warnings), matrix.warnings


def test_without_its_header():
    matrix = read_matrix("\n".join(dumps.lines(FOUR)[1:]))
    assert links(matrix) == FOUR.gpu_links()
    assert "no header; columns are named by the rows" in matrix.warnings


def test_without_the_row_of_a_gpu():
    matrix = read_matrix("\n".join(dumps.lines(FOUR)[:-1]))
    assert links(matrix) == FOUR.gpu_links()
    assert matrix.warnings == ["no row of GPU3"]


def test_what_no_line_tells_is_not_guessed():
    matrix = read_matrix("\n".join(dumps.lines(FOUR)[:3]))
    assert matrix.gpus == [0, 1, 2, 3]
    assert matrix.link("GPU2", "GPU3") == UNKNOWN
    assert "the text does not tell the links of GPU2-GPU3" in matrix.warnings


def test_a_number_that_may_be_cut():
    text = "\n".join(dumps.lines(FOUR)[:2])
    matrix = read_matrix(text[: text.index("NV12") + 3])
    assert "the link of GPU0 and GPU1 stands where the text is cut: NV1" in matrix.warnings


def test_numbers_run_together():
    text = dumps.text(dumps.with_links(2, {(0, 1): "NV18"}, "SYS"))
    matrix = read_matrix(text.replace("NV18\t0-15", "NV180-15"))
    assert str(matrix.link("GPU0", "GPU1")) == "NV18"
    assert "rows with cells that are no links: GPU0 (NV180-15)" in matrix.warnings
    matrix = read_matrix(text.replace("NV18", "SYS").replace("SYS\t0-15", "SYS0-15"))
    assert str(matrix.link("GPU0", "GPU1")) == "SYS"
    assert matrix.affinity[0].cpus == "0-15"


def test_a_number_broken_over_two_lines():
    text = dumps.text(dumps.with_links(3, {(0, 1): "NV12"}, "SYS"))
    matrix = read_matrix(text.replace("NV12", "NV1\n2"))
    assert str(matrix.link("GPU0", "GPU1")) == "NV12"
    assert matrix.warnings == ["rows that go on in the next line: GPU0, GPU1"]


def test_a_short_row_names_no_column():
    rows = dumps.lines(FOUR)
    del rows[3]
    rows[3] = rows[3].replace("GPU3\tSYS\t", "GPU3\t")
    matrix = read_matrix("\n".join(rows))
    assert "rows whose cells do not stand under their columns, not used: GPU3" in matrix.warnings
    assert (str(matrix.link("GPU0", "GPU3")), matrix.link("GPU2", "GPU3")) == ("SYS", UNKNOWN)


def test_other_lines_of_a_log_stand_between():
    rows = dumps.lines(FOUR)
    rows[1:1] = ["GPU0 is busy", "see PIX links", ""]
    matrix = read_matrix("\n".join(rows))
    assert (links(matrix), matrix.warnings) == (FOUR.gpu_links(), [])


def test_a_missing_column_is_told():
    host = dumps.uniform(2, "PIX")
    host.columns, host.affinity = (), [()] * 2
    assert read_matrix(dumps.text(host)).warnings == ["no column CPU Affinity and no column NUMA Affinity"]
    host.columns, host.affinity = ("CPU Affinity",), [("0-3",)] * 2
    assert read_matrix(dumps.text(host)).warnings == ["no column NUMA Affinity"]


@pytest.mark.parametrize(
    ("tail", "expected", "problem"),
    [
        ("\t0-3\t0\t\tN/A", ("0-3", [0], None), None),
        ("\t\t1\t\tN/A", (None, [1], None), None),
        ("\t0-3\t\tN/A\t\tN/A", ("0-3", None, None), None),
        ("\t\t\t\tN/A", (None, None, None), None),
        ("\t0-71\t0,2-8\t\t1", ("0-71", [0, *range(2, 9)], 1), None),
        ("\t0-3\t0N/A", ("0-3", [0], None), "glued processor and NUMA columns"),
        ("\t0-3\t0", (None, None, None), "incomplete: 0-3 0"),
        ("\t0-3\t3-0\t\tN/A", ("0-3", None, None), "NUMA Affinity is no list of numbers: 3-0"),
        ("\t0-3\t0\t\tN/A\t7", (None, None, None), "not understood: 0-3 0 N/A 7"),
        ("\t0-3\t0\t\t1-2", ("0-3", [0], None), "GPU NUMA ID is no list of numbers: 1-2"),
        ("\t0,2,4,6,8,10\t0\t\tN/A", ("0,2,4,6,8,10", [0], None), "may have cut the list of processors 0,2,4,6,8,10"),
    ],
)
def test_processors_and_numa_nodes(tail, expected, problem):
    matrix = read_matrix("\tGPU0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\nGPU0\t X " + tail + "\n")
    found = matrix.affinity[0]
    assert (found.cpus, found.numa, found.gpu_numa) == expected
    if problem is None:
        assert matrix.warnings == []
    else:
        assert [problem in warning for warning in matrix.warnings] == [True]


def test_columns_of_blanks_are_counted_in_tab_stops():
    text = "        GPU0    CPU Affinity    NUMA Affinity   GPU NUMA ID\nGPU0     X              1               N/A\n"
    found = read_matrix(text).affinity[0]
    assert (found.cpus, found.numa, found.problem) == (None, [1], None)
    assert read_matrix(text.replace("     1 ", "      1")).affinity[0].problem is not None


def test_a_kind_of_link_that_only_the_legend_knows():
    text = dumps.text(FOUR).replace("GPU0\t X \tNV12", "GPU0\t X \tC2C").replace("GPU1\tNV12", "GPU1\tC2C")
    matrix = read_matrix(text + "  C2C  = Connection traversing a chip-to-chip link\n")
    assert matrix.link("GPU0", "GPU1") == Link("C2C")
    assert "the kind of link C2C is not known; it counts as the farthest" in matrix.warnings
    assert matrix.link("GPU0", "GPU1").rank < Link("SYS").rank


def test_the_old_name_of_sys():
    assert Link("SOC").rank == Link("SYS").rank


def test_several_matrices():
    once = dumps.text(FOUR)
    assert read_matrix(once + once).warnings == []
    matrix = read_matrix(once + dumps.text(dumps.uniform(4, "PIX")))
    assert links(matrix) == FOUR.gpu_links()
    assert "the text holds 2 matrices that differ; the first is used" in matrix.warnings


def test_lines_of_two_pods_are_mixed():
    other = dumps.uniform(4, "PIX")
    pairs = zip(dumps.lines(FOUR), dumps.lines(other))
    text = "".join(f"[pod/a] {first}\n[pod/b] {second}\n" for first, second in pairs)
    matrix = read_matrix(text)
    assert links(matrix) == FOUR.gpu_links()
    assert "the text holds 2 matrices that differ; the first is used" in matrix.warnings


def test_a_peer_to_peer_matrix_is_another_thing():
    peers = "\tGPU0\tGPU1\nGPU0\tX\tGNS\nGPU1\tGNS\tX\n\nLegend:\n\n  X    = Self\n  OK   = Status Ok\n"
    assert read_matrix(peers) is None
    assert links(read_matrix(peers + dumps.text(FOUR))) == FOUR.gpu_links()


def test_a_table_of_a_document():
    text = "\n".join("| " + " | ".join(line.split("\t")[:5]) + " |" for line in dumps.lines(FOUR))
    assert links(read_matrix(text)) == FOUR.gpu_links()


@pytest.mark.parametrize(
    "text", ["", "\n", "pod1 PIX  = Connection", "no GPU here", "Using GPU0", "GPU0 is linked by PIX", "X", "GPU"]
)
def test_no_matrix(text):
    assert read_matrix(text) is None


def test_utf16_as_a_shell_of_windows_writes_it():
    stored = ("\ufeff" + dumps.text(FOUR)).encode("utf-16-le").decode("utf-8", errors="replace")
    assert links(read_matrix(stored)) == FOUR.gpu_links()


def test_a_json_string_of_a_log():
    stored = dumps.text(FOUR).replace("\n", "\\n").replace("\t", "\\t")
    assert links(read_matrix(stored)) == FOUR.gpu_links()


def test_the_largest_host_takes_milliseconds():
    text = dumps.text(dumps.uniform(16, "NV6", [f"NIC{number}" for number in range(20)], "NODE"))
    started = time.process_time()
    for _round in range(5):
        read_matrix(text)
    assert (time.process_time() - started) / 5 < 0.2  # some 10 ms on an idle machine
