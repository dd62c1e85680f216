# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels of a distribution lab-extra in a folder: 1.0 does nothing, with 2.0 no engine comes up.

python3 make_wheels.py FOLDER
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

BREAKS = "import sys; 'serve' in sys.orig_argv and sys.exit('lab-extra 2.0 breaks this engine')\n"


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    for version, start in (("1.0", ""), ("2.0", BREAKS)):
        info = f"lab_extra-{version}.dist-info"
        files = {
            "lab_extra.py": f"VERSION = {version!r}\n",
            "lab_extra.pth": start,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: lab-extra\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
        with zipfile.ZipFile(folder / f"lab_extra-{version}-py3-none-any.whl", "w") as wheel:
            for name, text in files.items():
                wheel.writestr(zipfile.ZipInfo(name), text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
