# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``nvidia-smi nvlink``: status (``-s``), capabilities (``-c``), remote devices (``-p``, ``-R``)."""

from __future__ import annotations

import dataclasses
import re

from .smi_list import read_gpu_line
from .text import clean

_BUS = r"[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]"
_SPEED = re.compile(r"\bLink +([0-9]{1,3}): *([0-9]{1,6}(?:\.[0-9]{1,6})?) *GB/s")
_DOWN = re.compile(r"\bLink +([0-9]{1,3}): *<?in-?active>?", re.IGNORECASE)
_CAPABILITY = re.compile(r"\bLink +([0-9]{1,3}),([^:\n]+):[ \t]*(true|false)\b", re.IGNORECASE)
_REMOTE = re.compile(rf"\bLink +([0-9]{{1,3}}): *(?:Remote Device +)?({_BUS})(?:: *Link +([0-9]{{1,3}}))?")
#: Words in a link's place that are none of these: an error, or a line that is cut.
_UNTOLD = re.compile(r"\bLink +([0-9]{1,3}):")
#: What is printed in place of a GPU's links.
_STATES = (
    (re.compile(r"does not have or support Nvlink|NVLink information: Not Supported", re.IGNORECASE), "unsupported"),
    (re.compile(r"not supported for Devices in MIG mode", re.IGNORECASE), "mig"),
    (re.compile(r"all links are inActive", re.IGNORECASE), "inactive"),
)


@dataclasses.dataclass
class NvLink:
    """One link of a GPU. active, gbytes_per_s: None where the output does not tell. remote: bus address."""

    link: int
    active: bool | None = None
    gbytes_per_s: float | None = None
    capabilities: dict[str, bool] = dataclasses.field(default_factory=dict)
    remote: str | None = None
    remote_link: int | None = None


@dataclasses.dataclass
class GpuLinks:
    """The links of a GPU; index None where the text does not say whose they are (``-i`` on older drivers).

    state: active (all links up), degraded (some are down), inactive (all are), unsupported (the GPU has none),
    mig (not told in MIG mode), listed (links named, their state not told), unknown (the text ends).
    """

    index: int | None
    name: str | None = None
    uuid: str | None = None
    state: str = "unknown"
    links: dict[int, NvLink] = dataclasses.field(default_factory=dict)

    @property
    def active(self) -> int:
        return sum(1 for link in self.links.values() if link.active)

    @property
    def gbytes_per_s(self) -> float:
        """Of all active links together, one direction."""
        return round(sum(link.gbytes_per_s or 0.0 for link in self.links.values()), 3)


def read_nvlink(text: str) -> tuple[list[GpuLinks], list[str]]:
    """GPUs with their links, in the text's order, and warnings. Never raises.

    Outputs of several calls (``-s`` then ``-c``) in one text are put together.
    """
    gpus: list[GpuLinks] = []
    current: GpuLinks | None = None
    for line in clean(text).split("\n"):
        found = read_gpu_line(line)
        if found is not None:
            current = next((gpu for gpu in gpus if gpu.index == found.index), None)
            if current is None:
                current = GpuLinks(found.index, found.name, found.uuid)
                gpus.append(current)
            continue
        if current is None:
            current = GpuLinks(None)
            if _take(line, current):
                gpus.append(current)
            else:
                current = None
        else:
            _take(line, current)
    # Without a line on links this was a list of GPUs, not of their links.
    if all(not gpu.links and gpu.state == "unknown" for gpu in gpus):
        return [], []
    warnings = [f"{_title(gpu)}: {problem}" for gpu in gpus for problem in [_judge(gpu)] if problem]
    return gpus, warnings


def _take(line: str, gpu: GpuLinks) -> bool:
    """Whether the line tells something of this GPU's links."""
    for pattern, state in _STATES:
        if pattern.search(line):
            gpu.state = state
            return True
    found = _SPEED.search(line)
    if found is not None:
        link = gpu.links.setdefault(int(found[1]), NvLink(int(found[1])))
        link.active, link.gbytes_per_s = True, float(found[2])
        return True
    found = _DOWN.search(line)
    if found is not None:
        gpu.links.setdefault(int(found[1]), NvLink(int(found[1]))).active = False
        return True
    found = _CAPABILITY.search(line)
    if found is not None:
        link = gpu.links.setdefault(int(found[1]), NvLink(int(found[1])))
        link.capabilities[found[2].strip()] = found[3].lower() == "true"
        return True
    found = _REMOTE.search(line)
    if found is not None:
        link = gpu.links.setdefault(int(found[1]), NvLink(int(found[1])))
        link.remote, link.remote_link = found[2].upper(), int(found[3]) if found[3] else None
        return True
    found = _UNTOLD.search(line)
    if found is not None:
        gpu.links.setdefault(int(found[1]), NvLink(int(found[1])))
    return found is not None


def _judge(gpu: GpuLinks) -> str | None:
    """Sets the state of a GPU with links; what is wrong with them, or None."""
    told = [link for link in gpu.links.values() if link.active is not None]
    down = [link.link for link in told if not link.active]
    if gpu.links:
        gpu.state = "listed" if not told else "active" if not down else "degraded" if gpu.active else "inactive"
    untold = [link.link for link in gpu.links.values() if link.active is None and not link.capabilities]
    untold = [number for number in untold if gpu.links[number].remote is None]
    if untold:
        return f"the text does not tell the state of NVLinks {', '.join(map(str, untold))}"
    if gpu.state == "degraded":
        return f"{len(down)} of {len(told)} NVLinks are inactive: {', '.join(map(str, down))}"
    if gpu.state == "unknown":
        return "the text does not tell its NVLinks"
    missing = sorted(set(range(max(gpu.links, default=-1) + 1)) - set(gpu.links))
    if missing and told:
        return f"NVLinks are left out: {', '.join(map(str, missing))}"
    return None


def _title(gpu: GpuLinks) -> str:
    return "a GPU without its index" if gpu.index is None else f"GPU{gpu.index}"
