# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``nvidia-smi -q -x``: the same tree as XML, of any version of its document type."""

from __future__ import annotations

import html
import re
import typing as t
import xml.etree.ElementTree as ET

from .gpu import Gpu, Inventory, MigDevice, Process, number, plain, size
from .text import clean

#: Field of a Gpu by path. The document type has had these names in every version that has the value at all.
_FIELDS = {
    "product_name": "name",
    "uuid": "uuid",
    "pci/pci_bus_id": "bus_id",
    "fb_memory_usage/total": "memory_bytes",
    "fb_memory_usage/used": "memory_used_bytes",
    "fb_memory_usage/free": "memory_free_bytes",
    "compute_mode": "compute_mode",
    "persistence_mode": "persistence",
    "mig_mode/current_mig": "mig",
    "ecc_mode/current_ecc": "ecc",
    "fabric/state": "fabric_state",
    "fabric/status": "fabric_status",
    "gpu_recovery_action": "recovery_action",
}
_GPU = re.compile(r"<gpu\b[^>]*>.*?(?:</gpu>|(?=<gpu\b)|\Z)", re.DOTALL)


def read_xml(text: str) -> Inventory:
    """The GPUs of one document; none where the text holds no ``<gpu>``. Never raises.

    A document that is cut or damaged gives what can be read of each GPU, and a warning.
    """
    text = clean(html.unescape(text) if "&lt;nvidia_smi_log" in text else text)
    start = text.find("<nvidia_smi_log")
    document, warnings = _parse(text[start:] if start >= 0 else ""), []
    if document is not None:
        elements = document.findall(".//gpu")
    else:
        parts = [found.group() for found in _GPU.finditer(text)]
        read = [_parse_part(part) for part in parts]
        elements = [element for element, _whole in read]
        if elements:
            damaged = [f"{at}." for at, (_element, whole) in enumerate(read, 1) if not whole]
            where = f"; of its {', '.join(damaged)} GPU not all could be read" if damaged else ""
            warnings.append(f"the XML is damaged{where}")
    inventory = Inventory(attached=number(_tag(text, "attached_gpus")), warnings=warnings)
    driver = plain(_tag(text, "kmd_version")) or plain(_tag(text, "driver_version"))
    cuda = plain(_tag(text, "cuda_umd_version")) or plain(_tag(text, "cuda_version"))
    for element in elements:
        inventory.gpus.append(_gpu(element, driver, cuda))
    if warnings and inventory.attached is None and elements:
        inventory.warnings.append("the XML does not tell how many GPUs there are")
    elif elements or inventory.attached:
        inventory.number_by_order()
    return inventory


def _parse(text: str) -> ET.Element | None:
    end = text.rfind("</nvidia_smi_log>")
    if end < 0:
        return None
    try:
        return ET.fromstring(text[: end + len("</nvidia_smi_log>")])  # noqa: S314 - begins at the root, so without a document type
    except ET.ParseError:
        return None


def _parse_part(text: str) -> tuple[ET.Element, bool]:
    """One GPU as far as it can be read, and whether that is all of it."""
    parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(["start", "end"])
    element: ET.Element | None = None
    depth = 0
    # Line by line: what comes before the damage is kept. A prefix of a log may stand before each tag.
    for line in text.split("\n"):
        try:
            parser.feed(re.sub(r"\A[^<]*(?=<)", "", line))
            for event, found in t.cast("t.Iterator[tuple[str, ET.Element]]", parser.read_events()):
                element = found if element is None else element
                depth += 1 if event == "start" else -1
        except ET.ParseError:
            break
    else:
        if element is not None and depth == 0:
            return element, True
    return element if element is not None else ET.Element("gpu"), False


def _tag(text: str, name: str) -> str | None:
    found = re.search(rf"<{name}>([^<\n]*)", text)
    return found[1].strip() if found else None


def _text(element: ET.Element, path: str) -> str | None:
    found = element.find(path)
    return None if found is None else found.text or ""


def _gpu(element: ET.Element, driver: str | None, cuda: str | None) -> Gpu:
    gpu = Gpu(bus_id=element.get("id"), driver=driver, cuda=cuda)
    for path, field in _FIELDS.items():
        gpu.take(field, _text(element, path))
    gpu.mig_devices = [
        MigDevice(
            index=number(_text(mig, "index")),
            gpu_instance=number(_text(mig, "gpu_instance_id")),
            compute_instance=number(_text(mig, "compute_instance_id")),
            memory_bytes=size(plain(_text(mig, "fb_memory_usage/total"))),
        )
        for mig in element.findall("mig_devices/mig_device")
    ]
    gpu.processes = [
        Process(
            number(_text(process, "pid")),
            plain(_text(process, "process_name")),
            plain(_text(process, "type")),
            size(plain(_text(process, "used_memory"))),
        )
        for process in element.findall("processes/process_info")
    ]
    return gpu
