# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server that answers as vLLM does."""

from __future__ import annotations

from tests.unit.plugins.fake_ray import fake_ray
from tests.unit.plugins.fake_vllm import fake_vllm

__all__ = ["fake_ray", "fake_vllm"]
