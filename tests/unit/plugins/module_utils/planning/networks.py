# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interfaces of hosts as probes tell of them, and the choice among them."""

from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.module_utils.planning import interfaces
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import Refusals

from .cases import S0, said

HOSTS = ("gpu1", "gpu2", "gpu3")
PATH = f"{S0}.interface"


def nic(name, *addresses, kind="physical", state="up", speed=25000, rdma=None, **more):
    return {
        "name": name,
        "addresses": [*addresses, "fe80::1/64"],
        "kind": kind,
        "state": state,
        "carrier": state != "down",
        "speed_mbits": speed,
        "mtu": 1500,
        "rdma": rdma,
        "master": None,
        **more,
    }


def host(number, **changes):
    """A GPU host as they mostly are: management, InfiniBand, docker, and a cable that hangs out."""
    found = {
        "lo": nic("lo", "127.0.0.1/8", kind="loopback", speed=None),
        "eth0": nic("eth0", f"192.0.2.{number}/24"),
        "ib0": nic("ib0", f"10.9.0.{number}/24", speed=200000, rdma="mlx5_0", mtu=4092),
        "eth1": nic("eth1", f"10.8.0.{number}/24", state="down", speed=400000),
        "docker0": nic("docker0", "172.17.0.1/16", kind="bridge", speed=None),
        "veth1": nic("veth1", kind="virtual", speed=10000, master="docker0"),
        **changes,
    }
    return {
        "interfaces": [item for item in found.values() if item],
        "rdma_devices": [{"name": "mlx5_0", "port": 1, "state": "active"}],
    }


def probes(hosts=HOSTS, each=host, **changes):
    return {name: each(number, **changes) for number, name in enumerate(hosts, 1)}


def addresses(hosts=HOSTS):
    return {name: f"192.0.2.{number}" for number, name in enumerate(hosts, 1)}


def choose(found, written=None, hosts=HOSTS, reached=None):
    refusals = Refusals()
    chosen, decisions = interfaces.choose(hosts, found, reached or addresses(hosts), written, PATH, refusals)
    return chosen, decisions, refusals


def clean(found, written=None, **more):
    chosen, decisions, refusals = choose(found, written, **more)
    assert said(refusals) == []
    return chosen, decisions


def names(chosen):
    return [item["name"] for item in chosen.values()]


def racks():
    """Members in networks of their own, joined by routers."""
    found = {
        name: {"interfaces": [nic("eth0", f"10.0.{number}.5/24", "192.168.0.9/32")]}
        for number, name in enumerate(HOSTS)
    }
    for number, name in enumerate(HOSTS):
        others = [f"10.0.{other}.5" for other in range(3) if other != number]
        found[name]["routes"] = {address: {"interface": "eth0", "source": f"10.0.{number}.5"} for address in others}
    return found
