# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``nvidia-smi`` without options: the table for people, of any driver's width."""

from __future__ import annotations

import re

from .gpu import Gpu, Inventory, Process, number, size, trouble
from .text import clean

_VERSIONS = re.compile(
    r"\bNVIDIA-SMI\s+\S+\s+(?:Driver Version|KMD Version):\s*(\S+)(?:\s+CUDA(?: UMD)? Version:\s*(\S+))?"
)
_SWITCH = r"(?:On|Off|N/A|ERR!|Enabled|Disabled|WDDM|TCC|MCDM)"
# The first line of a GPU: number, name and persistence mode, then the address, then ECC errors.
_FIRST = re.compile(
    rf"[|│]\s*(?P<index>[0-9]{{1,3}})\s+(?P<name>\S.*?)\s+(?P<mode>{_SWITCH})\s*[|│]\s*"
    rf"(?P<bus>[0-9A-Fa-f]{{4,8}}:[0-9A-Fa-f]{{2}}:[0-9A-Fa-f]{{2}}\.[0-9A-Fa-f])\s+{_SWITCH}\s*[|│]\s*"
    r"(?P<ecc>\S[^|│]*?)\s*(?:[|│]|$)"
)
# The second: what it draws, its memory, its load and its compute mode.
_SECOND = re.compile(
    r"[|│](?P<power>[^|│]*)[|│](?P<memory>[^|│]*)[|│]\s*(?:[0-9]{1,3}%|N/A|ERR!)\s+(?P<compute>[A-Z][^|│]*)"
)
_MEMORY = re.compile(r"([0-9]+ ?MiB)\s*/\s*([0-9]+ ?MiB)")
# The third, of drivers that know MIG: nothing but its mode.
_THIRD = re.compile(r"[|│]\s*[|│]\s*[|│]\s*(Enabled|Disabled|N/A)\*?\s*(?:[|│]|$)")
_PROCESSES = re.compile(r"[|│]\s*Processes:")
_PROCESS = re.compile(
    r"[|│]\s+(?P<gpu>[0-9]{1,3})\s+(?:(?:N/A|[0-9]+)\s+(?:N/A|[0-9]+)\s+)?(?P<pid>[0-9]+)\s+(?P<kind>C\+G|C|G|M\+C)\s+"
    r"(?P<name>\S.*?)\s+(?P<memory>[0-9]+ ?MiB|N/A)\s*(?:[|│]|$)"
)
_MODES = {"Default": "Default", "E. Process": "Exclusive_Process", "Prohibited": "Prohibited"}


def read_table(text: str) -> Inventory:
    """The GPUs of the table, with their processes; none where the text holds no such table. Never raises."""
    inventory = Inventory()
    driver = cuda = None
    gpu: Gpu | None = None
    cut: list[Gpu] = []
    text = clean(text)
    for line in text.split("\n"):
        versions, first, process = _VERSIONS.search(line), _FIRST.search(line), _PROCESS.search(line)
        if versions is not None:
            driver, cuda = versions[1], versions[2] if versions[2] != "N/A" else None
        elif first is not None:
            gpu = _gpu(first, inventory, driver, cuda)
            cut += [gpu] if first["name"].endswith("...") else []
        elif process is not None:
            owner = next((each for each in inventory.gpus if each.index == int(process["gpu"])), None)
            name = None if process["name"].startswith("...") else process["name"]
            item = Process(number(process["pid"]), name, process["kind"], size(process["memory"]))
            if owner is not None and item not in owner.processes:
                owner.processes.append(item)
        elif gpu is not None:
            _more(line, gpu)
    if inventory.gpus and not _PROCESSES.search(text):
        inventory.warnings.append("the table of nvidia-smi ends before its processes: there may be more GPUs")
    if cut:
        inventory.warnings.append("the table of nvidia-smi cuts the names of GPUs, so they are left out")
    without = [str(each.index) for each in inventory.gpus if each.memory_bytes is None and not each.problems]
    if without:
        inventory.warnings.append(f"the table of nvidia-smi does not tell the memory of GPU {', '.join(without[:16])}")
    return inventory


def _gpu(first: re.Match[str], inventory: Inventory, driver: str | None, cuda: str | None) -> Gpu:
    index = int(first["index"])
    known = next((each for each in inventory.gpus if each.index == index), None)
    if known is not None:
        return known  # printed again, as with --loop
    gpu = Gpu(index=index, bus_id=first["bus"].upper(), driver=driver, cuda=cuda)
    if not first["name"].endswith("..."):
        gpu.name = first["name"]
    gpu.take("persistence", first["mode"])
    if first["ecc"] != "N/A":
        gpu.take("ecc", "on" if first["ecc"].isdigit() else first["ecc"])
    inventory.gpus.append(gpu)
    return gpu


def _more(line: str, gpu: Gpu) -> None:
    """The lines under a GPU's first one."""
    second, third = _SECOND.search(line), _THIRD.search(line)
    if second is not None and gpu.memory_bytes is None:
        memory = _MEMORY.search(second["memory"])
        if memory is not None:
            gpu.take("memory_used_bytes", memory[1])
            gpu.take("memory_bytes", memory[2])
        for word in line.split():
            if word == "ERR!" or trouble(word):
                gpu.take("memory_bytes", word)
        gpu.compute_mode = _MODES.get(second["compute"].strip(), gpu.compute_mode)
    elif third is not None and gpu.mig is None:
        gpu.take("mig", third[1])
