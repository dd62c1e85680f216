# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of connectors."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer import knowledge
from ansible_collections.vllm.cluster.plugins.module_utils.releases import connectors, tables


@pytest.mark.parametrize(
    ("connector", "parts", "version", "remainder", "sure"),
    [
        ("NixlConnector", [], "0.32.0", 1, True),
        ("NixlConnector", [], "0.11.1", 16, True),
        ("NixlConnector", [], None, 16, True),
        ("ExampleConnector", [], "0.32.0", 16, True),
        ("LMCacheMPConnector", [], "0.32.0", 256, True),
        ("MultiConnector", ["NixlConnector", "ExampleConnector"], "0.32.0", 16, False),
        ("MultiConnector", ["NixlConnector"], "0.32.0", 1, True),
        ("MultiConnector", [], "0.32.0", 16, True),
        ("OneOfMyOwn", [], "0.32.0", 16, True),
    ],
)
def test_what_may_be_left(connector, parts, version, remainder, sure):
    found = knowledge.expect(connector, parts, version)
    assert (found.remainder(16), found.sure) == (remainder, sure)
    assert found.hints


def test_a_composite_reads_the_counters_of_its_parts():
    found = knowledge.expect("MultiConnector", ["NixlConnector", "MooncakeStoreConnector"], "0.32.0")
    assert {series.name for series in found.bytes} == {
        "vllm:nixl_bytes_transferred_sum",
        "vllm:mooncake_store_operation_bytes_total",
    }


def test_every_connector_of_any_release_that_carries_between_engines_is_known():
    """Those that nobody wrote knowledge for are expected to bring whole blocks, which may be too much for some."""
    every = {name for release in tables.sampled() for name in connectors.names(release)}
    purposes = {
        name: {needs.purpose for release in tables.sampled() if (needs := connectors.needs(name, release))}
        for name in every
    }
    between = {name for name in every if purposes[name] & {"prefill_decode", "store"}}
    assert between - set(knowledge.CONNECTORS) == {
        "MoRIIOConnector",
        "P2pNcclConnector",
        "PyNcclConnector",
    }


def test_a_release_that_is_none_is_told():
    with pytest.raises(ValueError, match="not a vLLM release number"):
        knowledge.expect("NixlConnector", [], "new")
