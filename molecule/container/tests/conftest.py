# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's lab, as its tests use it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.testinfra.lab import Lab

#: CI has an hour for everything.
SHORT = os.environ.get("CI") == "true"


def pytest_collection_modifyitems(items):
    """What is marked by_hand is told as skipped in CI."""
    for item in items:
        if SHORT and item.get_closest_marker("by_hand"):
            item.add_marker(
                pytest.mark.skip(reason="not in CI's hour: `make molecule SCENARIO=container` without CI=true")
            )


def pytest_configure(config):
    config.addinivalue_line("markers", "by_hand: takes long, and is left to runs by hand")


@pytest.fixture(scope="session")
def lab():
    return Lab(Path(__file__).resolve().parents[1] / "inventory")
