# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.collective import judge_collective
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.nccl import read_debug

MIB = 1 << 20


class Run:
    """A collective in which nothing went wrong, with NCCL on two hosts. text: what NCCL printed on each."""

    def __init__(
        self, fleet, count=2, backend="nccl", text="NCCL INFO Channel 00/0 : 1[0] -> 0[0] via NET/IB/0/GDRDMA"
    ):
        self.fleet = fleet(count)
        self.members = self.fleet.members
        self.reports = {}
        for rank, member in enumerate(self.members):
            met = self.fleet.reports[member.name]
            met["local"]["interface"]["rdma"] = "mlx5_0"
            sizes = [
                {"bytes": 16 * MIB, "right": True, "seconds": 0.01, "times": 10, "algbw": 1.6, "busbw": 1.6},
            ]
            self.reports[member.name] = {
                "name": member.name,
                "backend": backend,
                "environment": {},
                "choice": {
                    "variable": "NCCL_SOCKET_IFNAME",
                    "value": "ib0",
                    "name": "ib0",
                    "address": member.address,
                    "error": None,
                },
                "met": met,
                "met_again": None,
                "ran": True,
                "why": None,
                "ranks": [{"rank": rank, "stage": "done", "sizes": copy.deepcopy(sizes), "error": None}],
                "sizes": sizes,
                "transport": read_debug(text).as_dict(),
                "traffic": {"interfaces": {"ib0": 500 * MIB}, "rdma": {}},
                "log": "",
            }

    def stop(self, name, error, stage="reduce", **rank):
        self.reports[name]["ranks"][0].update(error=error, stage=stage, **rank)
        self.reports[name]["sizes"] = []

    def judge(self, **options):
        return judge_collective(self.members, self.reports, **options)

    def told(self, **options):
        return [(item.id, item.source, item.target, item.level) for item in self.judge(**options)]


@pytest.fixture
def run(fleet):
    return lambda **options: Run(fleet, **options)


def test_all_is_well(run):
    assert run().told() == []
    assert run(backend="gloo", text="").told() == []


SOCKETS = "x NCCL INFO NET/IB : No device found.\nx NCCL INFO Channel 00/0 : 1[0] -> 0[0] [send] via NET/Socket/0\n"


def test_silent_tcp_on_an_rdma_fabric(run):
    two = run(text=SOCKETS)
    found = two.judge()
    assert [(item.id, item.source, item.level) for item in found] == [
        ("tcp-on-rdma", "gpu1", "error"),
        ("tcp-on-rdma", "gpu2", "error"),
    ]
    assert found[0].what == (
        "NCCL on gpu1 uses TCP, though ib0 has RDMA device mlx5_0 (NCCL finds no usable InfiniBand or RoCE device)"
    )


def test_tcp_where_there_is_no_rdma(run):
    two = run(text=SOCKETS)
    for name in two.reports:
        two.fleet.interface(name)["rdma"] = None
    assert two.told() == []


def test_tcp_that_somebody_wanted(run):
    two = run(text=SOCKETS)
    for report in two.reports.values():
        report["environment"]["NCCL_IB_DISABLE"] = "1"
    found = two.judge()
    assert {(item.id, item.level) for item in found} == {("tcp-on-rdma", "warning")}
    assert "NCCL_IB_DISABLE=1 is set" in found[0].what


def test_gloo_is_tcp_by_nature(run):
    assert run(backend="gloo", text="").told() == []


def test_rdma_without_gpudirect(run):
    two = run(text="NCCL INFO Channel 00/0 : 1[0] -> 0[0] [send] via NET/IB/0\n")
    assert two.told() == [("no-gpudirect", "gpu1", None, "warning"), ("no-gpudirect", "gpu2", None, "warning")]


def test_a_wrong_sum(run):
    two = run()
    two.reports["gpu2"]["sizes"][0]["right"] = False
    (item,) = two.judge()
    assert (item.id, item.source, item.level) == ("collective-wrong", "gpu2", "error")
    assert str(16 * MIB) in item.what


def test_a_slow_sum(run):
    two = run()
    two.fleet.interface("gpu1")["speed_mbits"] = 400000
    assert two.told() == [("collective-slow", "gpu1", None, "warning")]


def test_traffic_on_another_interface(run):
    two = run(backend="gloo", text="")
    two.reports["gpu2"]["traffic"]["interfaces"] = {"ib0": 5000, "eth0": 500 * MIB, "lo": 900 * MIB}
    (item,) = two.judge()
    assert (item.id, item.source) == ("collective-elsewhere", "gpu2")
    assert "went over eth0, not over ib0" in item.what


