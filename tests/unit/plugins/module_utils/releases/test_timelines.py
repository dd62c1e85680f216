# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import tables
from ansible_collections.vllm.cluster.plugins.module_utils.releases.timelines import NEVER, Span, Timeline

COMES_AND_GOES = Timeline(
    [Span("0.8.0", "0.9.0", "switch"), Span("0.9.0", "0.10.0", "pair"), Span("0.33.0", None, "pair")]
)


@pytest.mark.parametrize(
    ("version", "value"),
    [
        ("0.7.3", None),
        ("0.8.0", "switch"),
        ("0.8.5.post1", "switch"),
        ("0.9.0", "pair"),
        ("0.9.2", "pair"),
        ("0.10.0", None),
        ("0.32.0", None),
        ("0.33.0", "pair"),
        ("0.33.0+cpu", "pair"),
        ("1.0.0", "pair"),
    ],
)
def test_at(version, value):
    assert COMES_AND_GOES.at(version) == value
    assert NEVER.at(version) is None


def test_a_release_older_than_the_tables_is_judged_by_their_oldest():
    line = Timeline([Span(tables.oldest(), None, True)])
    assert line.at("0.5.4") is True
    assert COMES_AND_GOES.at("0.5.4") is None


def test_stretches_join_what_only_changes_its_value():
    assert COMES_AND_GOES.stretches() == [("0.8.0", "0.9.2"), ("0.33.0", tables.newest())]


@pytest.mark.parametrize(
    ("version", "coverage"),
    [
        (tables.newest(), "measured"),
        ("0.32.0+cpu", "measured"),
        ("0.5.4", "older"),
        ("9.9.9", "newer"),
        ("0.32.7", "unmeasured"),
    ],
)
def test_coverage(version, coverage):
    assert tables.coverage(version) == coverage


def test_tables_are_read_when_asked_for_and_once():
    program = """
import sys
from ansible_collections.vllm.cluster.plugins.module_utils.releases import (
    advisories, connectors, flags, metrics, packages, runtimes, tables, variables)
assert tables.load.cache_info().currsize == 0, "importing reads tables"
for _ in range(3):
    for release in tables.sampled():
        flags.accepts("max_model_len", release)
        connectors.needs("NixlConnector", release)
assert tables.load.cache_info().misses == tables.load.cache_info().currsize, tables.load.cache_info()
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(filter(None, sys.path))})
