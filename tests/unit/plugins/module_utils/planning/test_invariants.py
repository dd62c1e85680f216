# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every intent."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show import document as as_document
from hypothesis import given, settings
from hypothesis import strategies as st

from .helpers import make, parse_raw, refusals_of

PORTS = st.none() | st.integers(7998, 8004)
SERVICES = st.lists(
    st.fixed_dictionaries(
        {
            "model": st.sampled_from(["org/m", "org/n", "/m", "lab://tiny"]),
            "hosts": st.sampled_from(["gpu1", "gpu2", "gpu", "cpu1", "all"]),
        },
        optional={
            "name": st.sampled_from(["a", "b", "c", "a-0"]),
            "replicas": st.integers(1, 4),
            "port": PORTS,
            "gpus": st.integers(0, 9),
            "devices": st.lists(st.integers(0, 8), min_size=1, max_size=3),
            "parallel": st.just("auto")
            | st.fixed_dictionaries({}, optional={"tensor": st.integers(1, 4), "pipeline": st.integers(1, 3)}),
            "runtime": st.sampled_from(["env", "container"]),
            "accelerator": st.sampled_from(["auto", "cuda", "cpu"]),
        },
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=300, deadline=None)
@given(SERVICES)
def test_a_plan_holds_its_promises_or_is_refused_with_paths(services):
    refused = refusals_of(*services)
    if refused:
        assert all(refusal.path.startswith("vllm_") and refusal.rule and refusal.fix for refusal in refused)
        return
    document = make(*services)
    engines = set()
    for host in document["hosts"].values():
        ports = [str(port) for unit in host["units"] for port in unit["ports"].values()]
        devices = [device for unit in host["units"] for device in unit["devices"]]
        assert len(ports) == len(set(ports))
        assert len(devices) == len(set(devices))
        assert all(device < 8 for device in devices)
        assert len({unit["name"] for unit in host["units"]}) == len(host["units"])
        engines |= {unit["name"] for unit in host["units"] if unit["kind"] == "engine"}
    assert len(engines) == len(document["engines"])
    assert as_document.as_json(make(*services)) == as_document.as_json(document)


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "name",
        "model",
        "hosts",
        "port",
        "args",
        "env",
        "secrets",
        "api_key",
        "parallel",
        "gpus",
        "devices",
        "replicas",
        "listen",
        "version",
    ]
)


@settings(max_examples=500, deadline=None)
@given(JSONISH | st.lists(JSONISH | st.dictionaries(KEYS, JSONISH, max_size=5), max_size=3))
def test_nonsense_is_refused_and_never_a_traceback(services):
    with pytest.raises(PlanError) as caught:
        parse_raw(services)
    assert all(refusal.path.startswith("vllm_services") for refusal in caught.value.refusals)
