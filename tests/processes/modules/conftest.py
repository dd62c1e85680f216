# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts on one network, each a network namespace."""

from __future__ import annotations

import pytest

from tests.processes import networks


@pytest.fixture
def two():
    yield from networks.network(2)


@pytest.fixture
def three():
    yield from networks.network(3)
