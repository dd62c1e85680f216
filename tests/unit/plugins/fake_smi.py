# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that stand where nvidia-smi would, and print what it printed on real hosts."""

from __future__ import annotations

from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "topology"
SWITCHES = FIXTURES / "nvswitch_8gpu_9nic.txt"
HANGS = "#!/bin/sh\nexec sleep 60\n"

# `xml`, `topo`, `query` and `nvlink` are shell for the four calls.
_PROGRAM = """#!/bin/sh
echo "$*" >> {log}
case "$*" in
  "-q -x") {xml} ;;
  "topo -m") {topo} ;;
  "nvlink -s") {nvlink} ;;
  --query-gpu=*--format=csv) {query} ;;
  *) echo "not called like this: $*" >&2; exit 2 ;;
esac
"""
_TABLE = "index, name, uuid, memory.total [MiB], driver_version, compute_cap\n"
_GPU = (
    "<gpu id='00000000:{at:02X}:00.0'><uuid>GPU-{at}</uuid><product_name>NVIDIA H100</product_name>{processes}</gpu>\n"
)


def program(folder, pid=None, **calls):
    """A host of eight H100. pid: what runs on the first. calls: shell that takes the place of some calls."""
    running = f"<processes><process_info><pid>{pid}</pid><type>C</type></process_info></processes>" if pid else ""
    gpus = "".join(_GPU.format(at=at, processes="" if at else running) for at in range(8))
    head = "<driver_version>580.95.05</driver_version><cuda_version>13.0</cuda_version><attached_gpus>8</attached_gpus>"
    rows = "".join(f"{at}, NVIDIA H100, GPU-{at}, 81559 MiB, 580.95.05, 9.0\n" for at in range(8))
    texts = {
        "xml": f"<?xml version='1.0'?>\n<nvidia_smi_log>{head}\n{gpus}</nvidia_smi_log>\n",
        "topo": SWITCHES.read_text(),
        "query": _TABLE + rows,
        "nvlink": "".join(f"GPU {at}: NVIDIA H100 (UUID: GPU-{at})\n\t Link 0: 26.562 GB/s\n" for at in range(8)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return _PROGRAM.format(**{**{name: f"cat {folder / name}" for name in texts}, "log": calls_of(folder), **calls})


def calls_of(folder):
    """Where the program writes how it was called."""
    return folder / "calls"
