# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, on a lab host, a repository of Docker's layout, signed with a key of ours.

docker-ce and containerd.io of the older versions are Debian's docker.io, containerd and runc under Docker's names, so a
real daemon runs. All else is empty: newer versions that must not come in, the command line's package, the plugins.
"""

from __future__ import annotations

import pathlib
import re

from apt_repository import built, make_key, package, public_key, release, run, serve

HOME = pathlib.Path("/srv/docker-ce")
ROOT = HOME / "www/linux/debian"
DIST = ROOT / "dists/bookworm"
POOL = DIST / "pool/stable/amd64"
OLD, NEW = "5:28.5.1-1~debian.12~bookworm", "5:29.0.0-1~debian.12~bookworm"
DROPPED = "Package|Version|Source|Replaces|Breaks|Conflicts|Provides|Recommends|Suggests|Enhances|Built-Using"
RUNTIMES = ("1.7.28-1~debian.12~bookworm", "2.1.5-1~debian.12~bookworm")


def unpacked(name):
    """The tree of one of Debian's packages."""
    (deb,) = HOME.glob(f"{name}_*.deb")
    run("dpkg-deb", "--raw-extract", str(deb), str(HOME / name))
    return HOME / name


def renamed(tree, name, version, depends, conflicts):
    """A tree as a package of Docker's."""
    file = tree / "DEBIAN/control"
    text = re.sub(rf"^({DROPPED}):.*\n", "", file.read_text(), flags=re.MULTILINE)
    needs = re.search(r"^Depends:(.*)$", text, re.MULTILINE)[1].split(",")
    kept = [item.strip() for item in needs if item.split()[0] not in ("containerd", "runc")]
    text = re.sub(r"^Depends:.*$", f"Depends: {', '.join([*kept, *depends])}", text, flags=re.MULTILINE)
    told = "".join(f"{field}: {', '.join(conflicts)}\n" for field in ("Conflicts", "Replaces"))
    file.write_text(f"Package: {name}\nVersion: {version}\n{told}{text}")
    built(tree, POOL / f"{name}_{version.replace(':', '-')}_amd64.deb")


def main():
    run("apt-get", "download", "docker.io", "containerd", "runc", cwd=HOME)
    POOL.mkdir(parents=True)
    runtime, runc = unpacked("containerd"), unpacked("runc")
    run("cp", "-a", f"{runc}/usr", str(runtime))
    renamed(runtime, "containerd.io", RUNTIMES[0], [], ["containerd", "runc"])
    renamed(unpacked("docker.io"), "docker-ce", OLD, ["containerd.io", "docker-ce-cli"], ["docker.io"])
    package(POOL, "containerd.io", RUNTIMES[1])
    package(POOL, "docker-ce", NEW, "containerd.io, docker-ce-cli")
    for version in (OLD, NEW):
        package(POOL, "docker-ce-cli", version)
    package(POOL, "docker-buildx-plugin", "0.29.1-1~debian.12~bookworm")
    package(POOL, "docker-compose-plugin", "2.40.0-1~debian.12~bookworm")
    binary = DIST / "stable/binary-amd64"
    binary.mkdir(parents=True)
    (binary / "Packages").write_bytes(run("apt-ftparchive", "packages", str(POOL.relative_to(ROOT)), cwd=ROOT))
    ours, strangers = make_key("Imitation"), make_key("Stranger")
    sign(ours)
    (ROOT / "gpg").write_bytes(public_key(ours))
    serve(HOME / "www", "docker-ce-imitation")
    (HOME / "stranger").write_text(strangers)
    (HOME / "fingerprint").write_text(ours)


def sign(key):
    release(
        DIST,
        key,
        Origin="Docker",
        Label="Docker CE",
        Codename="bookworm",
        Suite="bookworm",
        Components="stable",
        Architectures="amd64",
    )


if __name__ == "__main__":
    main()
