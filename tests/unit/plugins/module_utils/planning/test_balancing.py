# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a model in one engine: who balances over them, and where clients call."""

from __future__ import annotations

from .cases import S0, assert_said, refuses, table
from .fleets import DENSE, EXPERTS, H200, planned, said, service
from .test_launch import units, value

RPC = "--data-parallel-rpc-port"


def copies(how, data=4, model=EXPERTS, tensor=4, **keys):
    return service(model, parallel={"tensor": tensor, "data": data, "expert": True}, balancing=how, **keys)


def of(*services, **keys):
    return lambda: said(*services, **{"kind": H200, **keys})


PLACE = f"{S0}.balancing"
CASES = [
    refuses("balancing-place", of(copies("hybrid", data=2, tensor=8), hosts=2), PLACE, ["one copy"], "external"),
    refuses("balancing-place", of(copies("hybrid", data=2)), PLACE, ["one host"], "leave balancing out"),
    refuses(
        "balancing-place",
        of(service(EXPERTS, parallel={"tensor": 8}, balancing="external")),
        PLACE,
        ["one copy of the model"],
        "parallel.data",
    ),
    refuses("balancing-place", of(copies("hybrid", executor="ray"), hosts=2), PLACE, ["Ray"], "executor: mp"),
    refuses(
        "balancing-place",
        of(service(EXPERTS, parallel={"tensor": 8, "pipeline": 2, "data": 2}, balancing="external"), hosts=4),
        PLACE,
        ["a copy would span hosts"],
        "multiple of hosts",
    ),
    refuses(
        "balancing-place",
        of(service(DENSE, parallel={"tensor": 4, "data": 4}, balancing="external"), hosts=2),
        PLACE,
        ["without experts"],
        "replicas",
    ),
    refuses(
        "balancing-release",
        of(copies("external", version="0.21.0"), hosts=2, vllm_accept_advisories=["CVE-2026-22807"]),
        PLACE,
        ["0.21.0 has no option --data-parallel-multi-port-external-lb"],
        "0.22.0 or later",
    ),
    refuses(
        "argument-owned",
        of(service(EXPERTS, args={"data_parallel_hybrid_lb": True})),
        f"{S0}.args.data_parallel_hybrid_lb",
        ["set by the plan"],
        "balancing",
    ),
    refuses(
        "listen-absent",
        of(copies("hybrid", listen="10.9.0.1", api_key="k"), hosts=2),
        f"{S0}.listen",
        ["gpu2 has no such address"],
        "0.0.0.0",
    ),
    *(
        refuses(
            "port-taken",
            of(copies(how, port=8000), service(name="b", hosts="gpu2", gpus=1, port=port), hosts=2, gpus=16),
            "vllm_services[1].port",
            ["gpu2", "vllm_services[0].port"],
            "each its own port",
        )
        for how, port in (("hybrid", 8000), ("external", 8001))
    ),
]


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


def test_internal_balancing_has_one_door():
    document = planned(copies("internal"), hosts=2, kind=H200)
    (head,), (worker,) = units(document).values()
    assert [item["host"] for item in document["services"][0]["endpoints"]] == ["gpu1"]
    assert "--headless" in worker["exec"]
    assert "--port" not in worker["exec"]
    assert "--data-parallel-hybrid-lb" not in head["exec"]


def test_hybrid_balancing_has_a_door_on_each_host():
    document = planned(copies("hybrid", listen="0.0.0.0", api_key="k"), hosts=2, kind=H200)
    members = [unit for (unit,) in units(document).values()]
    assert [item["url"] for item in document["services"][0]["endpoints"]] == [
        "http://10.9.0.1:8000",
        "http://10.9.0.2:8000",
    ]
    for first, unit in zip(("0", "2"), members):
        command = unit["exec"]
        assert "--headless" not in command
        assert "--data-parallel-hybrid-lb" in command
        assert value(command, "--data-parallel-start-rank") == first
        assert value(command, "--data-parallel-size-local") == "2"
        assert value(command, "--data-parallel-address") == "10.9.0.1"
        assert unit["health_url"] == "http://127.0.0.1:8000"
        assert "VLLM_API_KEY" in unit["secrets"]
    assert len({value(unit["exec"], RPC) for unit in members}) == 1


def test_external_balancing_has_a_door_for_each_copy():
    services = [copies("external", port=9000), copies("external", name="b", port=9010)]
    document = planned(*services, hosts=2, kind=H200, gpus=16)
    assert [item["url"] for item in document["services"][0]["endpoints"]] == [
        f"http://127.0.0.1:{port}" for port in (9000, 9001, 9000, 9001)
    ]
    supervisors = set()
    for first, made in zip(("0", "2"), units(document).values()):
        for unit in made:
            assert "--data-parallel-multi-port-external-lb" in unit["exec"]
            assert value(unit["exec"], "--data-parallel-start-rank") == first
            supervisors.add(value(unit["exec"], "--data-parallel-supervisor-port"))
        assert made[0]["ports"]["api"] == [9000, 9001]
    assert supervisors == {"9256", "9257"}


def test_external_balancing_of_one_copy_a_host_tells_its_rank():
    document = planned(copies("external", data=2, tensor=8), hosts=2, kind=H200)
    for rank, (unit,) in zip(("0", "1"), units(document).values()):
        assert value(unit["exec"], "--data-parallel-rank") == rank
        assert not {"--headless", "--data-parallel-size-local", "--data-parallel-start-rank"} & set(unit["exec"])


def test_external_balancing_of_one_host_has_a_coordinator_port_of_its_own():
    document = planned(copies("external", data=2), copies("external", data=2, name="b"), kind=H200, gpus=16)
    ((first, second),) = units(document).values()
    assert {value(unit["exec"], RPC) for unit in (first, second)} == {"29550", "29551"}
