# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout, and copies of it where a tool wants another layout."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv" / "bin"
CACHE = ROOT / ".cache"
LINK = Path("playbooks/collections")  # how a plain checkout finds itself; see docs/development.md


def files() -> list[Path]:
    """Tracked files and new ones that git does not ignore, relative to the checkout."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted({Path(name) for name in listing.split("\0") if name and os.path.lexists(ROOT / name)})


@contextlib.contextmanager
def collection_copy() -> t.Iterator[Path]:
    """A copy at a real path ``…/ansible_collections/vllm/cluster``, without the link, as the tarball is built."""
    with tempfile.TemporaryDirectory(prefix="vllm-cluster-") as scratch:
        copy = Path(scratch) / "ansible_collections" / "vllm" / "cluster"
        for name in files():
            if LINK not in name.parents:
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
        yield copy
