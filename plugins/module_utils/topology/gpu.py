# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nvidia-smi says of a GPU, whichever of its formats says it."""

from __future__ import annotations

import dataclasses
import re

#: Words that stand for no value. Each may stand in brackets.
_NOTHING = re.compile(
    r"\[?(?:N/A|Not Supported|Not Available|Not Found|Not available in WDDM driver model"
    r"|Requested functionality has been deprecated|)\]?\Z",
    re.IGNORECASE,
)
#: Words in a value's place that tell of a GPU in trouble, as nvidia-smi prints NVML's errors.
_TROUBLE = re.compile(
    r"\[?(Unknown Error|GPU is lost|GPU requires reset|Insufficient Permissions|Timeout|ERR!|In ?forom corrupted)\]?\Z",
    re.IGNORECASE,
)
_SIZE = re.compile(r"([0-9]+)(?:\.[0-9]+)?\s*([KMGT]?i?B)?\Z")
_UNITS = {"B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclasses.dataclass
class Process:
    """pid None: the line was cut. kind: C (compute), G (graphics), C+G. memory_bytes None: not told."""

    pid: int | None
    name: str | None = None
    kind: str | None = None
    memory_bytes: int | None = None


@dataclasses.dataclass
class MigDevice:
    """A slice of a GPU in MIG mode. profile and uuid come from ``-L``, the rest from ``-q``."""

    index: int | None
    profile: str | None = None
    uuid: str | None = None
    gpu_instance: int | None = None
    compute_instance: int | None = None
    memory_bytes: int | None = None


@dataclasses.dataclass
class Gpu:
    """None: not told. index: nvidia-smi's, which is the CUDA index with CUDA_DEVICE_ORDER=PCI_BUS_ID.

    driver and cuda: versions as printed, cuda being the newest that the driver takes. compute_capability: such as
    ``9.0``. problems: what stands where values should be (``GPU is lost``).
    """

    index: int | None = None
    name: str | None = None
    uuid: str | None = None
    bus_id: str | None = None
    memory_bytes: int | None = None
    memory_used_bytes: int | None = None
    memory_free_bytes: int | None = None
    compute_capability: str | None = None
    driver: str | None = None
    cuda: str | None = None
    compute_mode: str | None = None
    persistence: bool | None = None
    ecc: bool | None = None
    mig: bool | None = None
    mig_devices: list[MigDevice] = dataclasses.field(default_factory=list)
    fabric_state: str | None = None
    fabric_status: str | None = None
    recovery_action: str | None = None
    processes: list[Process] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)

    def take(self, field: str, raw: str | None, unit: str = "MiB") -> None:
        """Sets a field from its printed value; trouble words become problems."""
        if raw is None:
            return
        found = trouble(raw)
        if found is not None:
            if found not in self.problems:
                self.problems.append(found)
            return
        value = plain(raw)
        if value is None:
            return
        if field == "index":
            self.index = number(value)
        elif field.startswith("memory_"):
            setattr(self, field, size(value, unit))
        elif field in ("persistence", "ecc", "mig"):
            setattr(self, field, switch(value))
        else:
            setattr(self, field, value)


@dataclasses.dataclass
class Inventory:
    """GPUs of one output. attached: how many the driver says there are, where the format tells."""

    gpus: list[Gpu] = dataclasses.field(default_factory=list)
    attached: int | None = None
    warnings: list[str] = dataclasses.field(default_factory=list)

    def number_by_order(self) -> None:
        """Gives indexes to GPUs of a format without them: it lists the GPUs in the order of their indexes."""
        if self.attached is None or self.attached == len(self.gpus):
            for index, gpu in enumerate(self.gpus):
                gpu.index = index
        else:
            self.warnings.append(
                f"{len(self.gpus)} of {self.attached} attached GPUs are described, so their indexes are not known"
            )


def plain(raw: str | None) -> str | None:
    """A value without the notes that newer drivers add in brackets; None where nothing is told."""
    if raw is None or _NOTHING.match(raw.strip()):
        return None
    return re.sub(r"\s*\[Deprecated[^\]]*\]?\s*\Z", "", raw.strip()) or None


def trouble(raw: str) -> str | None:
    """The error that stands in a value's place, or None."""
    found = _TROUBLE.match(raw.strip())
    return found[1] if found else None


def number(value: str | None) -> int | None:
    """A whole number, or None where this is none."""
    return int(value) if value is not None and re.fullmatch(r"[0-9]{1,9}", value) else None


def size(value: str | None, unit: str = "MiB") -> int | None:
    """Bytes of ``81559 MiB``; ``unit`` where the value has none. nvidia-smi's MB are MiB."""
    found = _SIZE.match(value) if value is not None else None
    factor = _UNITS.get((found[2] or unit)[:1]) if found else None
    return int(found[1][:15]) * factor if found and factor else None


def switch(value: str | None) -> bool | None:
    """Enabled or disabled, or None where neither is said."""
    return {"enabled": True, "disabled": False, "on": True, "off": False}.get((value or "").lower())
