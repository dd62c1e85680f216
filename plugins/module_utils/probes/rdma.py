# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDMA ports of a host, from /sys/class/infiniband."""

from __future__ import annotations

from ..network.model import RdmaPort
from ..network.rdma import link_layer, physical_state, port_state, rate_gbits
from .files import Files

_CLASS = "/sys/class/infiniband"


def read_ports(files: Files) -> list[RdmaPort]:
    """One item a port, by device and port number."""
    return [
        _port(files, device, int(number))
        for device in files.names(_CLASS)
        for number in files.names(f"{_CLASS}/{device}/ports")
        if number.isdigit()
    ]


def _port(files: Files, device: str, number: int) -> RdmaPort:
    folder = f"{_CLASS}/{device}/ports/{number}"
    state = port_state(files.text(f"{folder}/state"))
    return RdmaPort(
        name=device,
        port=number,
        state=state,
        physical_state=physical_state(files.text(f"{folder}/phys_state")),
        link_layer=link_layer(files.text(f"{folder}/link_layer")),
        # That of a port that is down is no rate of anything.
        rate_gbits=rate_gbits(files.text(f"{folder}/rate")) if state == "active" else None,
        interface=_interface(files, device, number),
        numa=files.number(f"{_CLASS}/{device}/device/numa_node"),
    )


def _interface(files: Files, device: str, number: int) -> str | None:
    """The network interface of a port.

    The first address of an Ethernet port names it, which is the bond where two ports are bonded. Otherwise it is an
    interface of the same PCI function; a card of several ports on one function numbers them from 0.
    """
    named = files.word(f"{_CLASS}/{device}/ports/{number}/gid_attrs/ndevs/0")
    if named is not None:
        return named
    names = files.names(f"{_CLASS}/{device}/device/net")
    if len(names) > 1 or len(files.names(f"{_CLASS}/{device}/ports")) > 1:
        names = [name for name in names if _port_number(files, name) == number]
    return names[0] if names else None


def _port_number(files: Files, name: str) -> int:
    """dev_port; drivers older than it use dev_id, in hexadecimal."""
    port = files.number(f"/sys/class/net/{name}/dev_port") or 0
    identity = files.text(f"/sys/class/net/{name}/dev_id").strip()
    return 1 + (port or (int(identity, 16) if identity.startswith("0x") and len(identity) <= 6 else 0))
