# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How engines are started: options and variables of each member, Ray's placing, containers, and where they listen."""

from __future__ import annotations

import pytest

from . import machines
from .cases import S0, assert_said, refuses, table, warns
from .fleets import DENSE, EXPERTS, H200, LATENT, planned, said, service

ACCEPTED = {"vllm_accept_advisories": ["CVE-2025-30165", "CVE-2025-32444", "CVE-2025-30202", "CVE-2026-22807"]}
RAY = {"executor": "ray"}
OLD_RAY = {"vllm_ray_version": "2.48.0", **ACCEPTED}


def of(*services, **keys):
    return lambda: said(*services, **keys)


def wide(tensor=8, pipeline=1, data=1, **keys):
    return service(EXPERTS, parallel={"tensor": tensor, "pipeline": pipeline, "data": data}, **keys)


def with_rdma(hosts):
    """Members whose fastest network is InfiniBand."""
    return {
        f"gpu{number}": {
            "interfaces": [
                machines.loopback(),
                machines.interface("eth0", f"10.9.0.{number}/24", speed=100000),
                machines.interface("ib0", f"10.8.0.{number}/24", speed=400000, rdma="mlx5_0"),
            ],
            "rdma_devices": [machines.rdma("ib0")],
            "peermem": True,
        }
        for number in range(1, hosts + 1)
    }


CASES = [
    refuses(
        "ray-data-placement",
        of(wide(tensor=4, data=2, **RAY, version="0.9.0"), hosts=1, **OLD_RAY),
        f"{S0}.parallel.data",
        ["2", "0.9.0 has no option --data-parallel-backend"],
        "executor: mp",
    ),
    refuses(
        "ray-data-placement",
        of(wide(tensor=4, pipeline=1, data=3, **RAY), hosts=2, gpus=6),
        f"{S0}.parallel.data",
        ["3 copies and 2 hosts do neither"],
        "multiple of the other",
    ),
    refuses(
        "ray-data-placement",
        of(wide(pipeline=2, data=2, **RAY, version="0.11.0"), hosts=4, **OLD_RAY),
        f"{S0}.parallel.data",
        ["each copy takes 2 hosts"],
        "0.11.1 or later",
    ),
    refuses(
        "ray-data-placement",
        of(wide(pipeline=2, data=2, **RAY, env={"VLLM_RAY_DP_PACK_STRATEGY": "strict"}), hosts=4),
        f"{S0}.env.VLLM_RAY_DP_PACK_STRATEGY",
        ["'strict'", "need span"],
        "leave it out",
    ),
    refuses(
        "listen-absent",
        of(service(listen="203.0.113.9", api_key="k")),
        f"{S0}.listen",
        ["'203.0.113.9'", "gpu1 has no such address"],
        "10.9.0.1",
        "0.0.0.0",
    ),
    refuses(
        "listen-absent",
        of(service(listen="10.9.0.1", api_key="k", replicas=2, router={"enabled": False}), hosts=2),
        f"{S0}.listen",
        ["gpu2 has no such address"],
        "write 0.0.0.0",
    ),
    warns(
        "ray-unfenced",
        of(wide(pipeline=2, **RAY, env={"VLLM_CONFIG_ROOT": "/srv/mine"}), hosts=2),
        f"{S0}.env.VLLM_CONFIG_ROOT",
        ["vLLM looks there", "from gpu1"],
        "ray_non_carry_over_env_vars.json",
    ),
    warns("port-unused", of(service(ports={"ray": 7000})), f"{S0}.ports.ray", ["no engine of service a"], "leave it"),
]
GOOD = {
    "an address that the host has": of(service(listen="10.9.0.1", api_key="k")),
    "the same behind IPv6's spelling": of(
        service(listen="fd00:0::1", api_key="k"),
        changes={"gpu1": {"interfaces": [machines.interface("eth0", "fd00::1/64")]}},
    ),
    "interfaces that nobody knows": of(
        service(listen="203.0.113.9", api_key="k"), changes={"gpu1": {"interfaces": None}}
    ),
    "ports of Ray": of(service(gpus=2, **RAY, ports={"ray": 7000})),
}


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_nothing_is_said_of_what_works(make):
    assert not make()
    assert [item for item in make().warnings if item["id"] not in ("advisory", "cpu-wheel-unknown")] == []


def units(document, kind="engine"):
    return {host: [unit for unit in item["units"] if unit["kind"] == kind] for host, item in document["hosts"].items()}


def value(command, option):
    return command[command.index(option) + 1]


