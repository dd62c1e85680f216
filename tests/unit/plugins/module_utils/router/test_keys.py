# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let in, and what engines are told."""

from __future__ import annotations

import re

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.router import keys, reading
from hypothesis import given, settings
from hypothesis import strategies as st

from .doors import REPLICAS, changed

VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)


def patterns(text):
    """name -> the regular expression that nginx makes of its line."""
    lines = re.findall(r'^ {4}"~(.*)" "(.*)";$', text, re.MULTILINE)
    return {name: re.compile(pattern) for pattern, name in lines}


def door(*secrets):
    return reading.parse({**REPLICAS, "api_keys": [{"name": f"k{n}", "secret": s} for n, s in enumerate(secrets)]})


@settings(deadline=None)
@given(VISIBLE, VISIBLE)
def test_a_key_opens_for_itself_alone(key, other):
    pattern = patterns(keys.text(door("a"), {"a": key, "chat.secrets.ENGINE": "e"}))["k0"]
    assert pattern.fullmatch(f"Bearer {key}")
    assert bool(pattern.search(f"Bearer {other}")) == (key == other)
    assert not pattern.search(key)
    assert bool(pattern.search(f"Bearer {key.swapcase()}")) == (key == key.swapcase())


@settings(deadline=None)
@given(VISIBLE)
def test_no_key_can_end_its_line(key):
    """Only signs that mean nothing to nginx stand in the map; geo's value has two signs escaped."""
    text = keys.text(door("a"), {"a": key, "chat.secrets.ENGINE": key})
    shown = re.search(r'default "Bearer (.*)";\n}\n$', text).group(1)
    assert re.sub(r"\\(.)", r"\1", shown) == key
    assert re.fullmatch(r"(\\x[0-9a-f]{2}|[A-Za-z0-9])+", re.search(r"\\x20\+(.*)\$\"", text).group(1))


def test_without_keys_everybody_is_let_in_and_engines_get_nothing():
    text = keys.text(reading.parse({**REPLICAS, "api_keys": [], "engine_key": None}), {})
    assert patterns(text) == {}
    assert "default open;" in text
    assert 'default "";' in text.partition("geo")[2]


@pytest.mark.parametrize("value", ["", "a b", "a\nb", "é", "x" * 2000, None])
def test_a_key_that_fits_in_no_header_is_refused_and_not_shown(value):
    with pytest.raises(reading.RouterError) as caught:
        keys.text(door("a"), {"a": value, "chat.secrets.ENGINE": "e"})
    assert caught.value.path == "api_keys[0]"
    assert not value or value not in str(caught.value)


def test_the_same_key_twice_is_refused():
    with pytest.raises(reading.RouterError, match=re.escape("api_keys[1]")):
        keys.text(door("a", "b"), {"a": "same", "b": "same", "chat.secrets.ENGINE": "e"})


def test_references_are_told_once():
    assert keys.references(reading.parse(changed(REPLICAS, "engine_key", "chat.api_key"))) == ["chat.api_key"]
