# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nvidia-smi prints of GPUs, format by format."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology import gpu, smi_csv, smi_list, smi_query, smi_xml
from hypothesis import given, settings
from hypothesis import strategies as st

FIXTURES = Path(__file__).parents[3] / "fixtures" / "topology"
QUERY = (FIXTURES / "query.txt").read_text()
XML = (FIXTURES / "query.xml").read_text()
MIB = 2**20


def table(text, columns=None):
    (found,) = smi_csv.read_tables(text, columns)
    return found


class TestCsv:
    TEXT = (
        "index, name, memory.total [MiB], ecc.mode.current\n"
        "0, NVIDIA L4, 23034 MiB, Enabled\n"
        "1, NVIDIA L4, 23034 MiB, [N/A]\n"
    )

    def test_units_in_cells(self):
        first, second = table(self.TEXT).gpus().gpus
        assert (first.index, first.name, first.memory_bytes, first.ecc) == (0, "NVIDIA L4", 23034 * MIB, True)
        assert second.ecc is None

    def test_units_in_the_header_alone(self):
        (found,) = table("memory.total [MiB], memory.used [KiB], index\n100, 2048, 3\n").gpus().gpus
        assert (found.index, found.memory_bytes, found.memory_used_bytes) == (3, 100 * MIB, 2 * MIB)

    def test_without_header(self):
        (found,) = table("0, GPU-1, 9.0\n", ["index", "uuid", "compute_cap"]).gpus().gpus
        assert (found.index, found.uuid, found.compute_capability) == (0, "GPU-1", "9.0")

    def test_without_header_and_without_the_query(self):
        found = smi_csv.read_headless("0, NVIDIA L4, GPU-1, 23034, 7.5\n1, NVIDIA L4, GPU-2, 23034, 7.5\n")
        assert [(item.index, item.name, item.uuid) for item in found.gpus] == [
            (0, "NVIDIA L4", "GPU-1"),
            (1, "NVIDIA L4", "GPU-2"),
        ]
        assert all(item.memory_bytes is None for item in found.gpus)
        assert found.warnings
        processes = "GPU-1, 4711, python, 500 MiB\nGPU-1, 4712, python, 500 MiB\n"
        assert smi_csv.read_headless(processes + "0, 1, 2\nhello, NVIDIA L4\n").gpus == []

    def test_a_prefix_of_a_log_on_each_line(self):
        text = "".join(f"2026-11-20T10:00:0{at}Z pod-0 {line}\n" for at, line in enumerate(self.TEXT.splitlines()))
        assert [found.name for found in table(text).gpus().gpus] == ["NVIDIA L4", "NVIDIA L4"]

    def test_an_error_between_the_rows(self):
        lost = "Unable to determine the device handle for GPU1: 0000:0A:00.0: GPU is lost."
        found = table(self.TEXT.replace("\n1,", f"\n{lost}\n1,"))
        assert [row["index"] for row in found.rows] == ["0", "1"]
        assert found.warnings == [f"no row of the table: {lost}"]

    def test_a_line_with_as_many_commas(self):
        found = table(self.TEXT + "ERROR: lost, again, a, GPU\n")
        assert (len(found.rows), found.warnings) == (2, ["no row of the table: ERROR: lost, again, a, GPU"])

    def test_a_cut_row(self):
        found = table(self.TEXT[: self.TEXT.index("[N/A]") - 2])
        assert found.warnings == ["a row is cut after 3 of 4 values"]
        assert found.gpus().gpus[1].memory_bytes == 23034 * MIB

    def test_cells_of_a_gpu_in_trouble(self):
        (found,) = table("index, memory.total [MiB], mig.mode.current\n0, [GPU is lost], [Unknown Error]\n").gpus().gpus
        assert found.problems == ["GPU is lost", "Unknown Error"]
        assert found.memory_bytes is None

    def test_processes_whose_names_hold_commas(self):
        text = (
            "gpu_uuid, pid, process_name, used_gpu_memory [MiB]\n"
            "GPU-1, 12, /bin/a --b=c, d, 7 MiB\n"
            "GPU-1, 13, e, [N/A]\n"
        )
        found = table(text)
        assert not found.lists_gpus
        assert found.processes() == [
            ("GPU-1", gpu.Process(12, "/bin/a --b=c, d", "C", 7 * MIB)),
            ("GPU-1", gpu.Process(13, "e", "C", None)),
        ]

    @pytest.mark.parametrize("text", ["", "name\nvalue\n", "a, b\n1, 2\n", "index: 0\n", "the index, they say\n"])
    def test_no_table(self, text):
        assert smi_csv.read_tables(text) == []

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.sampled_from(["index", "name", "uuid", "memory.total", "pci.bus_id", "compute_mode"]),
            min_size=2,
            unique=True,
        ),
        st.booleans(),
        st.booleans(),
    )
    def test_any_columns_in_any_order(self, columns, units, header):
        values = {
            "index": "5", "name": "NVIDIA A, B", "uuid": "GPU-9", "memory.total": "81559 MiB" if units else "81559",
            "pci.bus_id": "00000000:0C:00.0", "compute_mode": "Default",
        }  # fmt: skip
        titles = [name + " [MiB]" if name == "memory.total" else name for name in columns]
        text = (", ".join(titles) + "\n" if header else "") + ", ".join(values[name] for name in columns) + "\n"
        found = table(text, None if header else columns)
        assert found.warnings == []
        (first,) = found.gpus().gpus
        assert first.memory_bytes == (81559 * MIB if "memory.total" in columns else None)
        assert first.name == ("NVIDIA A, B" if "name" in columns else None)
        assert first.bus_id == ("00000000:0C:00.0" if "pci.bus_id" in columns else None)


