# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may reach which port of which host, and by which names members meet."""

from __future__ import annotations

import pytest

from .cases import S0, assert_said, refuses, said, table, warns
from .machines import interface
from .test_plan_said import ADDRESSES, PROBES, QWEN, TWO, host, of, planned

WIDE = {"model": QWEN, "hosts": TWO, "parallel": {"tensor": 8, "pipeline": 2}}
ANYONE = ["0.0.0.0/0", "::/0"]
EVENTS = {"kv_events_config": {"enable_kv_cache_events": True}}


def listener(port, process="glusterfsd", address="0.0.0.0", unit=None):
    return {"address": address, "port": port, "pid": 9, "process": process, "unit": unit}


def heard(*listeners):
    return {"gpu1": host(1, listeners=list(listeners))}


def network(name, *services, **more):
    document, refusals = planned(*services, **more)
    assert [item for item in said(refusals) if item.kind == "refuses"] == []
    return document["hosts"][name]["network"]


def items(found, word):
    return [(item["ports"], item["from"], item["interface"]) for item in found["fence"] if word in item["why"]]


CASES = [
    refuses(
        "network-form",
        of(variables={"vllm_client_networks": ["10.0.0.5/8"]}),
        "vllm_client_networks[0]",
        ["10.0.0.5/8", "an address inside of a network"],
        "write 10.0.0.0/8",
    ),
    refuses(
        "network-form",
        of(variables={"vllm_monitoring_networks": ["10.0.0.0/8", "monitor1"]}),
        "vllm_monitoring_networks[1]",
        ["monitor1", "is no network"],
        "such as 10.0.0.0/8",
    ),
    refuses(
        "port-range",
        of(variables={"vllm_fence_open_ports": [22, 70000]}),
        "vllm_fence_open_ports[1]",
        ["70000", "is not a port"],
        "1 to 65535",
    ),
    refuses(
        "wrong-type",
        of(variables={"vllm_client_networks": "10.0.0.0/8"}),
        "vllm_client_networks",
        ["must be list, not text"],
        "such as 10.0.0.0/8",
    ),
    refuses(
        "fence-ssh",
        of(**WIDE, ports={"guard": 22}),
        f"{S0}.ports.guard",
        ["22", "is a port of ssh on host gpu1"],
        "choose another port",
    ),
    warns(
        "fence-closes",
        of(**WIDE, probes=heard(listener(49152), listener(50000, address="127.0.0.1"), listener(111))),
        "vllm_fence_kernel_ports",
        ["host gpu1", "49152 (glusterfsd)"],
        "vllm_fence_open_ports",
        "vllm_fence_kernel_ports: false",
    ),
]


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


def test_internal_ports_are_for_the_members_on_their_interface():
    head, worker = network("gpu1", WIDE), network("gpu2", WIDE)
    assert items(head, "internal ports") == [([[20000, 20063], 29400, 29501], ["192.0.2.2"], "eth0")]
    assert items(worker, "internal ports") == [([[20000, 20063]], ["192.0.2.1"], "eth0")]
    assert items(worker, "among themselves") == [(None, ["192.0.2.1"], "eth0")]


def test_ray_is_closed_too_and_its_metrics_are_for_monitoring():
    found = network("gpu1", {**WIDE, "executor": "ray"}, vllm_monitoring_networks=["10.1.0.0/16"])
    ((ports, sources, _interface),) = items(found, "internal ports")
    assert sources == ["192.0.2.2"]
    assert ports[:6] == [6379, 6380, 6381, 6382, 6383, 6384]
    assert {8265, 10001, 52365} <= {port for port in ports if isinstance(port, int)}
    assert [10002, 10201] in ports
    assert items(found, "metrics") == [([6384], ["10.1.0.0/16"], None)]


def test_the_api_is_for_everyone_until_clients_are_named():
    assert items(network("gpu1", WIDE), "clients call") == [([8000], ANYONE, None)]
    named = {"vllm_client_networks": ["10.2.0.0/16"], "vllm_monitoring_networks": ["10.1.0.0/16"]}
    assert items(network("gpu1", WIDE, **named), "clients call") == [([8000], ["10.2.0.0/16", "10.1.0.0/16"], None)]
    assert items(network("gpu1", WIDE, vllm_monitoring_networks=["10.1.0.0/16"]), "clients call")[0][1] == ANYONE
    assert items(network("gpu1", {**WIDE, "listen": "127.0.0.1"}), "clients call") == []


def test_an_engine_of_one_host_has_nothing_but_its_api():
    found = network("gpu1", {"gpus": 1}, {"name": "b", "gpus": 1})
    assert [(item["ports"], item["from"]) for item in found["fence"]] == [([8000], ANYONE), ([8001], ANYONE)]
    assert found["names"] == []


