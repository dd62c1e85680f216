# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A channel of conda made on a host, and a stand-in for the installer of conda.

The channel is a real one: packages that conda's tools unpack, relocate and index. Its Python is the host's own, with
Debian's places of packages put back to those of everywhere else. The installer takes the options of Miniforge's, and
installs a `conda` whose command line is ours (conda_stand_in.py); solver, index and installation are py-rattler's.

    python3 make_channel.py CHANNEL INSTALLER SITE_PACKAGES   # SITE_PACKAGES holds py-rattler
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import platform
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MINOR = f"python{sys.version_info.major}.{sys.version_info.minor}"
LEFT_OUT = (
    "EXTERNALLY-MANAGED",
    "__pycache__",
    "test",
    "dist-packages",
    "idlelib",
    "lib2to3",
    "_distutils_system_mod.py",
)
SITE = f"""\
import site, sys
site.addsitedir(f"{{sys.prefix}}/lib/{MINOR}/site-packages")
"""
INSTALLER = """\
#!/bin/sh
# A stand-in for Miniforge's installer, with its options: -b batch, -p PREFIX.
set -eu
prefix=
while [ $# -gt 0 ]; do
  case "$1" in
    -b) ;;
    -p) prefix=$2; shift ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift
done
if [ -e "$prefix" ]; then echo "ERROR: File or directory already exists: '$prefix'" >&2; exit 1; fi
mkdir -p "$prefix"
sed '1,/^__ARCHIVE__$/d' "$0" | tar -xz -C "$prefix"
exit 0
__ARCHIVE__
"""


class Package:
    """One package on its way into the channel."""

    def __init__(self, name: str, version: str, depends: list[str], noarch: str | None = None) -> None:
        self.index = {"name": name, "version": version, "build": "lab_0", "build_number": 0, "depends": depends}
        self.index.update({"subdir": "noarch", "noarch": noarch} if noarch else {"subdir": "linux-64"})
        self.files: dict[str, tuple[bytes, int]] = {}
        self.links: dict[str, str] = {}

    def add(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self.files[path] = (content, mode)

    def write(self, channel: Path) -> None:
        hashes = {path: hashlib.sha256(content).hexdigest() for path, (content, _mode) in self.files.items()}
        paths = [
            {"_path": path, "path_type": "hardlink", "sha256": hashes[path], "size_in_bytes": len(content)}
            for path, (content, _mode) in self.files.items()
        ]
        paths += [{"_path": path, "path_type": "softlink"} for path in self.links]
        info = {
            "info/index.json": json.dumps(self.index),
            "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}),
            "info/files": "".join(f"{item['_path']}\n" for item in paths),
            "info/about.json": "{}",
        }
        folder = channel / self.index["subdir"]
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "{name}-{version}-{build}.tar.bz2".format(**self.index)
        with tarfile.open(file, "w:bz2", compresslevel=1) as archive:
            for path, text in info.items():
                _put(archive, path, text.encode(), 0o644)
            for path, (content, mode) in self.files.items():
                _put(archive, path, content, mode)
            for path, target in self.links.items():
                item = tarfile.TarInfo(path)
                item.type, item.linkname = tarfile.SYMTYPE, target
                archive.addfile(item)


def _put(archive: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    item = tarfile.TarInfo(path)
    item.size, item.mode = len(content), mode
    archive.addfile(item, io.BytesIO(content))


def python() -> Package:
    """The host's Python. It finds its library beside itself, wherever it is put."""
    made = Package("python", platform.python_version(), [])
    made.add(f"bin/{MINOR}", Path(f"/usr/bin/{MINOR}").read_bytes(), 0o755)
    made.links = {"bin/python": MINOR, "bin/python3": MINOR}
    library = Path("/usr/lib") / MINOR
    for file in sorted(library.rglob("*")):
        inside = file.relative_to(library)
        if file.is_file() and not set(inside.parts) & set(LEFT_OUT):
            content = file.read_bytes()
            if inside.parts == ("sysconfig.py",):
                content = content.replace(b"prefix_scheme = 'posix_local'", b"prefix_scheme = 'posix_prefix'")
            made.add(f"lib/{MINOR}/{inside}", content)
    # Debian's site.py, which is frozen into the interpreter, looks for dist-packages alone.
    made.add(f"lib/{MINOR}/sitecustomize.py", SITE.encode())
    made.add(f"lib/{MINOR}/site-packages/README.txt", b"Packages go here.\n")
    return made


def tool(version: str) -> Package:
    """A package without Python, of which a person wants one version exactly."""
    made = Package("lab-tool", version, [], noarch="generic")
    made.add("share/lab-tool", f"{version}\n".encode())
    return made


def library(version: str) -> Package:
    """A distribution of Python that conda brings."""
    made = Package("lab-library", version, ["python"])
    folder = f"lib/{MINOR}/site-packages"
    made.add(f"{folder}/lab_library.py", f"VERSION = {version!r}\n".encode())
    metadata = f"Metadata-Version: 2.1\nName: lab-library\nVersion: {version}\n"
    for name, text in (("METADATA", metadata), ("INSTALLER", "conda\n"), ("RECORD", "")):
        made.add(f"{folder}/lab_library-{version}.dist-info/{name}", text.encode())
    return made


def installer(file: Path, packages: Path) -> None:
    """Equal input gives equal bytes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        _put(archive, "bin/conda", b"#!/usr/bin/python3\n" + (HERE / "conda_stand_in.py").read_bytes(), 0o755)
        _put(archive, "conda-meta/history", b"", 0o644)
        for path in sorted(packages.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                _put(archive, f"lib/rattler/{path.relative_to(packages)}", path.read_bytes(), 0o755)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(INSTALLER.encode() + buffer.getvalue())


async def main(channel: Path, installer_file: Path, packages: Path) -> None:
    sys.path.insert(0, str(packages))
    from rattler.index import index_fs

    for package in (python(), tool("1.0"), tool("2.0"), library("1.0")):
        package.write(channel)
    await index_fs(channel, write_shards=False)  # a plain file server answers their readers wrongly
    installer(installer_file, packages)


if __name__ == "__main__":
    asyncio.run(main(*map(Path, sys.argv[1:])))