class TestList:
    def test_gpus_and_their_slices(self):
        text = (
            "> GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\n"
            ">   MIG 3g.40gb     Device  0: (UUID: MIG-1)\n"
            ">   MIG 1g.10gb+me  Device  1: (UUID: MIG-2)\n"
            "> GPU 1: Tesla K80\n"
        )
        first, second = smi_list.read_list(text).gpus
        assert (first.index, first.name, first.uuid, first.mig) == (0, "NVIDIA H100 80GB HBM3", "GPU-1", True)
        assert [(mig.index, mig.profile, mig.uuid) for mig in first.mig_devices] == [
            (0, "3g.40gb", "MIG-1"),
            (1, "1g.10gb+me", "MIG-2"),
        ]
        assert (second.name, second.uuid, second.mig) == ("Tesla K80", None, None)

    def test_an_error_is_no_gpu(self):
        text = "Unable to determine the device handle for GPU 0000:05:00.0: GPU is lost.\n"
        assert smi_list.read_list(text).gpus == []

    def test_a_slice_without_its_gpu(self):
        found = smi_list.read_list("  MIG 1g.10gb     Device  0: (UUID: MIG-1)\n")
        assert (found.gpus, found.warnings) == ([], ["a MIG device without its GPU is left out: MIG-1"])

    def test_the_end_is_missing(self):
        (found,) = smi_list.read_list("GPU 0: NVIDIA L4 (UUID: GPU-12").gpus
        assert (found.name, found.uuid) == ("NVIDIA L4", "GPU-12")


class TestQuery:
    def test_values(self):
        found = smi_query.read_query(QUERY)
        first, second = found.gpus
        assert (first.index, first.bus_id, first.driver, first.cuda) == (0, "00000000:17:00.0", "610.11", "13.3")
        assert (first.memory_bytes, first.ecc, first.mig, first.persistence) == (81559 * MIB, True, True, True)
        assert (first.mig_devices[0].gpu_instance, first.mig_devices[0].memory_bytes) == (2, 40448 * MIB)
        assert first.processes == [gpu.Process(4711, "VLLM::EngineCore : worker", "C", 512 * MIB)]
        assert (first.fabric_state, first.fabric_status) == ("In Progress", None)
        assert (second.index, second.processes, second.compute_mode) == (1, [], "Exclusive_Process")
        assert second.problems == ["GPU is lost", "Unknown Error"]
        assert found.warnings == []

    def test_a_prefix_of_a_log_on_each_line(self):
        text = "".join(f"[node1] {line}\n" for line in QUERY.splitlines())
        assert smi_query.read_query(text) == smi_query.read_query(QUERY)

    def test_one_of_several_gpus(self):
        found = smi_query.read_query(QUERY.replace(": 2\nGPU", ": 8\nGPU"))
        assert [item.index for item in found.gpus] == [None, None]
        assert found.warnings == ["2 of 8 attached GPUs are described, so their indexes are not known"]

    def test_the_beginning_is_missing(self):
        found = smi_query.read_query(QUERY[QUERY.index("GPU 00000000:3D") :])
        assert [item.index for item in found.gpus] == [None]
        assert found.warnings == ["the beginning of nvidia-smi -q is missing, so the number of GPUs is not known"]

    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, len(QUERY)))
    def test_cut_anywhere(self, end):
        found = smi_query.read_query(QUERY[:end])
        assert len(found.gpus) == 2 or not found.gpus or found.warnings
        assert all(item.memory_bytes in (None, 81559 * MIB) or end < len(QUERY) for item in found.gpus)


