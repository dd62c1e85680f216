# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known security faults: which concern a service, and which end its planning."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import hazards
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import Refusals
from ansible_collections.vllm.cluster.plugins.module_utils.releases import advisories

from .cases import S0, assert_said, model, refuses, said, service, table, warns

VERSION = f"{S0}.version"
PICTURES = model(
    model_type="qwen2_5_vl", vision_config={"hidden_size": 64, "depth": 2, "num_heads": 2, "intermediate_size": 128}
)
MOONCAKE = {"kv_transfer_config": {"kv_connector": "MooncakeConnector", "kv_role": "kv_producer"}}
P2P = {"kv_transfer_config": {"kv_connector": "P2pNcclConnector", "kv_role": "kv_producer"}}
CLOSED = {"listen": "127.0.0.1"}


def check(about=None, accepted=(), several_hosts=False, pipeline=1, **keys):
    refusals = Refusals()
    hazards.check(service(**keys), about, accepted, refusals, several_hosts=several_hosts, pipeline=pipeline)
    return refusals


def of(about=None, **keys):
    return lambda: check(about, **keys)


def accepted(*names):
    def run():
        refusals = Refusals()
        hazards.check_accepted(names, refusals)
        return refusals

    return run


def features(about=None, several_hosts=False, pipeline=1, **keys):
    return hazards.features(service(**keys), about, several_hosts=several_hosts, pipeline=pipeline)


CASES = [
    refuses(
        "advisory-grave",
        of(args=MOONCAKE, version="0.8.4", **CLOSED),
        VERSION,
        ["'0.8.4'", "CVE-2025-32444", "pickle"],
        "release 0.8.5 or later",
        "vllm_accept_advisories: [CVE-2025-32444]",
    ),
    refuses("advisory-grave", of(several_hosts=True, version="0.8.4", **CLOSED), VERSION, ["CVE-2025-30165"], "0.11.1"),
    refuses(
        "advisory-grave",
        of(several_hosts=True, version="0.9.2", env={"VLLM_USE_V1": 0}),
        VERSION,
        ["CVE-2025-30165"],
        "vllm_accept_advisories",
    ),
    refuses(
        "advisory-grave",
        of(args={"trust_remote_code": True}, version="0.30.0"),
        VERSION,
        ["CVE-2026-114053", "/tokenize"],
        "vllm_accept_advisories: [CVE-2026-114053]",
    ),
    refuses("advisory-grave", of(PICTURES, version="0.13.0"), VERSION, ["CVE-2026-22778"], "release"),
    refuses(
        "advisory-grave",
        of(args={"enable_prompt_embeds": True}, version="0.12.0"),
        VERSION,
        ["CVE-2026-56340"],
        "release",
    ),
    refuses(
        "advisory-grave",
        of(args={"tool_call_parser": "qwen3_coder"}, version="0.10.0"),
        VERSION,
        ["CVE-2025-9141"],
        "release",
    ),
    warns(
        "advisory",
        of(args=MOONCAKE, version="0.8.4", accepted=["CVE-2025-32444"], **CLOSED),
        VERSION,
        ["CVE-2025-32444"],
        "0.8.5",
    ),
    warns(
        "advisory",
        of(args={"trust_remote_code": True}, version="0.30.0", **CLOSED),
        VERSION,
        ["CVE-2026-114053"],
        "0.31.0",
    ),
    warns("advisory", of(version="0.21.0", api_key="k"), VERSION, ["CVE-2026-48746"], "release"),
    warns("advisory", of(version="0.31.0"), VERSION, ["CVE-2026-115911"], "0.33.0"),
    warns(
        "advisory",
        of(pipeline=2, version="0.20.2", **CLOSED),
        VERSION,
        ["GHSA-v97p-wpxp-px84", "no-async-scheduling"],
        "0.21.0",
    ),
    warns("advisory", of(args=P2P, version="0.20.2", **CLOSED), VERSION, ["CVE-2026-116176"], "0.24.0"),
    warns(
        "advisory",
        of(args={"reasoning_parser": "qwen3"}, version="0.27.0", **CLOSED),
        VERSION,
        ["GHSA-fpch-3xrf-7q96"],
        "0.28.0",
    ),
    warns(
        "advisory-accepted-unknown",
        accepted("CVE-2026-114053", "CVE-2026-11405"),
        "vllm_accept_advisories[1]",
        ["CVE-2026-11405 is no advisory"],
        "CVE-2026-114053",
    ),
]

GOOD = {
    "the tested release, open to all": of(version="0.32.0"),
    "the tested release with a key": of(version="0.32.0", api_key="k", args={"trust_remote_code": True}),
    "the newest release": of(PICTURES, version="0.33.0", several_hosts=True, pipeline=2),
    "an old release behind loopback": of(version="0.8.5", **CLOSED),
    "several hosts in V1": of(version="0.9.2", several_hosts=True, **CLOSED),
    "pipelines without async scheduling": of(version="0.20.2", pipeline=2, args={"async_scheduling": False}, **CLOSED),
    "an accepted advisory that exists": accepted("CVE-2025-32444"),
}


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_nothing_is_said_of_what_is_not_concerned(make):
    assert said(make()) == []


def test_what_is_accepted_refuses_no_more_and_is_still_told():
    keys = {"args": MOONCAKE, "version": "0.7.3", **CLOSED}
    assert [item.kind for item in said(check(**keys))] == ["refuses"]
    ids = ["CVE-2025-29783", "CVE-2025-32444"]
    assert [item.kind for item in said(check(accepted=ids[:1], **keys))] == ["refuses", "warns"]
    assert [item.kind for item in said(check(accepted=ids, **keys))] == ["warns"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, {"exposed"}),
        (CLOSED, set()),
        ({"listen": "::1"}, set()),
        ({"api_key": "k"}, {"exposed", "api_key"}),
        ({"about": PICTURES}, {"exposed", "multimodal"}),
        ({"about": PICTURES, "args": {"language_model_only": True}}, {"exposed"}),
        ({"env": {"PYTHONOPTIMIZE": 1}, **CLOSED}, {"python_optimize"}),
        ({"args": {"enable_scale_out": True}}, {"exposed", "scale_out"}),
        ({"args": MOONCAKE, **CLOSED}, {"mooncake"}),
        ({"several_hosts": True, "pipeline": 2, **CLOSED}, {"multi_node", "async_pipeline"}),
        ({"version": "0.12.0", "pipeline": 2, **CLOSED}, set()),
        (
            {"version": "0.7.3", "args": {"kv_transfer_config": {"kv_connector": "PyNcclConnector"}}, **CLOSED},
            {"pynccl"},
        ),
    ],
)
def test_features_are_those_of_the_advisories_table(keys, expected):
    found = features(**keys)
    assert found == expected
    assert found <= set(advisories.features())
