# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that cannot run the release that they are to have."""

from __future__ import annotations

import pytest

from .cases import S0, assert_said, engine, model, refuses, said, table, warns
from .gpu_hosts import CONTAINER, CPU, HOSTS, IMAGE, PYTHON, VERSION, check, host, on, usual

FP8 = model(quantization_config={"quant_method": "fp8"})

CASES = [
    refuses(
        "driver-too-old",
        on(host(driver="570.124.06"), version="0.33.0"),
        VERSION,
        ["0.33.0", "CUDA 13.0", "580.65.06", "570.124.06 is on gpu1"],
        "580.65.06 or later",
        "release 0.19.1 or older",
    ),
    refuses(
        "driver-too-old",
        on(host(driver="570.124.06"), version="0.32.0"),
        VERSION,
        ["CUDA 13.0"],
        "vllm/vllm-openai:v0.32.0-cu129",
    ),
    refuses("driver-too-old", on(host(driver="470.57.02"), version="0.16.0"), VERSION, ["CUDA 12.9"], "525"),
    refuses(
        "driver-too-old",
        on(host(driver="570.124.06"), **CONTAINER, image="vllm/vllm-openai:v0.33.0", version="0.33.0"),
        VERSION,
        ["CUDA 13.0"],
        "580",
    ),
    warns(
        "driver-by-compatibility",
        on(host(driver="570.124.06"), **CONTAINER, env={"VLLM_ENABLE_CUDA_COMPATIBILITY": 1}),
        VERSION,
        ["forward compatibility"],
        "580",
    ),
    warns(
        "driver-by-compatibility",
        on(host(driver="470.57.02"), **CONTAINER, version="0.16.0"),
        VERSION,
        ["forward compatibility"],
        "525",
    ),
    refuses(
        "gpu-too-old",
        on(host(power="7.0", name="V100")),
        VERSION,
        ["8 x V100 of gpu1 have compute capability 7.0", "from 7.5 on"],
        "0.19.1",
    ),
    refuses("gpu-too-old", on(host(power="6.1"), version="0.16.0"), VERSION, ["6.1", "from 7.0 on"], "other GPUs"),
    refuses(
        "gpu-too-new",
        on(host(power="10.0", name="B200"), version="0.8.5", variables={"vllm_ray_version": "2.48.0"}),
        VERSION,
        ["B200", "12.4", "12.8"],
        "0.9.0",
    ),
    refuses(
        "gpu-no-bfloat16",
        on(host(power="7.5"), args={"dtype": "bfloat16"}),
        f"{S0}.args.dtype",
        ["7.5", "needs 8.0"],
        "float16",
    ),
    warns("gpu-no-fp8", on(host(power="8.0", name="A100"), facts=FP8), f"{S0}.model", ["A100", "no FP8 units"], "8.9"),
    warns(
        "gpu-no-fp8", on(host(power="8.6"), args={"quantization": "fp8"}), f"{S0}.args.quantization", ["8.6"], "int4"
    ),
    warns("gpu-no-fp8", on(host(power="7.5"), facts=FP8, version="0.14.0"), f"{S0}.model", ["7.5"], "8.9"),
    warns(
        "gpu-trouble",
        on(host(gpu_diagnosis=[{"id": "lost", "message": "is lost", "fix": "reset it", "gpu": "0000:1a"}])),
        HOSTS,
        ["host gpu1: GPU 0000:1a: is lost"],
        "reset it",
    ),
    refuses(
        "image-absent",
        on(host(machine="ppc64le"), **CONTAINER),
        IMAGE,
        ["no cuda image of 0.32.0 for ppc64le", "(gpu1)"],
        "image of your own",
    ),
    refuses(
        "wheel-absent",
        on(host(machine="ppc64le")),
        VERSION,
        ["no wheel of vLLM 0.32.0 for ppc64le"],
        "runtime: container",
    ),
    warns(
        "cpu-wheel-unknown",
        on(host(gpus=0), **CPU, version="0.33.0"),
        VERSION,
        ["CPU build of 0.33.0"],
        "runtime: container",
    ),
    refuses(
        "glibc-too-old",
        on(host(os={"id": "debian", "version": "11", "name": "Debian 11"}), version="0.20.2"),
        VERSION,
        ["glibc 2.35", "2.31 is on gpu1 (Debian 11)"],
        "runtime: container",
    ),
    refuses(
        "glibc-too-old",
        on(host(os={"id": "rocky", "version": "9.5"}), version="0.20.2"),
        VERSION,
        ["2.34"],
        "newer system",
    ),
    refuses(
        "python-unfit",
        on(host(python="3.10.12"), version="0.33.0"),
        "vllm_python",
        ["'3.10.12'", ">=3.11,<3.15", f"{PYTHON} of gpu1"],
        "vllm_python",
        "release 0.31.0",
    ),
    warns("python-absent", on(host(pythons={PYTHON: None})), "vllm_python", [f"{PYTHON} is not on gpu1"], "install it"),
    refuses(
        "offload-memory",
        usual(args={"cpu_offload_gb": 128}),
        f"{S0}.args.cpu_offload_gb",
        ["128 GiB for each of 8 ranks", "(1024 GiB)"],
        "lower it",
    ),
    refuses(
        "offload-memory",
        usual(args={"kv_offloading_size": 1024}),
        f"{S0}.args.kv_offloading_size",
        ["1024 GiB over 1 hosts"],
        "lower it",
    ),
    warns(
        "shm-small",
        on(host(shm={"total_bytes": 64 * 2**20})),
        HOSTS,
        ["shared memory of gpu1 holds 64 MiB"],
        "/dev/shm",
    ),
]

