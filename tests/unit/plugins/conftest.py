# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several plugins share: the real uv, and an index of wheels made on the spot."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

UV = Path(__file__).resolve().parents[3] / ".venv" / "bin" / "uv"


@pytest.fixture(scope="session")
def uv():
    """The uv that the checkout's own tools came from."""
    assert UV.is_file(), f"{UV} is missing: make it with tests/run/setup.sh"
    return str(UV)


class WheelHouse:
    """A directory of wheels, and an index that knows no package: nothing comes from elsewhere."""

    def __init__(self, root):
        self.links = root / "links"
        self.index = root / "index"
        for directory in (self.links, self.index):
            directory.mkdir(parents=True)
        self.index_url = self.index.as_uri()

    def add(self, name, version, requires=(), script=None):
        """Build a wheel of one module; script is the text of a program named like it."""
        module = name.replace("-", "_")
        info = f"{module}-{version}.dist-info"
        files = {
            f"{module}/__init__.py": f"VERSION = {version!r}\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            + "".join(f"Requires-Dist: {requirement}\n" for requirement in requires),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        if script is not None:
            files[f"{module}-{version}.data/scripts/{name}"] = script
        files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
        with zipfile.ZipFile(self.links / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
            for path, text in files.items():
                entry = zipfile.ZipInfo(path)
                entry.external_attr = (0o100755 if "/scripts/" in path else 0o100644) << 16
                wheel.writestr(entry, text)


@pytest.fixture
def wheels(tmp_path):
    house = WheelHouse(tmp_path / "wheels")
    house.add("engine", "1.0", ["helper", "unwanted"])
    house.add("engine", "2.0", ["helper", "unwanted"])
    house.add("helper", "1.0")
    house.add("helper", "1.5")
    house.add("unwanted", "1.0")
    return house