def test_an_interface_that_is_not_there(run):
    two = run()
    two.reports["gpu2"]["choice"].update(error="NCCL_SOCKET_IFNAME=ib7: there is no such interface", address=None)
    for name, report in two.reports.items():
        report.update(ran=False, why="x", ranks=[], sizes=[])
        peer = "gpu2" if name == "gpu1" else "gpu1"
        two.fleet.way(name, peer)["side"] = {"place": None, "error": None}
    (item,) = two.judge()
    assert (item.id, item.source) == ("collective-interface", "gpu2")
    assert item.what == "gpu2: NCCL_SOCKET_IFNAME=ib7: there is no such interface"


def test_an_interface_of_another_network(run):
    two = run()
    two.reports["gpu2"]["choice"].update(value="eth0", name="eth0", address="192.0.2.2")
    two.fleet.way("gpu1", "gpu2")["side"] = {"place": ["192.0.2.2", 40000], "error": None, "state": "timeout"}
    (item,) = two.judge()
    assert (item.id, item.source) == ("collective-interface", "gpu2")
    assert "would use 192.0.2.2 of eth0 (NCCL_SOCKET_IFNAME=eth0)" in item.what


def test_no_variable_and_a_name_that_stands_for_loopback(run):
    two = run(backend="gloo", text="")
    two.reports["gpu1"]["choice"].update(variable="GLOO_SOCKET_IFNAME", value=None, name="lo", address="127.0.1.1")
    (item,) = two.judge()
    assert "gpu1 would use 127.0.1.1 of lo (no GLOO_SOCKET_IFNAME)" in item.what
    assert item.fix == "set GLOO_SOCKET_IFNAME of gpu1 to the interface that has 10.9.0.1"


def test_members_that_could_not_meet(run):
    two = run()
    two.fleet.lose("gpu1", "gpu2")
    for report in two.reports.values():
        report.update(ran=False, why="the members could not meet", ranks=[], sizes=[])
    assert two.told() == [("path-blocked", "gpu1", "gpu2", "error")]


def test_an_absent_member(run):
    three = run(count=3)
    three.reports["gpu3"] = None
    for name in ("gpu1", "gpu2"):
        three.fleet.lose(name, "gpu3", state="refused")
    assert three.told() == [("member-absent", "gpu3", None, "error")]
    del three.reports["gpu3"]
    assert three.told(complete=False) == [
        ("path-refused", "gpu1", "gpu3", "error"),
        ("path-refused", "gpu2", "gpu3", "error"),
    ]


def test_a_rank_that_did_not_come_is_named_with_its_reason(run):
    two = run()
    two.stop("gpu1", "RuntimeError: ranks [1] did not come", stage="rendezvous", missing=[1])
    two.stop("gpu2", "ModuleNotFoundError: No module named 'torch'", stage="import")
    (item,) = two.judge()
    assert (item.id, item.source) == ("rank-missing", "gpu2")
    assert item.what.endswith("gpu1 waited for them. ModuleNotFoundError: No module named 'torch'")


def test_a_rank_that_died_and_those_who_saw_it(run):
    three = run(count=3)
    three.stop("gpu1", "RuntimeError: Connection closed by peer [10.9.0.2]:5")
    three.stop("gpu2", "the process ended (-9)")
    three.stop("gpu3", "RuntimeError: Read error [10.9.0.2]:6: Connection reset by peer.")
    (item,) = three.judge()
    assert (item.id, item.source) == ("rank-failed", "gpu2")
    assert "rank 1 on gpu2 failed at stage reduce: the process ended (-9)" in item.what


def test_a_cut_on_the_way_is_named_by_meeting_again(run):
    two = run()
    for name in two.reports:
        two.stop(name, "out of time")
        two.reports[name]["met_again"] = copy.deepcopy(two.reports[name]["met"])
    again = two.reports["gpu1"]["met_again"]
    again["peers"]["gpu2"] = {"state": "timeout", "error": "ETIMEDOUT", "attempts": 3, "send_error": None}
    assert two.told() == [("path-blocked", "gpu1", "gpu2", "error")]


def test_a_collective_that_only_took_too_long(run):
    two = run()
    for name in two.reports:
        two.stop(name, "out of time")
    (item,) = two.judge()
    assert (item.id, item.source) == ("collective-timeout", None)
    assert "ranks on gpu1, gpu2 did not end in time, at stage reduce" in item.what


def test_a_python_that_does_not_answer(run):
    two = run()
    two.reports["gpu2"].update(ranks=[], sizes=[], why="/x/python ended with status 127: no such file")
    (item,) = two.judge()
    assert (item.id, item.what) == ("rank-failed", "gpu2: /x/python ended with status 127: no such file")
