# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import flags, versions


@pytest.mark.parametrize(
    ("name", "version", "taken"),
    [
        ("max_model_len", "0.7.0", True),
        ("--max-model-len", "0.33.0", True),
        ("no-enable-prefix-caching", "0.32.0", True),
        ("kv-transfer-config.kv_connector", "0.32.0", True),
        ("swap-space", "0.17.1", True),
        ("swap-space", "0.18.0", False),
        ("swap-space", "0.33.0", False),
        ("nnodes", "0.11.0", False),
        ("nnodes", "0.11.1", True),
        ("nnodes", "9.9.9", True),
        ("swap-space", "9.9.9", False),
        ("enable-prometheus", "0.32.0", False),
        ("tp", "0.32.0", False),
    ],
)
def test_which_release_takes_what(name, version, taken):
    assert flags.accepts(flags.normalize(name), version) is taken


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("swap-space", "kv_offloading_size"),
        ("max_modl_len", "max_model_len"),
        ("calculate-kv-scales", "0.7.0 to 0.27.1"),
        ("utterly-different", "--help=all"),
    ],
)
def test_advice_leads_on(name, words):
    assert words in flags.advice(name, "0.32.0")


def test_releases_stand_in_order():
    ordered = ["0.5.4", "0.8.5", "0.8.5.post1", "0.9.0", "0.9.0.1", "0.10.0", "0.32.0"]
    assert sorted(set(ordered), key=versions.parse) == ordered
    assert versions.parse("0.32.0+cpu") == versions.parse("0.32.0")


@pytest.mark.parametrize("text", ["latest", "0.32", "v0.32.0", "", "0.32.0rc1"])
def test_what_is_no_release(text):
    with pytest.raises(ValueError, match="is not a vLLM release"):
        versions.parse(text)
