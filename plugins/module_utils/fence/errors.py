# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with a host's fence."""

from __future__ import annotations


class FenceError(Exception):
    """A fence that is not set up: because it must not be, or because the host refused it. The message says why."""
