# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where engines come to stand, how they divide their model, and the reasons given for it."""

from __future__ import annotations

import pytest

from .fleets import A100_QUADS, A6000_PAIRS, DENSE, EXPERTS, H200, LATENT, engines, fleet, planned, service

EIGHT = list(range(8))


@pytest.mark.parametrize(
    ("wanted", "cluster", "expected"),
    [
        pytest.param(
            service(), {}, [("a-0", ["gpu1"], EIGHT, {"tensor": 2, "data": 4})], id="a host of its own is filled"
        ),
        pytest.param(service(replicas=1), {}, [("a-0", ["gpu1"], [0], {})], id="a number of replicas asks for no more"),
        pytest.param(
            service(gpus=4), {}, [("a-0", ["gpu1"], [0, 1, 2, 3], {"tensor": 2, "data": 2})], id="a number of GPUs"
        ),
        pytest.param(
            service(version="0.12.0", args={"max_model_len": 16384}),
            {},
            [("a-0", ["gpu1"], [0], {})],
            id="copies of a dense model would wait for one another before 0.14",
        ),
        pytest.param(
            service(LATENT),
            {"hosts": 2},
            [("a-0", ["gpu1", "gpu2"], EIGHT, {"tensor": 8, "pipeline": 2, "expert": True})],
            id="stages over hosts",
        ),
        pytest.param(
            service(LATENT),
            {"hosts": 4},
            [
                ("a-0", ["gpu1", "gpu2"], EIGHT, {"tensor": 8, "pipeline": 2, "expert": True}),
                ("a-1", ["gpu3", "gpu4"], EIGHT, {"tensor": 8, "pipeline": 2, "expert": True}),
            ],
            id="as many engines as the hosts give",
        ),
        pytest.param(
            service(EXPERTS, gpus=8),
            {"kind": H200},
            [("a-0", ["gpu1"], EIGHT, {"data": 8, "expert": True})],
            id="experts over all ranks",
        ),
        pytest.param(
            service(args={"max_model_len": 8192}),
            {"kind": A6000_PAIRS},
            [("a-0", ["gpu1"], EIGHT, {"tensor": 2, "data": 4})],
            id="tensor parallelism inside the pairs that NVLink joins",
        ),
        pytest.param(
            service("org/moe-235b", args={"max_model_len": 4096}, gpus=16),
            {"hosts": 2, "kind": A100_QUADS},
            [("a-0", ["gpu1", "gpu2"], EIGHT, {"tensor": 4, "pipeline": 4, "expert": True})],
            id="tensor parallelism inside the quads, stages between them and over hosts",
        ),
        pytest.param(
            service(parallel={"tensor": 4, "pipeline": 2}),
            {"hosts": 2},
            [("a-0", ["gpu1", "gpu2"], [0, 1, 2, 3], {"tensor": 4, "pipeline": 2})],
            id="written stages go over the hosts",
        ),
        pytest.param(
            service(parallel={"tensor": 4}),
            {"hosts": 2},
            [("a-0", ["gpu1"], [0, 1, 2, 3], {"tensor": 4}), ("a-1", ["gpu2"], [0, 1, 2, 3], {"tensor": 4})],
            id="a written size that a host holds makes an engine a host",
        ),
        pytest.param(
            service(parallel={"tensor": 8, "data": 2}),
            {"hosts": 2},
            [("a-0", ["gpu1", "gpu2"], EIGHT, {"tensor": 8, "data": 2})],
            id="written copies go over the hosts",
        ),
        pytest.param(
            service("org/unknown", gpus=16),
            {"hosts": 2},
            [("a-0", ["gpu1", "gpu2"], EIGHT, {"tensor": 8, "pipeline": 2})],
            id="an unknown model takes the GPUs that are written",
        ),
    ],
)
def test_engines_stand(wanted, cluster, expected):
    assert engines(planned(wanted, **cluster)) == expected


def test_services_that_share_a_host_take_no_more_than_they_need():
    document = planned(service(), service(name="b"))
    assert engines(document) == [("a-0", ["gpu1"], [0], {}), ("b-0", ["gpu1"], [1], {})]


def test_what_is_written_is_given_before_what_is_chosen():
    document = planned(service(), service(name="b", gpus=4), service(name="c", devices=[0, 1]))
    found = {name: devices for name, _hosts, devices, _sizes in engines(document)}
    assert (found["c-0"], found["b-0"]) == ([0, 1], [2, 3, 4, 5])
    assert found["a-0"] == [6]


def test_replicas_of_a_host_get_equally_good_links():
    document = planned(service(replicas=4, gpus=2), kind=A6000_PAIRS)
    assert [devices for _name, _hosts, devices, _sizes in engines(document)] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert {str(item["members"][0]["link"]) for item in document["engines"]} == {
        "{'type': 'NV', 'count': 4, 'nvlinked': True}"
    }


