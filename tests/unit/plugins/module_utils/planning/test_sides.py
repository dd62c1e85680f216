# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that options open: each engine of a host has its own, and what is written twice is refused."""

from __future__ import annotations

import json

import pytest

from .cases import S0, assert_said, refuses, table
from .fleets import EXPERTS, planned, said, service

TWICE = {"replicas": 2, "gpus": 1, "model": "org/dense-7b"}
EVENTS = {"enable_kv_cache_events": True}
NIXL = {"kv_connector": "NixlConnector", "kv_role": "kv_both"}
P2P = {"kv_connector": "P2pNcclConnector", "kv_role": "kv_producer"}
STORE = {"kv_connector": "ExampleConnector", "kv_role": "kv_both", "kv_connector_extra_config": {}}
SIDE = "VLLM_NIXL_SIDE_CHANNEL_PORT"
ARG = f"{S0}.args"


def twice(args, **keys):
    return service(**TWICE, args=args, **keys)


def of(*services, **keys):
    return lambda: said(*services, **keys)


def multi(*connectors):
    extra = {"connectors": list(connectors)}
    return {"kv_connector": "MultiConnector", "kv_role": "kv_both", "kv_connector_extra_config": extra}


CASES = [
    refuses(
        "port-taken",
        of(twice({"kv_events_config": {**EVENTS, "endpoint": "tcp://*:5557"}})),
        f"{ARG}.kv_events_config.endpoint (engine a-1)",
        ["5557", "is taken on host gpu1"],
        "leave it out: the plan gives each engine",
    ),
    refuses(
        "port-taken",
        of(twice({"kv_events_config": {**EVENTS, "replay_endpoint": "tcp://0.0.0.0:5600"}})),
        f"{ARG}.kv_events_config.replay_endpoint (engine a-1)",
        ["5600"],
        "another port",
    ),
    refuses("port-taken", of(service(port=8000, args={"grpc_port": 8000})), f"{ARG}.grpc_port", ["8000"], "another"),
    refuses(
        "port-taken", of(twice({"grpc_port": 50051})), f"{ARG}.grpc_port (engine a-1)", ["50051"], "make each a service"
    ),
    refuses(
        "port-taken",
        of(twice({"kv_transfer_config": NIXL}, env={SIDE: 5700})),
        f"{S0}.env.{SIDE} (engine a-1)",
        ["5700"],
        "leave it out",
    ),
    refuses(
        "port-taken",
        of(twice({"kv_transfer_config": {**P2P, "kv_port": "21001"}}, version="0.20.0")),
        f"{ARG}.kv_transfer_config.kv_port (engine a-1)",
        ["21001"],
        "leave it out",
    ),
    refuses(
        "port-taken",
        of(service(model="org/dense-7b", gpus=1, args={"kv_transfer_config": multi(P2P, P2P)}, version="0.20.0")),
        f"{ARG}.kv_transfer_config.kv_connector_extra_config.connectors[1].kv_port",
        ["14579"],
        "write a kv_port of its own for each",
    ),
    refuses(
        "port-range",
        of(service(args={"kv_transfer_config": NIXL}, env={SIDE: "nixl"})),
        f"{S0}.env.{SIDE}",
        ["is not a port"],
        "leave it out",
    ),
]


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


def units(document):
    return [unit for host in document["hosts"].values() for unit in host["units"] if unit["kind"] == "engine"]


def told(unit, option):
    return json.loads(unit["exec"][unit["exec"].index(option) + 1])


@pytest.mark.parametrize(
    "args", [{"kv_events_config": EVENTS}, {"kv_events_config.enable_kv_cache_events": True}], ids=["whole", "dotted"]
)
def test_each_engine_publishes_its_events_at_a_port_of_its_own(args):
    document = planned(twice(args))
    made = units(document)
    assert [told(unit, "--kv-events-config")["endpoint"] for unit in made] == ["tcp://*:5557", "tcp://*:5558"]
    assert all(told(unit, "--kv-events-config")["enable_kv_cache_events"] is True for unit in made)
    assert [unit["ports"]["kv_events"] for unit in made] == [5557, 5558]
    assert not [word for unit in made for word in unit["exec"] if word.startswith("--kv-events-config.")]
    assert {item["value"] for item in document["decisions"] if item["path"].endswith("endpoint")} == {5557, 5558}


@pytest.mark.parametrize(
    ("args", "version"),
    [
        ({"kv_events_config": {**EVENTS, "publisher": "null"}}, "0.33.0"),
        ({"kv_events_config": {"enable_kv_cache_events": False}}, "0.33.0"),
        ({"kv_events_config": EVENTS}, "0.11.0"),
        ({"kv_events_config": {**EVENTS, "endpoint": "tcp://10.9.0.9:5557"}}, "0.33.0"),
        ({"kv_transfer_config": STORE}, "0.33.0"),
    ],
)
def test_what_opens_no_port_takes_none(args, version):
    accepted = ["CVE-2025-30165", "CVE-2025-32444", "CVE-2025-30202", "CVE-2026-22807"]
    for unit in units(planned(twice(args, version=version), vllm_accept_advisories=accepted)):
        assert set(unit["ports"]) == {"api"}


def test_each_engine_has_a_side_channel_of_its_own():
    document = planned(twice({"kv_transfer_config": NIXL}), twice({"kv_transfer_config": NIXL}, name="b"))
    made = units(document)
    assert [unit["environment"][SIDE] for unit in made] == ["5600", "5601", "5602", "5603"]
    assert told(made[0], "--kv-transfer-config") == NIXL


def test_each_data_parallel_rank_has_its_port():
    wanted = service(EXPERTS, parallel={"tensor": 8, "data": 2}, args={"kv_transfer_config": NIXL})
    for unit in units(planned(wanted, hosts=2)):
        assert unit["environment"][SIDE] == "5600"
        assert unit["ports"]["kv_side_channel"] == [5600, 5601]


def test_members_of_an_engine_share_their_side_channel():
    """Workers find the channel of their engine's head by the variable that they have themselves."""
    busy = [{"address": "0.0.0.0", "port": 5600, "pid": 7, "process": "nixl", "unit": None}]
    wanted = service(EXPERTS, parallel={"tensor": 8, "pipeline": 2}, args={"kv_transfer_config": NIXL})
    document = planned(wanted, hosts=2, changes={"gpu2": {"listeners": busy}})
    assert {unit["environment"][SIDE] for unit in units(document)} == {"5601"}


def test_a_port_of_a_connector_is_set_where_the_connector_reads_it():
    made = units(planned(twice({"kv_transfer_config": P2P}, version="0.20.0")))
    assert [told(unit, "--kv-transfer-config")["kv_port"] for unit in made] == [14579, 14580]


def test_connectors_inside_another_have_theirs():
    made = units(planned(twice({"kv_transfer_config": multi(NIXL, STORE)})))
    assert [unit["environment"][SIDE] for unit in made] == ["5600", "5601"]


def test_a_secret_port_stays_as_it_is():
    (unit,) = units(planned(service(gpus=8, args={"kv_transfer_config": NIXL}, secrets={SIDE: "5999"})))
    assert SIDE not in unit["environment"]
