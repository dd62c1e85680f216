# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner's work grows with the fleet and no faster. Calls are counted, not seconds: they are the same every time.

tests/bench/plan.py measures seconds and bytes.
"""

from __future__ import annotations

import sys

import pytest

from tests.bench.fleet import fleet


def calls(hosts, services):
    """How many functions are called to plan a fleet; what is read once for all fleets is read before."""
    made = fleet(hosts, services)
    made.plan()
    count = 0

    def note(_frame, event, _argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        made.plan()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("services", [(10, 20, 40), (100, 200, 400), (5, 5, 5)])
def test_each_further_host_costs_the_same(services):
    small, middle, large = (calls(*size) for size in zip((50, 100, 200), services))
    # Work that grows with the square of the hosts shows from a fifteenth of the whole on.
    assert large - middle < 2.1 * (middle - small), (small, middle, large)
