# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused and warned of when interfaces are chosen."""

from __future__ import annotations

from .cases import assert_said, refuses, table, warns
from .networks import HOSTS, PATH, choose, host, nic, probes, racks


def made(found, written=None, reached=None):
    return lambda: choose(found, written, reached=reached)[2]


def one(number, changed):
    """All hosts as usual but one."""
    found = probes()
    found[f"gpu{number}"] = host(number, **changed)
    return found


def cut():
    found = racks()
    found["gpu1"]["routes"]["10.0.2.5"] = None
    return found


def elsewhere():
    found = probes(ib0=None)
    found["gpu2"]["routes"] = {"192.0.2.3": {"interface": "eth1", "source": "10.8.0.2"}}
    return found


def twins():
    found = probes()
    for probe in found.values():
        probe["interfaces"] = [nic("eth0", "10.0.0.5/24")]
    return found


def asleep():
    found = probes()
    found["gpu2"]["rdma_devices"] = [{"name": "mlx5_0", "port": 1, "state": "init"}]
    return found


CASES = [
    refuses(
        "interface-no-shared-network",
        made(racks()),
        PATH,
        ["3 members share no network", "10.0.0.0/24"],
        "name the interface",
    ),
    refuses("interface-no-shared-network", made(twins()), PATH, ["same address 10.0.0.5"], "address of its own"),
    refuses("interface-no-shared-network", made(twins(), "eth0"), PATH, ["same address 10.0.0.5"], "joins hosts"),
    refuses(
        "interface-none",
        made(one(2, {"ib0": None, "eth0": None})),
        PATH,
        ["member gpu2", "eth1 is down"],
        "bring one up",
    ),
    refuses("interface-missing", made(probes(), "ib7"), PATH, ["'ib7'", "member gpu1 has no such"], "eth0 (192.0.2.1)"),
    refuses("interface-missing", made(one(3, {"ib0": None}), "10.9.0.0/16"), PATH, ["member gpu3"], "eth0 (192.0.2.3)"),
    refuses("interface-unusable", made(probes(), "eth1"), PATH, ["on member gpu1: eth1 is down"], "ib0 (10.9.0.1)"),
    refuses("interface-unusable", made(probes(), "veth1"), PATH, ["veth1 has no address"], "ib0 (10.9.0.1)"),
    refuses(
        "interface-ambiguous",
        made({**racks(), "gpu1": host(1)}, "*0"),
        PATH,
        ["fits docker0, eth0, ib0 of member gpu1"],
        "name one",
    ),
    refuses(
        "interface-no-route",
        made(cut(), "eth0"),
        PATH,
        ["member gpu1 has no route to 10.0.2.5 of gpu3"],
        "add the route",
    ),
    refuses(
        "interface-unknown",
        made({"gpu1": {}, "gpu2": {}}, reached={"gpu1": "gpu1.example"}),
        PATH,
        ["'gpu1.example' is no IP"],
        "probe gpu1",
    ),
    warns("interface-unknown", made({}), PATH, ["gpu1, gpu2, gpu3 are not known"], "probe all"),
    warns("interface-unknown", made({}, "ib0"), PATH, ["'ib0' counts for nothing"], "probe all"),
    warns(
        "interface-mtu-differs",
        made(one(2, {"ib0": nic("ib0", "10.9.0.2/24", speed=200000, rdma="mlx5_0", mtu=2044)})),
        PATH,
        ["2044 on gpu2", "4092 on gpu1, gpu3"],
        "same MTU",
    ),
    warns(
        "interface-speed-differs",
        made(one(2, {"ib0": nic("ib0", "10.9.0.2/24", speed=100000, rdma="mlx5_0", mtu=4092)})),
        PATH,
        ["100 Gb/s on gpu2", "200 Gb/s on gpu1, gpu3"],
        "cables",
    ),
    warns(
        "interface-slow",
        made({name: {"interfaces": [nic("eth0", f"192.0.2.{n}/24", speed=1000)]} for n, name in enumerate(HOSTS, 1)}),
        PATH,
        ["1 Gb/s between GPUs"],
        "faster network",
    ),
    warns(
        "interface-route-elsewhere",
        made(elsewhere()),
        PATH,
        ["member gpu2 reaches 192.0.2.3 of gpu3 by eth1, not by eth0"],
        "correct the routes",
    ),
    warns("rdma-inactive", made(asleep()), PATH, ["mlx5_0 behind ib0 of member gpu2 is init"], "ibstat"),
]


@table(CASES)
def test_what_is_said(case):
    assert_said(case)
