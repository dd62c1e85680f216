# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPUs of a host without its driver: by PCI alone, which every kernel shows."""

from __future__ import annotations

import dataclasses
import typing as t

from ..probes.files import Files
from ..probes.nvidia import pci_gpus

_PCI = "/sys/bus/pci/devices"
#: PCI device ids of NVSwitches up to Hopper, which are bridges of the host. Those of Blackwell are not on its PCI bus.
_SWITCHES = {"0x1ac2": "volta", "0x1af1": "ampere", "0x22a3": "hopper"}
_MELLANOX = "0x15b3"
#: What an InfiniBand function that manages NVLink switches (Blackwell) has in its vital product data.
_MANAGEMENT = "SW_MNG"

OLDER, NEWER = "older", "newer"


@dataclasses.dataclass(frozen=True)
class Generation:
    """Which drivers run a generation (NVIDIA's driver archive, and its blog on the open kernel modules).

    oldest: the first branch; newest: the last one, None: no end is known. open: ``never``, ``may`` or ``must``.
    """

    name: str
    oldest: int
    newest: int | None
    open: str


GENERATIONS = {
    item.name: item
    for item in (
        Generation(OLDER, 0, 470, "never"),
        Generation("maxwell", 340, 580, "never"),
        Generation("pascal", 367, 580, "never"),
        Generation("volta", 384, 580, "never"),
        Generation("turing", 410, None, "may"),
        Generation("ampere", 450, None, "may"),
        Generation("ada", 520, None, "may"),
        Generation("hopper", 525, None, "may"),
        Generation("grace-hopper", 535, None, "must"),
        Generation("blackwell", 570, None, "must"),
        Generation(NEWER, 580, None, "must"),
    )
}

#: Device ids, first and last, of what is found on servers. Where two overlap, the narrower comes first.
_RANGES: tuple[tuple[int, int, str], ...] = (
    (0x0FB8, 0x0FB9, "pascal"),
    (0x1340, 0x14FF, "maxwell"),
    (0x15F0, 0x15FF, "pascal"),
    (0x1600, 0x16FF, "maxwell"),
    (0x1720, 0x173F, "pascal"),
    (0x1740, 0x17FF, "maxwell"),
    (0x1B00, 0x1D7F, "pascal"),
    (0x1D80, 0x1DFF, "volta"),
    (0x1E00, 0x1FFF, "turing"),
    (0x2080, 0x20FF, "ampere"),
    (0x2180, 0x21FF, "turing"),
    (0x2200, 0x22FF, "ampere"),
    (0x2340, 0x234F, "grace-hopper"),
    (0x2300, 0x23FF, "hopper"),
    (0x2400, 0x25FF, "ampere"),
    (0x2680, 0x28FF, "ada"),
    (0x2900, 0x29FF, "blackwell"),
    (0x2B00, 0x2FFF, "blackwell"),
    (0x3180, 0x31FF, "blackwell"),
)


def generation(device: str) -> str:
    """The generation of a device id such as ``0x2330``: a key of GENERATIONS.

    Ids rise with time: one beyond the table is of a newer generation, one below or between of an older.
    """
    number = int(device, 16)
    for first, last, name in _RANGES:
        if first <= number <= last:
            return name
    return NEWER if number > _RANGES[-1][0] or number > 0x29FF else OLDER


def read(files: Files) -> dict[str, t.Any]:
    """gpus (address, device, generation), switches (addresses), nvlink_management, mellanox. Only reads sysfs.

    nvlink_management: NVLink switches of Blackwell are managed from this host. mellanox: a NIC of that vendor is in it.
    """
    gpus = []
    for address in pci_gpus(files):
        device = files.word(f"{_PCI}/{address}/device") or "0x0000"
        gpus.append({"address": address, "device": device, "generation": generation(device)})
    vendors = {name: files.word(f"{_PCI}/{name}/vendor") for name in files.names(_PCI)}
    bridges = [name for name, vendor in vendors.items() if vendor == "0x10de" and _is_switch(files, name)]
    cards = files.names("/sys/class/infiniband")
    return {
        "gpus": gpus,
        "switches": bridges,
        "nvlink_management": any(
            _MANAGEMENT in files.text(f"/sys/class/infiniband/{card}/device/vpd") for card in cards
        ),
        "mellanox": _MELLANOX in vendors.values(),
    }


def _is_switch(files: Files, name: str) -> bool:
    bridge = (files.word(f"{_PCI}/{name}/class") or "").startswith("0x0680")
    return bridge and files.word(f"{_PCI}/{name}/device") in _SWITCHES
