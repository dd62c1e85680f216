# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import secrets
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError

SERVICES = [
    {"name": "chat", "api_key": "k-1", "secrets": {"HF_TOKEN": "hf-1"}},
    {"model": "Qwen/Qwen2.5-7B", "api_key": "k-2"},
]


@pytest.mark.parametrize(
    ("reference", "value"),
    [("chat.api_key", "k-1"), ("chat.secrets.HF_TOKEN", "hf-1"), ("qwen2-5-7b.api_key", "k-2")],
)
def test_a_reference_leads_to_its_value(reference, value):
    assert secrets.resolve(SERVICES, reference) == value


@pytest.mark.parametrize("reference", ["chat.secrets.OTHER", "gone.api_key", "chat", "chat.secrets"])
def test_a_reference_to_nothing_is_refused_without_telling_values(reference):
    with pytest.raises(PlanError) as caught:
        secrets.resolve(SERVICES, reference)
    assert "k-1" not in str(caught.value)
    assert "hf-1" not in str(caught.value)


def test_keys_are_those_of_engines_and_of_doors():
    apart = {"name": "b", "api_key": "k-3", "router": {"api_keys": {"apps": "c-1", "jobs": "c-2"}}}
    found = secrets.api_keys([*SERVICES, apart, {"name": "open", "router": {"enabled": True}}])
    assert found == {"chat": "k-1", "qwen2-5-7b": "k-2", "b": "k-3", "vllm-b-door.service": "c-1"}


def test_references_made_are_references_understood():
    assert secrets.resolve(SERVICES, secrets.api_key_reference("chat")) == "k-1"
    assert secrets.resolve(SERVICES, secrets.secret_reference("chat", "HF_TOKEN")) == "hf-1"