def test_readers_of_events_are_clients():
    found = network("gpu1", {"gpus": 1, "args": EVENTS}, vllm_client_networks=["10.2.0.0/16"])
    assert items(found, "clients call") == [([5557, 8000], ["10.2.0.0/16"], None)]


def test_kv_side_channels_are_for_the_hosts_that_have_them():
    pair = {"args": {"kv_transfer_config": {"kv_connector": "NixlConnector", "kv_role": "kv_both"}}, "gpus": 1}
    found = network("gpu1", pair, {**pair, "name": "b", "hosts": "gpu2"})
    assert [sources for _ports, sources, _interface in items(found, "side channels")] == [["192.0.2.2"]]
    assert items(network("gpu1", pair), "side channels") == []


@pytest.mark.parametrize(
    ("probes", "variables", "ports"),
    [
        ({}, {}, [[32768, 60999]]),
        ({"gpu1": host(1, local_ports=[50000, 50009])}, {}, [[50000, 50009]]),
        (heard(listener(40000, "sshd")), {}, [[32768, 39999], [40001, 60999]]),
        (heard(listener(40000, "systemd")), {}, [[32768, 39999], [40001, 60999]]),
        (heard(listener(32768, unit="ssh.service")), {}, [[32769, 60999]]),
        ({}, {"vllm_fence_open_ports": [60999, 49152]}, [[32768, 49151], [49153, 60998]]),
    ],
)
def test_kernel_ports_are_closed_but_for_what_persons_come_in_by(probes, variables, ports):
    found = network("gpu1", WIDE, probes=probes, **variables)
    assert items(found, "kernel chooses") == [(ports, ["192.0.2.2"], "eth0")]


def test_kernel_ports_are_left_alone_where_a_person_says_so_or_no_engine_spans_hosts():
    assert items(network("gpu1", WIDE, vllm_fence_kernel_ports=False), "kernel chooses") == []
    assert items(network("gpu1", {"gpus": 1}), "kernel chooses") == []


def test_an_api_port_among_the_kernels_ports_stays_with_its_clients():
    found = network("gpu1", {**WIDE, "port": 40000})
    assert items(found, "kernel chooses")[0][0] == [[32768, 39999], [40001, 60999]]


def test_a_written_port_of_ansible_is_never_closed():
    from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent, plan

    from .cases import item
    from .test_plan_said import SOURCES

    read = intent.parse({"vllm_services": [item(api_key="k", **WIDE)]}, str.split)
    document = plan.plan(read, PROBES, ADDRESSES, SOURCES, {}, {"gpu1": 40022})
    assert document["hosts"]["gpu1"]["network"]["never_closed"] == [22, 40022]
    assert items(document["hosts"]["gpu1"]["network"], "kernel chooses")[0][0] == [[32768, 40021], [40023, 60999]]
    assert document["hosts"]["gpu2"]["network"]["never_closed"] == [22]


def test_open_ports_are_no_part_of_the_fence():
    found = network("gpu1", WIDE, vllm_fence_open_ports=[29400, 20010])
    assert items(found, "internal ports")[0][0] == [[20000, 20009], [20011, 20063], 29501]


@pytest.mark.parametrize(
    ("one", "two", "names"),
    [
        ("gpu1", "gpu2", ["gpu2"]),
        ("gpu1.example.com", "node7.example.com", ["gpu2", "node7.example.com", "node7"]),
        ("debian", "debian", ["gpu2"]),
        ("gpu1", "localhost.localdomain", ["gpu2"]),
        ("gpu1", "GPU1", ["gpu2"]),
        ("gpu1", "bad name\n10.0.0.9 bank", ["gpu2"]),
    ],
)
def test_members_are_named_on_their_network_and_the_own_name_is_left_alone(one, two, names):
    probes = {"gpu1": host(1, hostname=one), "gpu2": host(2, hostname=two)}
    assert network("gpu1", WIDE, probes=probes)["names"] == [{"address": "192.0.2.2", "names": names}]


def test_the_members_network_is_the_one_that_names_lead_to():
    fast = {
        f"gpu{n}": host(n, interfaces=[
            interface("eth0", f"192.0.2.{n}/24", speed=10000), interface("ib0", f"10.9.0.{n}/24", speed=400000)
        ]) for n in (1, 2)
    }  # fmt: skip
    found = network("gpu1", WIDE, probes=fast)
    assert found["names"][0]["address"] == "10.9.0.2"
    assert items(found, "among themselves") == [(None, ["10.9.0.2"], "ib0")]
