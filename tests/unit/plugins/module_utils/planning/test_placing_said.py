# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More that is refused when engines are placed, and what must not be: test_plan_said.py has a case for every id."""

from __future__ import annotations

import pytest

from . import machines
from .cases import S0, assert_said, refuses, table
from .fleets import DENSE, EXPERTS, H100, H200, LATENT, fleet, planned, said, service
from .helpers import refusals_of


def plan(*services, **keys):
    return lambda: said(*services, **keys)


def gpus(**changes):
    """An H100 host whose first GPU is otherwise."""
    first, *rest = fleet().probes["gpu1"]["gpus"]
    return {"gpu1": {"gpus": [{**first, **changes}, *rest]}}


def listener(port, unit=None):
    return {"gpu1": {"listeners": [{"address": "0.0.0.0", "port": port, "pid": 7, "process": "nginx", "unit": unit}]}}


def directory(**changes):
    facts = {"config": None, "quantization": None, "tensor_bytes": None, "problems": [], **changes}
    return {"gpu1": {"paths": {"/m": {"exists": True, "directory": True, "model": True, "facts": facts}}}}


TRAINING = {"kind": "C", "pid": 7, "name": "python", "unit": "train.service"}
LACKING = {"file": "model-00002-of-00002.safetensors", "rule": "is missing", "fix": "download it again"}
SIZES = f"{S0}.parallel"

CASES = [
    refuses("world-size", plan(service(gpus=12), hosts=2), f"{S0}.gpus", ["takes all of their GPUs"], "multiple of 8"),
    refuses("world-size", plan(service(LATENT, parallel={"tensor": 8, "pipeline": 3}), hosts=2), SIZES,
            ["make 24 ranks", "have 16"], "tensor: 8, pipeline: 2"),
    refuses("memory-fit", plan(service(LATENT, gpus=4)), f"{S0}.gpus", ["does not fit", "weights"],
            "16 GPUs of 80 GiB on 2 hosts", "H200"),
    refuses("memory-fit", plan(service(LATENT, parallel={"tensor": 8})), SIZES, ["does not fit"], "2 hosts of 8"),
    refuses("memory-fit", plan(service(devices=[0], args={"max_model_len": 32768, "gpu_memory_utilization": 0.8})),
            f"{S0}.model", ["does not fit"], "max_model_len"),
    refuses("memory-fit", plan(service(parallel={"tensor": 2}, concurrency=20)), SIZES, ["cache for 20 x"],
            "max_model_len"),
    refuses("too-few-gpus", plan(service(replicas=5, gpus=2)), f"{S0}.gpus", ["has 8 GPUs"], "lower it"),
    refuses("gpu-unfit", plan(service(devices=[0]), changes=gpus(problems=["GPU is lost"])),
            f"{S0}.devices", ["GPU is lost"], "mend"),
    refuses("gpu-unfit", plan(service(devices=[0]), changes=gpus(mig=True)), f"{S0}.devices", ["MIG"], "name another"),
    refuses("port-taken", plan(service(LATENT, executor="ray", port=6379, ports={"ray": 6379}), hosts=2),
            f"{S0}.ports.ray",
            ["taken on host gpu1 by vllm_services[0].port"], "own port"),
]  # fmt: skip


@table(CASES)
def test_it_is_said(case):
    assert_said(case)


@pytest.mark.parametrize(
    ("wanted", "cluster"),
    [
        (service(LATENT), {"hosts": 2}),
        (service(LATENT), {"kind": H200}),
        (service(EXPERTS), {"kind": H200}),
        (service(DENSE, parallel={"tensor": 8}), {}),
        (service(DENSE, parallel={"tensor": 2}, concurrency=9), {}),
        (service(LATENT, parallel={"tensor": 16}), {"hosts": 2}),
        (service(DENSE, devices=[7, 6], parallel={"tensor": 2}), {"kind": H100}),
        (service(port=80), {"changes": listener(80, "vllm-a-0.service")}),
        (service("/m"), {"changes": directory()}),
    ],
)
def test_what_works_is_not_refused(wanted, cluster):
    assert planned(wanted, **cluster)["engines"]


def test_chosen_ports_go_round_those_that_others_hold():
    (service_,) = planned(service(replicas=1), changes=listener(8000))["services"]
    assert [item["url"] for item in service_["endpoints"]] == ["http://127.0.0.1:8001"]


def test_one_gpu_of_a_divided_host_is_no_reason_to_refuse_the_rest():
    document = planned(service(replicas=1), changes=gpus(mig=True))
    assert document["engines"][0]["members"][0]["devices"] == [1]


def test_everything_wrong_is_said_at_once():
    found = refusals_of(
        service(hosts="gpu1", parallel={"tensor": 2}, gpus=8),
        service(hosts="gpu1", name="b", devices=[11]),
        probes={"gpu1": machines.gpu_host("gpu1")},
    )
    assert {item.id for item in found} >= {"world-size", "no-such-gpu"}
