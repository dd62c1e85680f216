# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's packages and repository, and the distribution's that cannot stand beside them.

Source: Docker's installation guides for Debian, Ubuntu, CentOS and RHEL.
"""

from __future__ import annotations

import typing as t

#: Of our files: /etc/apt/sources.list.d/<name>.sources, /etc/yum.repos.d/<name>.repo
NAME = "vllm-docker-ce"
ENGINE = ("docker-ce", "docker-ce-cli", "docker-ce-rootless-extras")
RUNTIME = "containerd.io"
PLUGINS = ("docker-buildx-plugin", "docker-compose-plugin")
#: What is installed, the engine's two first: they have its version.
WANTED = ("docker-ce", "docker-ce-cli", RUNTIME, *PLUGINS)
_CONFLICTS = {
    "debian": ("docker.io", "docker-doc", "docker-compose", "podman-docker", "containerd", "runc"),
    "redhat": (
        *("docker", "docker-client", "docker-client-latest", "docker-common", "docker-latest", "docker-engine"),
        *("docker-latest-logrotate", "docker-logrotate", "podman-docker", "runc"),
    ),
}
GLOBS = (*ENGINE, RUNTIME, *PLUGINS, *_CONFLICTS["debian"], *_CONFLICTS["redhat"])
_DEB_KEY = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"
_RPM_KEY = "060A61C51B558A7F742B77AAC52FEB6B621E9F35"
#: Docker's folder by os-release's ID.
_FOLDERS = {
    "debian": "debian",
    "ubuntu": "ubuntu",
    "rhel": "rhel",
    "fedora": "fedora",
    **dict.fromkeys(("centos", "rocky", "almalinux", "ol"), "centos"),
}


def conflicting(family: str, there: t.Iterable[str]) -> list[str]:
    """Packages of the distribution that are installed and cannot stay."""
    return [name for name in _CONFLICTS.get(family, ()) if name in there]


def repository(found: t.Mapping[str, t.Any], base: str, fingerprint: str) -> dict[str, t.Any] | None:
    """Docker's repository for the host; None for a system that has none. fingerprint: empty for Docker's own."""
    folder = _FOLDERS.get(found["os"]["id"] or "")
    url = f"{base.rstrip('/')}/{folder}"
    if folder in ("debian", "ubuntu") and found["os"]["codename"]:
        place = {"url": f"{url}/", "suites": [found["os"]["codename"]], "components": ["stable"]}
    elif folder and found["family"] == "redhat" and found["os"]["version"]:
        place = {"url": f"{url}/{found['os']['version'].partition('.')[0]}/{found['machine']}/stable"}
    else:
        return None
    known = _DEB_KEY if found["family"] == "debian" else _RPM_KEY
    return {"name": NAME, **place, "key_url": f"{url}/gpg", "fingerprints": [fingerprint or known]}


def spec(family: str, name: str, version: str) -> str:
    """A package in the package manager's words. version: upstream's, or the package's; empty: the newest."""
    if not version:
        return name
    joint = "=" if family == "debian" else "-"
    return f"{name}{joint}{package_version(family, version)}"


def package_version(family: str, version: str) -> str:
    """``27.3.1`` -> ``5:27.3.1-*``; what has an epoch or a revision already is taken as it is."""
    if ":" in version or "-" in version:
        return version
    return f"5:{version}-*" if family == "debian" else f"{version}-*"


def upstream(version: str) -> str:
    """``5:27.3.1-1~debian.12~bookworm`` -> ``27.3.1``."""
    return version.partition(":")[2].partition("-")[0] if ":" in version else version.partition("-")[0]
