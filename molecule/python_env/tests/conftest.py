# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's lab, as its tests use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testinfra.by_hand import pytest_collection_modifyitems, pytest_configure
from tests.testinfra.lab import Lab

__all__ = ["lab", "pytest_collection_modifyitems", "pytest_configure"]


@pytest.fixture(scope="session")
def lab():
    return Lab(Path(__file__).resolve().parents[1] / "inventory")
