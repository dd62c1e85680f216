# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``nvidia-smi -q``: a tree of names and values, by indentation."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .gpu import Gpu, Inventory, MigDevice, Process, number, plain, size
from .text import clean

_GPU = re.compile(r"GPU ([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f])\s*\Z")
_COLON = re.compile(r"\s:(?=\s|\Z)")
#: Field of a Gpu by the path to its value. Older drivers write some names in other letters.
_FIELDS = {
    ("product name",): "name",
    ("gpu uuid",): "uuid",
    ("pci", "bus id"): "bus_id",
    ("fb memory usage", "total"): "memory_bytes",
    ("fb memory usage", "used"): "memory_used_bytes",
    ("fb memory usage", "free"): "memory_free_bytes",
    ("compute mode",): "compute_mode",
    ("persistence mode",): "persistence",
    ("mig mode", "current"): "mig",
    ("ecc mode", "current"): "ecc",
    ("fabric", "state"): "fabric_state",
    ("fabric", "status"): "fabric_status",
    ("gpu recovery action",): "recovery_action",
}


@dataclasses.dataclass
class Node:
    """A line: name (lower case), value or None, and the lines indented under it."""

    name: str
    value: str | None
    indent: int
    children: list[Node] = dataclasses.field(default_factory=list)

    def find(self, *path: str) -> str | None:
        """The value at a path of names, the first where names repeat."""
        for child in self.children:
            if child.name == path[0]:
                return child.value if len(path) == 1 else child.find(*path[1:])
        return None


def read_query(text: str) -> Inventory:
    """The GPUs of one ``-q`` output; none where the text is no such output. Never raises.

    The text may be one section of it (``-d``), cut anywhere, or carry a prefix of equal width on each line.
    """
    lines = _without_prefix(clean(text).split("\n"))
    root = _tree(lines)
    nodes = [node for node in root.children if _GPU.match(node.name)]
    driver = plain(root.find("kmd version")) or plain(root.find("driver version"))
    cuda = plain(root.find("cuda umd version")) or plain(root.find("cuda version"))
    inventory = Inventory(attached=number(root.find("attached gpus")))
    for node in nodes:
        inventory.gpus.append(_gpu(node, driver, cuda))
    if nodes and inventory.attached is None:
        inventory.warnings.append("the beginning of nvidia-smi -q is missing, so the number of GPUs is not known")
        return inventory
    if nodes or inventory.attached:
        inventory.number_by_order()
    return inventory


def _without_prefix(lines: list[str]) -> list[str]:
    """Lines without what a log put before each, told by a line that has no indentation of its own."""
    for line in lines:
        found = re.search(r"(?:Attached GPUs|Driver Version)\s+:|\bGPU [0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:", line)
        if found is not None:
            return [line[found.start() :] for line in lines] if found.start() else lines
    return lines


def _tree(lines: t.Iterable[str]) -> Node:
    root = Node("", None, -1)
    path = [root]
    for line in lines:
        text = line.strip()
        if not text or text.startswith("="):
            continue
        indent = len(line.expandtabs()) - len(line.expandtabs().lstrip())
        colon = _COLON.search(text)
        name, value = (text[: colon.start()].rstrip(), text[colon.end() :].strip()) if colon else (text, None)
        node = Node(name.lower() if not _GPU.match(name) else name, value, indent)
        while path[-1].indent >= indent:
            path.pop()
        path[-1].children.append(node)
        path.append(node)
    return root


def _gpu(node: Node, driver: str | None, cuda: str | None) -> Gpu:
    gpu = Gpu(bus_id=node.name[4:].strip().upper(), driver=driver, cuda=cuda)
    for path, field in _FIELDS.items():
        gpu.take(field, node.find(*path))
    for child in node.children:
        if child.name == "mig device":
            gpu.mig_devices.append(
                MigDevice(
                    index=number(child.find("index")),
                    gpu_instance=number(child.find("gpu instance id")),
                    compute_instance=number(child.find("compute instance id")),
                    memory_bytes=size(
                        child.find("shared fb memory usage", "total") or child.find("fb memory usage", "total")
                    ),
                )
            )
        if child.name == "processes":
            gpu.processes = [_process(item) for item in child.children if item.name == "process id"]
    return gpu


def _process(node: Node) -> Process:
    memory = size(plain(node.find("used gpu memory")))
    return Process(number(node.value), plain(node.find("name")), plain(node.find("type")), memory)
