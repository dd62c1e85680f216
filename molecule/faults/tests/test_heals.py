# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults that cover the most of the guard's rules in the time that CI has; tests/faults has all of them."""

from __future__ import annotations

import pytest

from tests.faults.cases import named
from tests.faults.group import Group
from tests.faults.measure import measure

#: CI's machines have few cores, and other work on them.
MARGIN = 2.0


@pytest.fixture(scope="module")
def group(lab):
    return Group.of(lab, "group-0", "mp")


@pytest.fixture(scope="module")
def start_s(group):
    return group.last_start_s()


@pytest.mark.parametrize("name", ["cut-short", "guard-killed", "worker-off", "hang-worker"])
def test_the_group_is_whole_again(group, start_s, name):
    assert measure(group, named(name), start_s, MARGIN).faults == ()
