# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the images package says when an image cannot be brought."""

from __future__ import annotations

from ..background.errors import WorkError


class ImageError(WorkError):
    """An image that cannot be brought."""
