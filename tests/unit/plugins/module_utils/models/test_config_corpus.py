# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every real config.json of the corpus, against what the corpus says of it."""

from __future__ import annotations

import json
import re

import pytest

from .samples import CORPUS, facts

INDEX = CORPUS / "INDEX.json"
ENTRIES = [entry for entry in json.loads(INDEX.read_text()) if entry["kind"] == "hf-config"] if INDEX.is_file() else []


def test_the_corpus_is_here():
    if not ENTRIES:
        pytest.skip(f"no corpus of configurations at {CORPUS}")
    assert {entry["file"] for entry in ENTRIES} == {
        f"hf-config/{file.name}" for file in (CORPUS / "hf-config").iterdir()
    }


def parse(entry):
    return facts(json.loads((CORPUS / entry["file"]).read_text()))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_it_is_understood(entry):
    found = parse(entry)
    assert found.known, found.notes
    assert found.architectures
    assert found.weight_bytes <= found.checkpoint_bytes
    assert sum(found.parameters_by_part.values()) == found.parameters


@pytest.mark.parametrize(
    "entry", [each for each in ENTRIES if "total_size=" in each["expect"]], ids=lambda e: e["file"]
)
def test_the_bytes_of_its_files(entry):
    found = parse(entry)
    (size,) = re.findall(r"total_size=(\d+)", entry["expect"])
    if "byte size of the repository" in entry["expect"]:  # with headers
        assert found.checkpoint_bytes == pytest.approx(int(size), rel=0.001)
    else:
        assert found.checkpoint_bytes == int(size)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_what_is_special(entry):
    """``quantization_config fp8; MoE: n_routed_experts=256; kv heads 4 / heads 64`` and so on."""
    found = parse(entry)
    for special in entry["special"].split("; "):
        method = re.fullmatch(r"quantization_config (\w+)", special)
        experts = re.fullmatch(r"MoE: \w+=(\d+)", special)
        heads = re.fullmatch(r"kv heads (\d+) / heads (\d+)", special)
        if method:
            assert found.quantization.method == method[1]
        if experts:
            assert found.experts == int(experts[1])
        if heads:
            assert (found.kv_heads, found.attention_heads) == (int(heads[1]), int(heads[2]))
    assert found.is_moe == ("MoE" in entry["special"] or found.model_type in ("deepseek_v2", "xverse"))
    assert (found.quantization is not None) == ("quantization_config" in entry["special"])
