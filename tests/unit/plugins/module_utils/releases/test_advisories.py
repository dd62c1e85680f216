# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import advisories, tables


def concerning(version, *features):
    return {item.id for item in advisories.concerning(version, features)}


def test_the_seeds_of_remote_code_execution():
    assert {"CVE-2025-32444"} <= concerning("0.8.4", "mooncake")
    assert "CVE-2025-32444" not in concerning("0.8.5", "mooncake")
    assert "CVE-2025-32444" not in concerning("0.8.4", "multi_node")
    assert {"CVE-2025-47277"} == concerning("0.8.4", "pynccl")
    assert {"CVE-2025-30202", "CVE-2025-30165"} == concerning("0.8.4", "multi_node")
    assert {"CVE-2025-30165"} == concerning("0.8.5.post1", "multi_node")
    assert not concerning("0.11.1", "multi_node")


@pytest.mark.parametrize(
    ("identifier", "feature", "first", "last", "fixed"),
    [
        ("GHSA-v97p-wpxp-px84", "async_pipeline", "0.16.0", "0.20.2", "0.21.0"),
        ("CVE-2026-116176", "p2pnccl", "0.9.2", "0.23.0", "0.24.0"),
        ("CVE-2026-114053", "trust_remote_code", "0.7.3", "0.30.0", "0.31.0"),
        ("CVE-2026-48746", "api_key", "0.7.0", "0.21.0", "0.22.0"),
        ("CVE-2026-27893", "untrusted_model", "0.10.1", "0.17.1", "0.18.0"),
    ],
)
def test_bounds(identifier, feature, first, last, fixed):
    assert identifier in concerning(first, feature)
    assert identifier in concerning(last, feature)
    assert identifier not in concerning(fixed, feature)
    before = tables.before(first)
    assert before == first or identifier not in concerning(before, feature)


def test_first_release_that_is_free():
    assert advisories.first_free_of("0.8.4", ["mooncake"]) == "0.8.5"
    assert advisories.first_free_of("0.13.0", ["mooncake"]) == "0.30.0"
    assert advisories.first_free_of("0.16.0", ["async_pipeline"]) == "0.21.0"
    assert advisories.first_free_of("0.33.0", ["exposed"]) == "0.33.0"
    assert advisories.first_free_of("9.9.9", []) is None


def test_older_than_the_tables_is_no_excuse():
    assert concerning("0.5.4", "multi_node") == concerning("0.7.0", "multi_node")


def test_grave_ones_are_told_apart():
    grave = [item for item in advisories.everything() if item.effect in advisories.GRAVE]
    assert {"CVE-2025-32444", "CVE-2026-48746"} <= {item.id for item in grave}
    assert "CVE-2025-30202" not in {item.id for item in grave}


def test_unknown_feature():
    with pytest.raises(KeyError):
        advisories.concerning("0.33.0", ["telepathy"])
