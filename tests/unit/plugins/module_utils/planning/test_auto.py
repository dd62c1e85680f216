# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``parallel: auto`` beside what a person wrote, and where vLLM would not take the first thing that fits."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import context
from ansible_collections.vllm.cluster.plugins.module_utils.planning import applicable
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError

from tests.unit.plugins.module_utils.models import samples

from .cases import S0, assert_said, refuses, table, warns
from .fleets import DENSE, EXPERTS, H200, LATENT, engines, fleet, planned, said, service
from .machines import KINDS

L40S, B200 = (next(kind for kind in KINDS if name in kind.name) for name in ("L40S", "B200"))
YARN = {"rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}}
SMALL_MOE, SMALL = "org/moe-30b", "org/dense-8b"


def args(**options):
    return {"args": options}


def one(*services, **cluster):
    """What the only engine is: its devices and sizes, and the document."""
    document = planned(*services, **cluster)
    (found,) = engines(document)
    return found[2], found[3], document["engines"][0]


def why(wanted, **cluster):
    """The reasons of a service's parallel sizes."""
    found = planned(wanted, **cluster)["decisions"]
    start = f"{S0}.parallel."
    return {item["path"][len(start) :]: item["why"] for item in found if item["path"].startswith(start)}


class TestExperts:
    @pytest.mark.parametrize("gpus", [3, 5, 6, 7])
    @pytest.mark.parametrize("model", [SMALL_MOE, EXPERTS])
    def test_copies_that_cannot_share_their_experts_are_not_chosen(self, model, gpus):
        _devices, sizes, _engine = one(service(model, **args(max_model_len=4096)), gpus=gpus, kind=B200)
        ranks = sizes.get("tensor", 1) * sizes.get("data", 1)
        width = {SMALL_MOE: 768, EXPERTS: 1536}[model]
        assert (128 % ranks if sizes.get("expert") else width % ranks) == 0

    def test_uneven_experts_that_are_written_are_taken(self):
        _devices, sizes, _engine = one(service(SMALL_MOE, parallel={"data": 7, "expert": True}))
        assert sizes == {"data": 7, "expert": True}

    @pytest.mark.parametrize("gpus", [1, 3])
    def test_written_experts_are_not_turned_off(self, gpus):
        wanted = service(SMALL_MOE, parallel={"expert": True}, **args(max_model_len=4096))
        assert one(wanted, gpus=gpus)[1]["expert"]
        assert "expert" not in why(wanted, gpus=gpus)


class TestDecodeContext:
    @pytest.mark.parametrize("more", [{}, {"gpus": 8}, {"replicas": 1}])
    @pytest.mark.parametrize(("model", "size"), [(LATENT, 8), (EXPERTS, 2)])
    def test_a_written_size_is_kept(self, model, size, more):
        wanted = service(model, parallel={"decode_context": size}, **more)
        sizes = one(wanted, kind=H200)[1]
        assert (sizes["tensor"], sizes["decode_context"]) == (8, size)
        assert "decode_context" not in why(wanted, kind=H200)


class TestCopiesOfDenseModels:
    @pytest.mark.parametrize(("version", "sizes"), [("0.13.0", {"tensor": 8}), ("0.14.0", {"tensor": 2, "data": 4})])
    def test_a_number_of_gpus_makes_none_that_wait_for_one_another(self, version, sizes):
        accepted = {"vllm_accept_advisories": ["CVE-2026-22807"]} if version == "0.13.0" else {}
        assert one(service(gpus=8, version=version), **accepted)[1] == sizes


class TestWhatIsNotCounted:
    @pytest.mark.parametrize("written", [YARN, json.dumps(YARN), {"max_position_embeddings": 131072}])
    def test_overrides_of_positions_are_counted(self, written):
        _devices, sizes, engine = one(service(replicas=1, **args(max_model_len=131072, hf_overrides=written)))
        assert (sizes, engine["guessed"], engine["memory"]["max_model_len"]) == ({"tensor": 2}, False, 131072)

    @pytest.mark.parametrize(
        ("option", "guessed"),
        [
            ({"hf_overrides": {"num_hidden_layers": 8}}, True),
            ({"kv_cache_memory_bytes": "10G"}, True),
            ({"dtype": "float32"}, True),
            ({"cpu_offload_gb": 10}, False),
            ({"kv_cache_dtype": "nvfp4"}, False),
        ],
    )
    def test_the_sizes_are_those_of_what_is_known(self, option, guessed):
        wanted = service(LATENT, **args(max_model_len=8192, **option))
        _devices, sizes, engine = one(wanted, kind=H200)
        assert sizes.get("tensor", 1) * sizes.get("data", 1) == 8
        assert (engine["guessed"], engine["memory"]) == (guessed, None)

    def test_what_takes_less_than_known_may_fit_where_it_does_not_seem_to(self):
        devices, _sizes, engine = one(service(**args(cpu_offload_gb=60)), gpus=1, kind=L40S)
        assert (devices, engine["guessed"]) == ([0], True)

    @pytest.mark.parametrize("more", [{"gpus": 8}, {"parallel": {"tensor": 8}}])
    def test_the_fix_of_a_guess_works(self, more):
        wanted = {"model": DENSE, **args(kv_cache_memory_bytes="10G")}
        with pytest.raises(PlanError, match="write gpus, or parallel"):
            applicable.check(planned(service(**wanted)))
        applicable.check(planned(service(**wanted, **more)))

    def test_gpus_that_do_not_tell_their_memory(self):
        gpus = [{**gpu, "memory_bytes": None} for gpu in _gpus()]
        changes = {"gpu1": {"gpus": gpus}}
        assert one(service(), changes=changes)[2]["guessed"]
        _devices, sizes, engine = one(service(gpus=6), changes=changes)
        assert (sizes, engine["guessed"]) == ({"tensor": 2, "pipeline": 3}, False)


def _gpus():
    return fleet().probes["gpu1"]["gpus"]


class TestLengthThatFits:
    @pytest.mark.parametrize("written", ["auto", -1, "-1"])
    def test_the_longest_is_found_and_shown(self, written):
        _devices, _sizes, engine = one(service(**args(max_model_len=written)), gpus=2, kind=L40S)
        memory = engine["memory"]
        assert 16 <= memory["max_model_len"] <= 32768
        assert memory["requests"] >= 1

    def test_one_host_with_a_shorter_context_before_two(self):
        found = engines(planned(service(LATENT, **args(max_model_len="auto")), kind=H200, hosts=2))
        assert [hosts for _name, hosts, _devices, _sizes in found] == [["gpu1"], ["gpu2"]]

    def test_written_sizes_are_fitted_too(self):
        wanted = service("org/dense-8b", parallel={"tensor": 1}, **args(max_model_len="auto"))
        assert one(wanted, gpus=1, kind=KINDS[7])[2]["memory"]["max_model_len"] < 131072


class TestReasons:
    def test_stages_where_tensor_parallelism_does_not_divide(self):
        found = why(service(gpus=3))
        assert found["tensor"].startswith("one GPU holds a stage")
        assert "no tensor parallelism over 3 GPUs, 40 attention heads are not divisible by 3" in found["pipeline"]

    def test_copies_that_share_their_experts(self):
        found = why(service(EXPERTS), kind=H200)
        assert found["tensor"].startswith("one GPU holds all but the experts")
        assert "copies of the model" not in found["data"]


def uneven(wanted, fewer=4):
    return lambda: said(wanted, hosts=2, changes={"gpu2": {"gpus": _gpus()[:fewer]}})


BUSY = [{**gpu, "processes": [{"kind": "C", "pid": 7, "name": "train"}]} for gpu in _gpus()]
FAILING = {"gpu1": {"gpus": [], "driver": "failing", "driver_error": "NVML mismatch"}}
MIG = [{**gpu, "mig": True} for gpu in _gpus()]

CASES = [
    refuses("memory-fit", lambda: said(service(EXPERTS, replicas=8)), f"{S0}.hosts", ["one host of 1 GPUs"],
            "8 replicas leave each engine 1 GPUs: set replicas: 1"),
    refuses("memory-fit", lambda: said(service(LATENT, replicas=2), hosts=3), f"{S0}.hosts", ["one host of 8 GPUs"],
            "set replicas: 1"),
    refuses("memory-fit", lambda: said(service(LATENT, **args(max_model_len="auto"))), f"{S0}.hosts",
            ["cache for 1 x 20 tokens"], "2 hosts of 8", "smaller model"),
    refuses("memory-fit", uneven(service(LATENT)), f"{S0}.hosts", ["as many GPUs of each host"], "H200"),
    refuses("world-size", uneven(service(LATENT, parallel={"tensor": 8, "pipeline": 2})), f"{S0}.parallel",
            ["the smallest with 4 usable GPUs"], "tensor: 4, pipeline: 2"),
    refuses("too-few-gpus", lambda: said(service(), changes={"gpu1": {"gpus": BUSY}}), f"{S0}.parallel",
            ["GPU 0-7: is used by train (pid 7)"], "free GPUs of gpu1"),
    refuses("too-few-gpus", lambda: said(service(), changes={"gpu1": {"gpus": MIG}}), f"{S0}.parallel",
            ["MIG"], "free GPUs of gpu1"),
    refuses("too-few-gpus", lambda: said(service(gpus=8), service(name="b")), "vllm_services[1].parallel",
            ["GPU 0-7: taken by vllm_services[0]"], "free GPUs"),
    refuses("too-few-gpus", lambda: said(service(replicas=9)), f"{S0}.parallel", ["9 engines"], "lower replicas"),
    refuses("too-few-gpus", lambda: said(service(accelerator="cuda"), changes=FAILING), f"{S0}.parallel",
            ["NVML mismatch"], "mend its driver"),
    refuses("devices-written", lambda: said(service(devices=[])), f"{S0}.devices", ["1 ranks"], "leave devices out"),
    refuses("decode-context", lambda: said(service(parallel={"decode_context": 2})), f"{S0}.parallel.decode_context",
            ["no tensor parallel size of up to 8"], "leave it out"),
    warns("gpus-unused", uneven(service()), f"{S0}.hosts", ["gpu1 has more GPUs than gpu2, which is left with 4"],
          "a service for gpu1"),
]  # fmt: skip


@table(CASES)
def test_it_is_said(case):
    assert_said(case)


@pytest.mark.parametrize(
    "wanted", [service(EXPERTS, replicas=1), service(LATENT, replicas=1, hosts="gpu1,gpu2"), service(SMALL, gpus=8)]
)
def test_the_fixes_work(wanted):
    assert planned(wanted, hosts=2)["engines"]


def test_advice_counts_the_memory_of_the_gpus_that_are_named():
    mixed = [*_gpus()[:4], *({**gpu, "name": "NVIDIA A10", "memory_bytes": 22 << 30} for gpu in _gpus()[4:])]
    (item,) = refused(service(devices=[4, 5], **args(max_model_len=4096)), changes={"gpu1": {"gpus": mixed}})
    assert "GPUs of 22 GiB" in item.fix


def refused(*services, **cluster):
    with pytest.raises(PlanError) as caught:
        planned(*services, **cluster)
    return caught.value.refusals


@pytest.mark.parametrize(
    ("overrides", "longest"),
    [
        ({"max_position_embeddings": 65536}, 65536),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2, "original_max_position_embeddings": 32768}}, 65536),
    ],
)
def test_overridden_context(overrides, longest):
    assert context.only_positions(overrides)
    assert context.overridden(json.dumps(samples.QWEN_32B), overrides).longest == longest


def test_overrides_of_parts():
    inner = {"text_config": {"max_position_embeddings": 65536}}
    config = {"model_type": "llava", "text_config": samples.LLAMA}
    assert context.only_positions(inner)
    assert context.overridden(json.dumps(config), inner).limit == 65536
    assert not context.only_positions({"text_config": {"num_hidden_layers": 2}})
    assert not context.only_positions({"architectures": ["Other"]})