def test_ray_is_told_how_many_copies_stand_on_each_host():
    document = planned(wide(data=3, **RAY), hosts=3)
    ((engine,), *_others) = units(document).values()
    assert value(engine["exec"], "--data-parallel-size") == "3"
    assert value(engine["exec"], "--data-parallel-size-local") == "1"
    assert "VLLM_RAY_DP_PACK_STRATEGY" not in engine["environment"]


def test_ray_is_told_when_a_copy_takes_several_hosts():
    document = planned(wide(pipeline=2, data=2, **RAY), hosts=4)
    ((engine,), *_others) = units(document).values()
    assert "--data-parallel-size-local" not in engine["exec"]
    assert engine["environment"]["VLLM_RAY_DP_PACK_STRATEGY"] == "span"


def test_what_only_the_api_server_takes_goes_to_the_head_alone():
    document = planned(wide(pipeline=2, args={"api_server_count": 2, "seed": 5}), hosts=2)
    (head,), (worker,) = units(document).values()
    assert value(head["exec"], "--api-server-count") == "2"
    assert "--api-server-count" not in worker["exec"]
    assert value(worker["exec"], "--seed") == "5"


def test_copies_over_nodes_meet_at_a_port_of_their_own():
    services = [wide(tensor=2, pipeline=4, data=2), wide(tensor=2, pipeline=4, data=2, name="b")]
    document = planned(*services, hosts=4, kind=H200)
    ports = []
    for members in zip(*units(document).values()):
        (port,) = {value(unit["exec"], "--data-parallel-rpc-port") for unit in members}
        assert members[0]["ports"]["data_parallel"] == int(port)
        ports.append(port)
    assert ports == ["29550", "29551"]


def test_a_written_coordinator_port_is_taken():
    document = planned(wide(pipeline=2, data=2, ports={"data_parallel": 7001}), hosts=4)
    assert {value(unit["exec"], "--data-parallel-rpc-port") for (unit,) in units(document).values()} == {"7001"}


def test_values_that_begin_with_a_dash_reach_their_option():
    document = planned(service(args={"chat_template": "-x", "logits_processors": ["-a.b"], "max_logprobs": -1}))
    ((engine,),) = units(document).values()
    assert "--chat-template=-x" in engine["exec"]
    assert "--logits-processors=-a.b" in engine["exec"]
    assert value(engine["exec"], "--max-logprobs") == "-1"


def test_nccl_takes_one_interface_and_no_other_whose_name_begins_alike():
    document = planned(service(LATENT), hosts=2)
    for (unit,) in units(document).values():
        assert unit["environment"]["NCCL_SOCKET_IFNAME"] == "=eth0"
        assert unit["environment"]["GLOO_SOCKET_IFNAME"] == "eth0"


@pytest.mark.parametrize(
    ("wanted", "changes", "passed"),
    [
        (wide(pipeline=2), with_rdma(2), True),
        (wide(pipeline=2, interface="eth0"), with_rdma(2), False),
        (wide(pipeline=2), {}, False),
        (
            service(args={"kv_transfer_config": {"kv_connector": "NixlConnector", "kv_role": "kv_both"}}),
            with_rdma(2),
            True,
        ),
        (service(), with_rdma(2), False),
    ],
)
def test_containers_get_the_rdma_cards_that_they_talk_by(wanted, changes, passed):
    document = planned({**wanted, "runtime": "container"}, hosts=2, changes=changes)
    for made in units(document).values():
        for unit in made:
            assert ("/dev/infiniband" in unit["exec"]) is passed
            assert not passed or value(unit["exec"], "--device") == "/dev/infiniband"


def test_an_engine_of_one_host_may_steer_nccl_and_its_ports():
    document = planned(service(env={"NCCL_SOCKET_IFNAME": "lo", "VLLM_PORT": 5000}), hosts=2)
    for (unit,) in units(document).values():
        assert (unit["environment"]["NCCL_SOCKET_IFNAME"], unit["environment"]["VLLM_PORT"]) == ("lo", "5000")


def test_an_engine_of_several_hosts_may_not():
    document = of(service(LATENT, env={"NCCL_SOCKET_IFNAME": "lo", "VLLM_PORT": 5000}), hosts=2)
    with pytest.raises(Exception, match="variable-owned"):
        document().raise_if_any()
    assert planned(service(LATENT), hosts=2)


def test_dense_copies_on_a_host_need_nothing_of_this():
    document = planned(service(DENSE, parallel={"tensor": 2, "data": 4}))
    ((engine,),) = units(document).values()
    assert "--data-parallel-rpc-port" not in engine["exec"]
