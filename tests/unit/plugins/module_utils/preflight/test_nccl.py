# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.nccl import is_tcp, on_purpose, read_debug


def lines(*words, rank=0, host="gpu1"):
    """What a rank prints before each message."""
    return "\n".join(f"{host}:{1200 + rank}:{1300 + rank} [{rank}] NCCL INFO {text}" for text in words) + "\n"


TCP_2_18 = "NCCL version 2.18.5+cuda12.1\n" + lines(
    "cudaDriverVersion 12020",
    "Bootstrap : Using eth0:10.0.0.1<0>",
    "NET/Plugin : No plugin found (libnccl-net.so), using internal implementation",
    "NCCL_SOCKET_IFNAME set by environment to eth0",
    "Failed to open libibverbs.so[.1]",
    "NET/Socket : Using [0]eth0:10.0.0.1<0> [1]eth1:192.168.7.1<0>",
    "Using network Socket",
    "Channel 00/02 :    0   1",
    "Channel 00/0 : 1[0] -> 0[0] [receive] via NET/Socket/0",
    "Channel 01/0 : 1[0] -> 0[0] [receive] via NET/Socket/1",
    "Channel 00/0 : 0[0] -> 1[0] [send] via NET/Socket/0",
    "Connected all rings",
)
ROCE_2_21 = "NCCL version 2.21.5+cuda12.4\n" + lines(
    "Bootstrap : Using ens1f0:10.9.0.1<0>",
    "NET/IB : Using [0]mlx5_0:1/RoCE [1]mlx5_1:1/RoCE [RO]; OOB ens1f0:10.9.0.1<0>",
    "Using non-device net plugin version 0",
    "Using network IB",
    "Channel 00/0 : 8[0] -> 0[0] [receive] via NET/IB/0/GDRDMA",
    "Channel 01/0 : 0[0] -> 8[0] [send] via NET/IB/1/GDRDMA",
    "Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM/read",
    "Channel 02/0 : 1[1] -> 0[0] via P2P/CUMEM",
)
NO_GDR_2_26 = lines(
    "NCCL version 2.26.2+cuda12.8",
    "Bootstrap: Using ib0:fd00::9<0>",
    "NET/IB : Using [0]mlx5_0:1/IB [RO]; OOB ib0:fd00::9<0>",
    "Initialized NET plugin IB",
    "Assigned NET plugin IB to comm",
    "Channel 00/0 : 1[0] -> 0[0] [receive] via NET/IB/0",
    "Channel 00 : 0[0] -> 1[1] via SHM/direct/direct",
)
FALLEN_2_28 = lines(
    "ENV/Plugin: Could not find: libnccl-env.so",
    "NCCL version 2.28.9+cuda13.0",
    "NCCL_SOCKET_IFNAME set by environment to ib",
    "Bootstrap: Using ib0:10.9.0.1<0>",
    "NET/Plugin: Could not find: libnccl-net.so",
    "NET/IB : No device found.",
    "NET/IB : Using [RO]; OOB ib0:10.9.0.1<0>",
    "Failed to initialize NET plugin IB",
    "NET/Socket : Using [0]ib0:10.9.0.1<0>",
    "Initialized NET plugin Socket",
    "Assigned NET plugin Socket to comm",
    "Channel 00/0 : 1[0] -> 0[0] [receive] via NET/Socket/0",
)


def test_sockets():
    found = read_debug(TCP_2_18)
    assert found.version == "2.18.5"
    assert found.networks == ["Socket"]
    assert found.interfaces == [["eth0", "10.0.0.1"], ["eth1", "192.168.7.1"]]
    assert found.bootstrap == [["eth0", "10.0.0.1"]]
    assert found.channels == {"NET/Socket": 3}
    assert found.settings == {"NCCL_SOCKET_IFNAME": "eth0"}
    assert found.reasons == ["libibverbs is not installed"]
    assert is_tcp(found.as_dict()) is True


def test_roce_with_gpudirect():
    found = read_debug(ROCE_2_21)
    assert (found.version, found.networks) == ("2.21.5", ["IB"])
    assert (found.devices, found.links) == (["mlx5_0:1", "mlx5_1:1"], ["RoCE"])
    assert found.channels == {"NET/IB/GDRDMA": 2, "P2P": 2}
    assert is_tcp(found.as_dict()) is False


