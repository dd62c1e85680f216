# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes ``ansible_collections.vllm.cluster`` importable from a plain checkout, under any folder name."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / "playbooks" / "collections"

if (COLLECTIONS / "ansible_collections" / "vllm" / "cluster").is_dir():
    sys.path.insert(0, str(COLLECTIONS))
