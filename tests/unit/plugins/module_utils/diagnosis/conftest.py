# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded logs of real vLLM 0.32.0, cut to the lines that tell something, and a real host's journal."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis import journal

FIXTURES = Path(__file__).parent / "fixtures"


def table(name):
    """The rows of a tab-separated fixture."""
    rows = (FIXTURES / name).read_text(encoding="utf-8").splitlines()
    return [tuple(row.split("\t")) for row in rows if not row.startswith("#")]


@pytest.fixture(scope="session")
def runs():
    """Name of the run -> its raw lines."""
    found: dict[str, list[str]] = {}
    for row in (FIXTURES / "vllm_0_32_0.txt").read_text(encoding="utf-8").splitlines():
        if row.startswith("=== "):
            found[row[4:]] = rows = []
        else:
            rows.append(row)
    return found


@pytest.fixture(scope="session")
def units():
    """The start attempts of one unit on a Debian 12 host, oldest first; see fixtures/units.jsonl."""
    return journal.attempts(journal.from_json((FIXTURES / "units.jsonl").read_text(encoding="utf-8")))
