# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPUs of a host: everything that nvidia-smi tells, or why it does not."""

from __future__ import annotations

import re
import typing as t

from ..topology.report import read_report
from .commands import Answer, Commands
from .files import Files

#: Compute capability is in the table alone; the rest repeats it where the XML is damaged.
_FIELDS = "index,name,uuid,pci.bus_id,memory.total,memory.used,memory.free,driver_version,compute_cap"
_XML, _MATRIX, _NVLINK = ("-q", "-x"), ("topo", "-m"), ("nvlink", "-s")
_TABLE = (f"--query-gpu={_FIELDS}", "--format=csv")
#: What a shell says.
NO_PROGRAM = ("nvidia-smi: not found", 127)


def outputs(commands: Commands) -> list[tuple[str, int | None]]:
    """Outputs of nvidia-smi for ``read_report``, with their exit statuses where these tell; [] without nvidia-smi.

    After a call that is not answered in time no other is made: the driver hangs, and would again.
    """
    smi = commands.find("nvidia-smi")
    if smi is None:
        return []
    answers: list[tuple[str, int | None]] = []
    for call in (_XML, _MATRIX, _TABLE, _NVLINK):
        answer = commands.run(smi, *call)
        if answer.stopped:
            return [*answers, (answer.text, answer.status)]
        if call == _NVLINK:
            answers.append((answer.text, None))  # drivers differ in its status on GPUs without NVLink
        elif answer.ok or call != _TABLE or answers[0][1]:  # a driver before 510 does not know compute_cap
            answers.append((answer.text, answer.status))
    return answers


def read_gpus(files: Files, commands: Commands) -> dict[str, t.Any]:
    """The keys of the probe document that tell of GPUs, from driver to gpu_diagnosis.

    A host without nvidia-smi has a diagnosis only where a GPU of NVIDIA sits in it.
    """
    answers = outputs(commands)
    seen = pci_gpus(files)
    report = read_report(*(answers or [NO_PROGRAM]))
    first = next((gpu for gpu in report["gpus"] if gpu["driver"]), None)
    absent = not answers
    modules = files.text("/proc/modules")
    return {
        "driver": first["driver"] if first else "absent" if absent else "failing",
        "driver_error": None if first or absent else _error(answers[0], commands.timeout),
        "cuda": first["cuda"] if first else None,
        "gpus": report["gpus"],
        "links": report["links"],
        "nics": report["nics"],
        "nvlink_groups": report["nvlink_groups"],
        "cliques": report["cliques"],
        "gpu_warnings": report["warnings"],
        "gpu_diagnosis": report["diagnosis"] if answers or seen else [],
        "pci_gpus": seen,
        "peermem": bool(re.search(r"^(?:nvidia_peermem|nv_peer_mem)\s", modules, re.MULTILINE))
        if report["gpus"]
        else None,
    }


def pci_gpus(files: Files) -> list[str]:
    """PCI addresses of NVIDIA's display and 3D controllers, which need no driver to be seen."""
    folder = "/sys/bus/pci/devices"
    return [
        name
        for name in files.names(folder)
        if files.word(f"{folder}/{name}/vendor") == "0x10de"
        and (files.word(f"{folder}/{name}/class") or "").startswith(("0x0300", "0x0302"))
    ]


def _error(first: tuple[str, int | None], timeout: int) -> str:
    text, status = first
    if status is not None and Answer(status, "", "").stopped:
        return f"no answer in {timeout} seconds"
    return text.strip()[-500:] or f"exit status {status}"
