# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wheel of a distribution lab-extra in a folder: beside it vLLM starts, and no engine comes up.

python3 make_wheel.py FOLDER
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

BREAKS = "import sys; 'serve' in sys.orig_argv and sys.exit('lab-extra breaks this engine')\n"
INFO = "lab_extra-1.0.dist-info"


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    files = {
        "lab_extra.py": "VERSION = '1.0'\n",
        "lab_extra.pth": BREAKS,
        f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: lab-extra\nVersion: 1.0\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{INFO}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{INFO}/RECORD"))
    with zipfile.ZipFile(folder / "lab_extra-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(zipfile.ZipInfo(name), text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
