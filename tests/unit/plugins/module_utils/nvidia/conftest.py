# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of files and programs, as the probe's tests have it."""

from __future__ import annotations

from tests.unit.plugins.module_utils.probes.conftest import host, tree

__all__ = ["host", "tree"]