GOOD = {
    "eight H100": usual(),
    "the newest release": usual(version="0.33.0"),
    "an older driver with an image for it": on(
        host(driver="570.124.06"), **CONTAINER, image="vllm/vllm-openai:v0.32.0-cu129"
    ),
    "an older driver with an unknown image": on(host(driver="570.124.06"), **CONTAINER, image="mine:1"),
    "an older driver with an older release": on(host(driver="535.261.03"), version="0.19.1"),
    "Volta with CUDA 12": on(host(power="7.0"), version="0.19.1"),
    "Blackwell": on(host(power="10.0", name="B200"), version="0.9.2"),
    "the oldest driver that does": on(host(driver="580.65.06")),
    "the very glibc": on(host(os={"id": "ubuntu", "version": "22.04"}), version="0.20.2"),
    "fp8 on Ada": on(host(power="8.9"), facts=FP8),
    "fp8 on Hopper": usual(facts=FP8),
    "bfloat16 on Ampere": on(host(power="8.0"), args={"dtype": "bfloat16"}),
    "an unknown system": on(host(os={"id": "kylin", "version": "V10"}), version="0.20.2"),
    "a CPU host": on(host(gpus=0, driver="absent"), **CPU),
    "a CPU image": on(host(gpus=0, driver="absent"), **CPU, **CONTAINER),
    "little shared memory, one rank": on(host(shm={"total_bytes": 64 * 2**20}), parallel={"tensor": 1}),
    "offloading within the host": usual(args={"cpu_offload_gb": 64, "kv_offloading_size": 256}),
}


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_nothing_is_said_of_what_works(make):
    assert said(make()) == []


def test_the_smallest_shared_memory_is_told():
    small = {"gpu1": host(shm={"total_bytes": 2**26}), "gpu2": host(shm={"total_bytes": 2**27})}
    assert "gpu1, gpu2 holds 64 MiB" in said(check(engine(hosts="gpu1 gpu2"), small))[0].text


def test_a_service_on_hosts_of_both_kinds_is_judged_by_each():
    engines = [engine(hosts="gpu1"), engine(hosts="cpu1", accelerator="cpu")]
    found = said(check(engines, {"gpu1": host(driver="570.10"), "cpu1": host(gpus=0, driver="470.10")}))
    assert [item.id for item in found] == ["driver-too-old"]
    assert "470.10" not in found[0].text


def test_hosts_that_lack_the_same_are_told_of_in_one_refusal():
    names = " ".join(f"gpu{number}" for number in range(100))
    old = {name: host(driver="535.261.03", python="3.9.2") for name in names.split()}
    found = said(check(engine(hosts=names), old))
    assert [item.id for item in found] == ["python-unfit", "driver-too-old"]
    assert "535.261.03 is on gpu0, gpu1, gpu2, gpu3 and 96 more" in found[1].text