def test_infiniband_without_gpudirect_and_ipv6():
    found = read_debug(NO_GDR_2_26)
    assert (found.version, found.networks, found.links) == ("2.26.2", ["IB"], ["IB"])
    assert found.bootstrap == [["ib0", "fd00::9"]]
    assert found.channels == {"NET/IB": 1, "SHM": 1}
    assert found.interfaces == []
    assert is_tcp(found.as_dict()) is False


def test_a_fall_back_to_sockets():
    found = read_debug(FALLEN_2_28)
    assert found.version == "2.28.9"
    assert found.devices == []
    assert found.reasons == ["NCCL finds no usable InfiniBand or RoCE device", "NCCL's InfiniBand part does not start"]
    assert is_tcp(found.as_dict()) is True


def test_channels_count_before_what_was_announced():
    text = lines("Using network IB", "Channel 00/0 : 1[0] -> 0[0] [receive] via NET/Socket/0")
    assert is_tcp(read_debug(text).as_dict()) is True


@pytest.mark.parametrize(
    ("channel", "way"),
    [
        ("Channel 00/0 : 0[1a000] -> 1[1b000] [send] via NET/IB/0/GDRDMA", "NET/IB/GDRDMA"),
        ("Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/3(5)/GDRDMA", "NET/IB/GDRDMA"),
        ("Channel 00/0 : 0[0] -> 1[1] via P2P/IPC", "P2P"),
        ("Channel 00/1 : 0[0] -> 1[1] [send] via NET/Socket/0/Shared", "NET/Socket"),
        ("Channel 07 : 3[3] -> 2[2] via P2P/direct pointer", "P2P"),
        ("Channel 00/0 : 0[0] -> 8[0] [send] via NET/AWS Libfabric/0/GDRDMA", "NET/AWS Libfabric/GDRDMA"),
        ("Channel 00/0 : 0[0] -> 8[0] [receive] via NET/IBext_v8/1/GDRDMA", "NET/IBext_v8/GDRDMA"),
    ],
)
def test_ways_of_channels(channel, way):
    assert read_debug(lines(channel)).channels == {way: 1}


def test_a_plugin_is_not_tcp():
    text = lines("Using network AWS Libfabric", "Channel 00/0 : 0[0] -> 8[0] [send] via NET/AWS Libfabric/0/GDRDMA")
    assert is_tcp(read_debug(text).as_dict()) is False


def test_ranks_that_print_at_once_and_other_programs():
    text = "".join(ROCE_2_21.splitlines(keepends=True)[1:]) + "INFO 11-21 vLLM starts\n\x1b[31mx\x1b[0m\n" + TCP_2_18
    found = read_debug(text)
    assert found.channels == {"NET/IB/GDRDMA": 2, "P2P": 2, "NET/Socket": 3}


def test_warnings_with_time_and_place():
    text = (
        "[2026-11-21 10:00:00] gpu1:9:9 [0] net_ib.cc:801 NCCL WARN NET/IB : Got completion from peer with status=12\n"
    )
    assert read_debug(text * 3).warnings == ["NET/IB : Got completion from peer with status=12"]


def test_nothing_is_known_of_nothing():
    found = read_debug("no NCCL here\n").as_dict()
    assert is_tcp(found) is None
    assert not any(found.values())


@pytest.mark.parametrize(
    ("text", "environment", "why"),
    [
        (lines("NCCL_IB_DISABLE set by environment to 1."), {}, "NCCL_IB_DISABLE=1"),
        ("", {"NCCL_IB_DISABLE": "1"}, "NCCL_IB_DISABLE=1"),
        ("", {"NCCL_IB_DISABLE": "0"}, None),
        (lines("NCCL_NET set by environment to Socket"), {}, "NCCL_NET=Socket"),
        (TCP_2_18, {}, None),
    ],
)
def test_who_wanted_tcp(text, environment, why):
    assert on_purpose(read_debug(text).as_dict(), environment) == why
