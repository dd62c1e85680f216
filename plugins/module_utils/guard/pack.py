# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard as one file that Python runs: a zip archive of this package's sources."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

_PACKAGE = "vllm_guard"
_ENTRY = f"""import sys

from {_PACKAGE}.program import main

sys.exit(main(sys.argv[1:]))
"""
#: The oldest time that the format knows: the archive tells of the sources alone, not of when it was made.
_WHEN = (1980, 1, 1, 0, 0, 0)


def packed() -> bytes:
    """The archive. Equal sources give equal bytes: nothing is compressed, ordered by chance or stamped.

    Run as ``python3 -I FILE run --config FILE``; needs Python 3.9 and its standard library. Raises FileNotFoundError
    where this package is no directory.
    """
    folder = Path(__file__).parent
    sources = {f"{_PACKAGE}/{path.name}": path.read_bytes() for path in folder.glob("*.py") if path.name != "pack.py"}
    if f"{_PACKAGE}/program.py" not in sources:
        raise FileNotFoundError(f"{folder} does not hold the guard's sources")
    sources["__main__.py"] = _ENTRY.encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.create_system = 3  # the same on every controller
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, sources[name])
    return target.getvalue()
