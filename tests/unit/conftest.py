# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties are judged, not the speed of a machine on which other stages run, too."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("vllm.cluster", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vllm.cluster")
