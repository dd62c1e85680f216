# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What conda leaves when its environments are gone: packages in its cache, and installations that nobody names."""

from __future__ import annotations

import json
import re
import shutil
import typing as t
from pathlib import Path

from . import conda, conda_base
from .conda import CondaSettings

_ARCHIVES = (".conda", ".tar.bz2")
_GONE = ".gone-"


def installations(settings: CondaSettings) -> list[Path]:
    """Those of the collection in conda_dir that the settings do not name."""
    kept = None if settings.path else conda.base(settings)
    found = [path for path in sorted(Path(settings.directory).glob("base-*")) if path.is_dir()]
    return [path for path in found if re.fullmatch(r"base-[0-9a-f]{12}", path.name) and path != kept]


def own_environments(installation: Path) -> list[str]:
    """Environments that somebody made within an installation; the collection makes none there."""
    return sorted(path.parent.name for path in (installation / "envs").glob("*/conda-meta"))


def packages(settings: CondaSettings, folder: Path, gone: t.Collection[Path]) -> list[Path]:
    """What of the cache no environment of the folder was made from: unpacked packages and archives.

    gone: environments that count no more. Nothing where conda_dir is itself an installation: its cache serves
    environments that nobody here knows.
    """
    if (Path(settings.directory) / "conda-meta").exists():
        return []
    wanted = {file.stem for file in folder.glob("*/conda-meta/*-*-*.json") if file.parent.parent not in gone}
    found = sorted(conda.cache(settings).glob("*"))
    return [path for path in found if _package(path) is not None and _package(path) not in wanted]


def remove_installation(place: Path) -> None:
    """A removal that is cut off leaves one that is known not to be whole."""
    mark = conda_base.begun(place)
    mark.touch()
    shutil.rmtree(place)
    mark.unlink()


def remove_package(path: Path) -> None:
    """Whole or, when cut off, under a name that conda does not look for and the next run removes."""
    gone = path if path.name.startswith(_GONE) else path.rename(path.with_name(_GONE + path.name))
    if gone.is_dir() and not gone.is_symlink():
        shutil.rmtree(gone)
    else:
        gone.unlink()


def _package(path: Path) -> str | None:
    """``name-version-build`` of what lies in a cache; None: no package, such as the index."""
    if path.name.startswith(_GONE):
        return path.name
    for ending in _ARCHIVES:
        if path.name.endswith(ending):
            return path.name[: -len(ending)]
    try:
        said = json.loads((path / "info" / "index.json").read_text(encoding="utf-8"))
        return f"{said['name']}-{said['version']}-{said['build']}"
    except (OSError, ValueError, KeyError, TypeError):
        return None