def test_gpus_of_others_and_broken_ones_are_left_alone():
    busy = {"kind": "C", "pid": 7, "name": "python", "unit": "train.service", "memory_bytes": 1}
    probe = planned_probe(0, processes=[busy])
    document = planned(service(gpus=4), changes={"gpu1": {"gpus": probe}})
    assert engines(document)[0][2] == [1, 2, 4, 5]  # pairs of one NUMA node


def test_gpus_that_our_own_engines_use_are_not_busy():
    own = {"kind": "C", "pid": 7, "name": "python", "unit": "vllm-a-0.service", "memory_bytes": 1}
    document = planned(service(gpus=4), changes={"gpu1": {"gpus": planned_probe(0, processes=[own])}})
    assert engines(document)[0][2] == [0, 1, 2, 3]


def planned_probe(index, **changes):
    """The GPUs of an H100 host, one of them changed."""
    gpus = fleet().probes["gpu1"]["gpus"]
    return [{**gpu, **changes} if gpu["index"] == index else gpu for gpu in gpus]


def test_the_plan_tells_what_every_gpu_holds():
    (engine,) = planned(service(LATENT), hosts=2)["engines"]
    memory = engine["memory"]
    assert len(memory["gpus"]) == 16
    assert {(gpu["host"], gpu["stage"]) for gpu in memory["gpus"]} == {("gpu1", 0), ("gpu2", 1)}
    for stage in memory["stages"]:
        assert stage["weights"] + stage["overhead"] + stage["kv"] + stage["free"] == memory["gpu_bytes"]
    assert memory["requests"] > 1


def test_members_find_each_other_over_their_network():
    document = planned(service(LATENT), hosts=2)
    head, worker = (document["hosts"][host]["units"][0] for host in ("gpu1", "gpu2"))
    assert "--headless" in worker["exec"]
    assert "--headless" not in head["exec"]
    for unit, rank, address in ((head, "0", "10.9.0.1"), (worker, "1", "10.9.0.2")):
        command = unit["exec"]
        assert command[command.index("--node-rank") + 1] == rank
        assert command[command.index("--master-addr") + 1] == "10.9.0.1"
        assert unit["environment"]["VLLM_HOST_IP"] == address
        assert unit["environment"]["NCCL_SOCKET_IFNAME"] == "=" + unit["environment"]["GLOO_SOCKET_IFNAME"] == "=eth0"
    assert (worker["health_url"], worker["ports"].get("api")) == (None, None)


def test_ray_gets_a_cluster_of_the_engine_with_fixed_ports():
    document = planned(service(LATENT, executor="ray"), hosts=2)
    head, worker = (document["hosts"][host]["units"] for host in ("gpu1", "gpu2"))
    assert [unit["name"] for unit in head] == ["vllm-a-0-ray.service", "vllm-a-0.service", "vllm-a-0-guard.service"]
    assert [unit["name"] for unit in worker] == ["vllm-a-0-ray.service", "vllm-a-0-guard.service"]
    assert "--head" in head[0]["exec"]
    assert worker[0]["exec"][worker[0]["exec"].index("--address") + 1] == f"10.9.0.1:{head[0]['ports']['ray']}"
    assert head[1]["environment"]["RAY_ADDRESS"] == f"10.9.0.1:{head[0]['ports']['ray']}"
    assert head[1]["restart_with"] == ["vllm-a-0-ray.service"]
    assert [unit["stop_timeout_s"] for unit in head] == [5, 60, 10], "Ray that hangs in its stop holds the group up"
    assert worker[0]["environment"]["VLLM_HOST_IP"] == "10.9.0.2"


def test_two_engines_of_one_head_get_two_ray_clusters():
    document = planned(service(DENSE, executor="ray", gpus=2), service(DENSE, name="b", executor="ray", gpus=2))
    ports = [unit["ports"] for unit in document["hosts"]["gpu1"]["units"] if unit["kind"] == "ray"]
    assert ports[0]["ray"] != ports[1]["ray"]
    assert ports[0]["ray_workers"][1] < ports[1]["ray_workers"][0]


@pytest.mark.parametrize(("version", "executor"), [("0.33.0", "mp"), ("0.11.1", "mp"), ("0.11.0", "ray")])
def test_hosts_are_joined_by_mp_where_the_release_can(version, executor):
    wanted = service("org/unknown", gpus=16, version=version)
    (engine,) = planned(wanted, hosts=2, vllm_accept_advisories=ACCEPTED)["engines"]
    assert engine["executor"] == executor


ACCEPTED = ["CVE-2025-30165", "CVE-2025-32444", "CVE-2025-30202", "CVE-2026-22807"]


def test_a_short_intent_does_and_each_choice_has_its_reason():
    document = planned({"model": LATENT, "hosts": "all"}, hosts=2)
    paths = {item["path"].partition("].")[2]: item["why"] for item in document["decisions"]}
    assert {"parallel.tensor", "parallel.pipeline", "parallel.expert", "executor", "interface", "port", "name"} <= set(
        paths
    )
    assert "joined by NV18" in paths["parallel.tensor"]
    assert all(paths.values())
