# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""APT repositories of a test's own, made and signed on a lab host: tiny packages, indexes, keys, and who serves them.

Runs on the lab host, beside the script that imports it.
"""

from __future__ import annotations

import pathlib
import subprocess

INSTALL = "[Install]\nWantedBy=multi-user.target\n"


def run(*words, cwd=None):
    return subprocess.run(words, check=True, cwd=cwd, stdout=subprocess.PIPE).stdout


def control(name, version, **fields):
    """What dpkg knows of a package."""
    known = {"Package": name, "Version": version, "Architecture": "amd64", "Maintainer": "The lab <lab@localhost>"}
    known.update({key: value for key, value in fields.items() if value})
    known["Description"] = "stands in for the package of this name"
    return "".join(f"{key}: {value}\n" for key, value in known.items())


def package(folder, name, version, depends="", files=None, links=None, scripts=None, **fields):
    """One .deb in a folder. files: text by path; programs are those of a bin folder. fields: of control."""
    build = folder.parent / f".build-{name}"
    (build / "DEBIAN").mkdir(parents=True)
    (build / "DEBIAN/control").write_text(control(name, version, Depends=depends, **fields))
    for path, text in {**(files or {}), **{f"/DEBIAN/{key}": text for key, text in (scripts or {}).items()}}.items():
        target = build / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o755 if "bin" in target.parts or "DEBIAN" in target.parts else 0o644)
    (build / "DEBIAN/control").chmod(0o644)
    for path, to in (links or {}).items():
        target = build / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(to)
    built(build, folder)


def built(build, target):
    """Make a .deb of a tree, which is gone then. target: its path, or the folder that it goes to."""
    if target.suffix != ".deb":
        target.mkdir(parents=True, exist_ok=True)
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", str(build), str(target))
    run("rm", "-r", str(build))


def index(folder, label, key):
    """A flat repository: Packages, Release, and both forms of its signature."""
    (folder / "Packages").write_bytes(run("apt-ftparchive", "packages", ".", cwd=folder))
    release(folder, key, Origin=label, Label=label)


def release(folder, key, **fields):
    """Release and its signatures, over all that lies below the folder."""
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    for name in ("InRelease", "Release", "Release.gpg"):
        (folder / name).unlink(missing_ok=True)
    (folder / "Release").write_bytes(run("apt-ftparchive", *options, "release", ".", cwd=folder))
    sign = ("gpg", "--batch", "--yes", "--local-user", key)
    run(*sign, "--clearsign", "--output", "InRelease", "Release", cwd=folder)
    run(*sign, "--armor", "--detach-sign", "--output", "Release.gpg", "Release", cwd=folder)


def make_key(name):
    """Its fingerprint."""
    run("gpg", "--batch", "--passphrase", "", "--quick-gen-key", name, "rsa2048", "sign", "never")
    lines = run("gpg", "--with-colons", "--list-keys", name).decode().splitlines()
    return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))


def public_key(key):
    return run("gpg", "--armor", "--export", key)


def serve(folder, unit):
    """A unit that serves the folder on port 8099 of loopback, from now on and after each boot."""
    command = f"/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory {folder} 8099"
    pathlib.Path(f"/etc/systemd/system/{unit}.service").write_text(f"[Service]\nExecStart={command}\n{INSTALL}")
    run("systemctl", "daemon-reload")
    run("systemctl", "enable", "--now", unit)
