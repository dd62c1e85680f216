# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.bandwidth import algorithm_gbytes, bus_gbytes


@pytest.mark.parametrize(
    ("ranks", "factor"),
    [(1, 0), (2, 1), (4, 1.5), (8, 1.75), (16, 1.875)],
)
def test_the_formula_of_nccl_tests(ranks, factor):
    """PERFORMANCE.md: busbw = algbw * 2 (n - 1) / n, and S bytes in t seconds are an algbw of S / t."""
    assert algorithm_gbytes(2_000_000_000, 0.5) == 4.0
    assert bus_gbytes(2_000_000_000, 0.5, ranks) == pytest.approx(4.0 * factor)