class TestXml:
    def test_values(self):
        found = smi_xml.read_xml(XML)
        first, second = found.gpus
        assert (first.index, first.bus_id, first.driver, first.cuda) == (0, "00000000:17:00.0", "595.80", "13.2")
        assert (first.memory_free_bytes, first.ecc, first.mig, first.persistence) == (45400 * MIB, True, None, False)
        assert first.processes == [gpu.Process(4711, "python & more", "C", 512 * MIB)]
        assert (second.index, second.uuid) == (1, "GPU-2")
        assert found.warnings == []

    def test_text_around_the_document(self):
        assert smi_xml.read_xml("$ nvidia-smi -q -x\n" + XML + "$ ") == smi_xml.read_xml(XML)

    def test_without_header_and_without_the_query(self):
        found = smi_csv.read_headless("0, NVIDIA L4, GPU-1, 23034, 7.5\n1, NVIDIA L4, GPU-2, 23034, 7.5\n")
        assert [(item.index, item.name, item.uuid) for item in found.gpus] == [
            (0, "NVIDIA L4", "GPU-1"),
            (1, "NVIDIA L4", "GPU-2"),
        ]
        assert all(item.memory_bytes is None for item in found.gpus)
        assert found.warnings
        processes = "GPU-1, 4711, python, 500 MiB\nGPU-1, 4712, python, 500 MiB\n"
        assert smi_csv.read_headless(processes + "0, 1, 2\nhello, NVIDIA L4\n").gpus == []

    def test_a_prefix_of_a_log_on_each_line(self):
        text = "".join(f"2026-11-20 pod> {line}\n" for line in XML.splitlines())
        found = smi_xml.read_xml(text)
        assert [(item.uuid, item.memory_bytes) for item in found.gpus] == [
            ("GPU-1", 46068 * MIB),
            ("GPU-2", 46068 * MIB),
        ]

    @pytest.mark.parametrize(
        ("old", "new", "damaged"),
        [
            ("<total>46068 MiB</total>\n\t\t</fb", "<total>46068 MiB</total>\n\t\t</f", "2."),
            ("<compute_mode>Default", "<compute_mode>\x00<Default", "1., 2."),
            ("&amp;", "&", "1."),
            ("\t</gpu>\n\t<gpu", "\t<gpu", "1."),
        ],
    )
    def test_damage(self, old, new, damaged):
        found = smi_xml.read_xml(XML.replace(old, new))
        assert [item.memory_bytes for item in found.gpus] == [46068 * MIB] * 2
        assert [item.uuid for item in found.gpus] == ["GPU-1", "GPU-2"]
        assert found.warnings == [f"the XML is damaged; of its {damaged} GPU not all could be read"]

    def test_the_end_is_missing(self):
        found = smi_xml.read_xml(XML[: XML.index("<compute_mode>", XML.index("GPU-2"))])
        assert [item.uuid for item in found.gpus] == ["GPU-1", "GPU-2"]
        assert found.warnings

    def test_definitions_are_not_expanded(self):
        bomb = '<!DOCTYPE a [<!ENTITY x "yyyyyyyyyy"><!ENTITY z "&x;&x;&x;">]>'
        text = XML.replace('<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v13.dtd">', bomb).replace("L40S", "&z;", 1)
        found = smi_xml.read_xml(text)
        assert len(found.gpus) == 2
        assert "y" not in (found.gpus[0].name or "")
        assert found.warnings

    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, len(XML)), st.integers(0, 40))
    def test_cut_anywhere(self, at, lost):
        found = smi_xml.read_xml(XML[:at] + XML[at + lost :])
        assert all(item.memory_bytes is None or item.memory_bytes <= 46068 * 10**6 * 10 for item in found.gpus)


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("1 MiB", MIB),
        ("1 GiB", 2**30),
        ("7", 7 * MIB),
        ("7 MB", 7 * MIB),
        ("1 B", 1),
        ("x", None),
        ("1 W", None),
        ("-1 MiB", None),
    ],
)
def test_sizes(text, bytes_):
    assert gpu.size(text) == bytes_


@pytest.mark.parametrize(
    "text",
    [
        'index,name,memory.total [MiB]\n0,"NVIDIA L4, rev. 2",23034 MiB\n',
        '"index","name","memory.total [MiB]"\n"0","NVIDIA L4, rev. 2","23034 MiB"\n',
        "index\tname\tmemory.total [MiB]\n0\tNVIDIA L4, rev. 2\t23034 MiB\n".replace(",", ""),
        "index;name;memory.total [MiB]\n0;NVIDIA L4 rev. 2;23034 MiB\n",
        "| index | name | memory.total [MiB] |\n|---|:--|--:|\n| 0 | NVIDIA L4 rev. 2 | 23034 MiB |\n",
    ],
)
def test_a_table_that_passed_through_a_spreadsheet(text):
    found = table(text)
    (item,) = found.gpus().gpus
    assert (item.index, item.name.replace(",", ""), item.memory_bytes) == (0, "NVIDIA L4 rev. 2", 23034 * MIB)
    assert found.warnings == []


def test_rows_without_header_and_index():
    found = smi_csv.read_headless("NVIDIA L4, 23034 MiB\nNVIDIA L4, 23034 MiB\n")
    assert [(item.index, item.name, item.memory_bytes) for item in found.gpus] == [(None, "NVIDIA L4", None)] * 2
    assert "a table without indexes: whether it lists all GPUs is not known" in found.warnings


@pytest.mark.parametrize("text", ["NVIDIA L4", "NVIDIA L4, 23034 MiB\nand more words", "the NVIDIA L4, 5 W", ""])
def test_no_rows_without_header(text):
    assert smi_csv.read_headless(text).gpus == []


def test_xml_as_a_web_page_shows_it():
    escaped = XML.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert smi_xml.read_xml(escaped) == smi_xml.read_xml(XML)
