# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bandwidth of a collective, as nccl-tests prints it (doc/PERFORMANCE.md of nccl-tests)."""

from __future__ import annotations


def algorithm_gbytes(size: int, seconds: float) -> float:
    """``algbw``: size (bytes) by time, in 10^9 bytes a second."""
    return size / seconds / 1e9


def bus_gbytes(size: int, seconds: float, ranks: int) -> float:
    """``busbw`` of an all-reduce, in 10^9 bytes a second: what the slowest link carries, however many ranks there are.

    Each rank sends and receives 2 (n - 1) / n of the size. One rank sends nothing: 0.
    """
    return algorithm_gbytes(size, seconds) * 2 * (ranks - 1) / ranks
