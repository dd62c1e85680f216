# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Link matrices as tickets, programs and web pages hold them."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology.matrix import read_matrix

from . import dumps

HOST = dumps.with_links(4, {(0, 1): "NV12", (2, 3): "NV12"}, "SYS")
HOST.nics = ["NIC0", "NIC1"]
HOST.links.update({(f"GPU{gpu}", nic): "PXB" for gpu in range(4) for nic in HOST.nics})
HOST.links["NIC0", "NIC1"] = "PIX"
HOST.devices = {"NIC0": "mlx5_0", "NIC1": "mlx5_bond_0"}
TEXT = dumps.text(HOST)
LINES = TEXT.split("\n")
HEADER = "GPU0\tGPU1\tNIC0\tNIC1\tCPU Affinity"


def told(matrix):
    return (
        {pair: str(link) for pair, link in matrix.gpu_links().items()} == HOST.gpu_links()
        and matrix.nics == HOST.nics
        and all(str(matrix.link("GPU2", nic)) == "PXB" for nic in HOST.nics)
        and [matrix.affinity[gpu].cpus for gpu in range(4)] == ["0-15"] * 4
    )


def cells(start, between, end):
    return "\n".join(start + between.join(line.split("\t")) + end for line in LINES)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT.replace(" ", "\u00a0").replace("\t", "\u00a0\u00a0\u00a0"), id="blanks of a web page"),
        pytest.param(TEXT.replace("\t", "\u3000\u2003"), id="wide blanks"),
        pytest.param(TEXT.replace("\t", "&nbsp;&nbsp;"), id="their names"),
        pytest.param(TEXT.replace("\n", "<br>\n"), id="tags at the ends"),
        pytest.param(TEXT.replace("\n", "<br/>"), id="tags for the ends"),
        pytest.param(cells("<tr><td>", "</td><td>", "</td></tr>"), id="the table of a web page"),
        pytest.param(re.sub(r"(?m)^(\t?)([GN]\w+)", r"\1**\2**", TEXT), id="bold"),
        pytest.param("\n".join(f"`{line}`" for line in LINES), id="each line as code"),
        pytest.param("\n".join(f"+{line}" for line in LINES), id="added in a patch"),
        pytest.param("\n".join(f"-{line.lstrip()}" for line in LINES), id="removed in a patch"),
        pytest.param(json.dumps({"stdout_lines": LINES}), id="a list on one line"),
        pytest.param(json.dumps({"stdout_lines": LINES}, indent=2), id="a list on lines of its own"),
        pytest.param(repr(LINES), id="as Python prints a list"),
        pytest.param("\n".join("  - " + json.dumps(line) for line in LINES), id="YAML"),
    ],
)
def test_it_is_read_without_a_doubt(text):
    matrix = read_matrix(text)
    assert matrix.warnings == []
    assert told(matrix)
    assert matrix.devices == HOST.devices


@pytest.mark.parametrize("text", [TEXT.lower(), TEXT.upper()], ids=["small", "capital"])
def test_letters_of_one_size(text):
    matrix = read_matrix(text)
    assert told(matrix)
    assert matrix.warnings == ["the text has lost its capital or small letters; names of NICs are as it has them"]
    assert [str(device).lower() for device in matrix.devices.values()] == list(HOST.devices.values())


def test_letters_of_one_size_without_a_nic():
    assert read_matrix(dumps.text(dumps.uniform(2, "NV4")).lower()).warnings == []


@pytest.mark.parametrize("name", ["bond0-roce", "rocep1s0f0", "mlx5.1", "hsn-0"])
def test_signs_within_a_name(name):
    assert read_matrix(dumps.text(dumps.uniform(2, "NV4", [name]))).nics == [name]


@pytest.mark.parametrize("names", [["NIC10", "NIC11"], ["mlx5_0", "mlx5_10"], ["ibp65s0", "bond.1"]])
def test_a_narrow_terminal_broke_a_name_of_the_header(names):
    host = dumps.uniform(8, "NV18", names, "NODE")
    header, *rows = dumps.lines(host)
    for at in range(header.index(names[0]) + 3, header.index("\tCPU")):
        if re.match(r"[0-9._]", header[at:]):
            matrix = read_matrix("\n".join([header[:at], header[at:], *rows]) + dumps.legend(host))
            assert (matrix.nics, len(matrix.gpus)) == (names, 8)
            assert not any("column" in warning for warning in matrix.warnings)
