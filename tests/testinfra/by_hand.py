# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests marked by_hand take long. CI has an hour for everything, and tells them as skipped; others run them.

A scenario's conftest.py takes both hooks over by their names.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

#: Whether this is a run of CI (.ci/run).
SHORT = os.environ.get("CI") == "true"


def pytest_configure(config):
    config.addinivalue_line("markers", "by_hand: takes long, and is left to runs by hand")


def pytest_collection_modifyitems(items):
    for item in items:
        if SHORT and item.get_closest_marker("by_hand"):
            scenario = Path(item.path).parents[1].name
            reason = f"not in CI's hour: `make molecule SCENARIO={scenario}` without CI=true"
            item.add_marker(pytest.mark.skip(reason=reason))
