# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How conda is called, where its packages come from, and what it says."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .failures import credentials, without_credentials

#: What conda's packages are called among an environment's, so that they are not taken for Python's distributions.
PREFIX = "conda/"
#: Without the terms that the channels of Anaconda have for larger organisations.
CHANNEL = "conda-forge"
HINTS = (
    (r"No space left on device|Disk quota", "free disk space under the environment's path and conda_dir"),
    (r"\b40[13]\b|Unauthorized|Forbidden", "give conda_channels the right user and password, or token"),
    (r"\b404\b|UnavailableInvalidChannel|InvalidChannel", "name channels that exist in conda_channels"),
    (
        r"PackagesNotFound|not available from current channels|No candidates were found|nothing provides",
        "correct the version in python_version or conda_packages, or add the channel that has it to conda_channels",
    ),
    (
        r"[Uu]nsatisfiable|could not solve|Cannot solve|LibMambaUnsatisfiableError|conflicting requests",
        "ask for versions that go together in python_version and conda_packages",
    ),
    (
        r"[Cc]onnect|CondaHTTPError|timed out|Name or service not known|resolve host",
        "let the host reach the channel, or set conda_channels or conda_channel_alias to a mirror that it can reach",
    ),
    (r"No such file or directory", "name channels that exist in conda_channels"),
)


@dataclass(frozen=True)
class CondaSettings:
    """Which conda is used, and where its packages come from."""

    path: str | None = None  # a conda of the host
    directory: str = "/opt/vllm/conda"  # where conda is installed otherwise, and packages are kept
    installers: tuple[str, ...] = ()  # addresses or files of one installer, tried in turn
    checksum: str | None = None  # its sha256
    channels: tuple[str, ...] = ()  # names or addresses, the first one first; none: CHANNEL
    channel_alias: str | None = None  # where channels that are names lie; None: conda's own default


def program(settings: CondaSettings) -> Path:
    """The conda that is used."""
    return Path(settings.path) if settings.path else base(settings) / "bin" / "conda"


def base(settings: CondaSettings) -> Path:
    """Where the installer goes: each into a directory of its own, so that a newer one replaces nothing in use."""
    return Path(settings.directory) / f"base-{(settings.checksum or '')[:12]}"


def cache(settings: CondaSettings) -> Path:
    """Where our conda keeps packages."""
    return Path(settings.directory) / "pkgs"


def condarc(settings: CondaSettings) -> str:
    """Our settings of conda. JSON, which is YAML. For root alone: addresses of channels may hold a password."""
    named = _named(settings)
    content: dict[str, t.Any] = {
        "channels": list(named),
        "custom_multichannels": {name: [address] for name, address in named.items() if name != address},
        "channel_priority": "strict",
        "pkgs_dirs": [str(cache(settings))],
        # uv needs no pip, and would remove what nobody asked it for.
        "add_pip_as_python_dependency": False,
        "auto_activate_base": False,
        "notify_outdated_conda": False,
        "report_errors": False,
    }
    if settings.channel_alias:
        content["channel_alias"] = settings.channel_alias
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def channels(settings: CondaSettings) -> tuple[str, ...]:
    """The channels that are asked, the first one first."""
    return settings.channels or (CHANNEL,)


def _named(settings: CondaSettings) -> dict[str, str]:
    """What the channels are called in arguments: those with a password get a name, told in our condarc alone."""
    return {
        f"vllm-cluster-{index}" if credentials(channel) else channel: channel
        for index, channel in enumerate(channels(settings))
    }


def variables(condarc_path: Path) -> dict[str, str]:
    """conda's environment. Our condarc is read after the host's and the user's, and they are left as they are."""
    return {"CONDARC": str(condarc_path), "CONDA_CHANNEL_PRIORITY": "strict", "NO_COLOR": "1"}


def create_arguments(settings: CondaSettings, prefix: Path, specs: t.Iterable[str], dry_run: bool) -> list[str]:
    """``conda create``. Only ever for a directory that is not there: conda wipes one that is, without a word."""
    named = [word for name in _named(settings) for word in ("--channel", name)]
    # Without --override-channels the host's own condarc would add its channels.
    words = ["create", "--prefix", str(prefix), "--yes", "--json", "--no-default-packages", "--override-channels"]
    return [*words, *named, *(["--dry-run"] if dry_run else []), *specs]


def told(output: str) -> str:
    """What conda says with ``--json``: its message where there is one."""
    try:
        answer = json.loads(output)
    except ValueError:
        return output
    parts = [str(answer.get(key) or "") for key in ("exception_name", "message", "error")]
    return "\n".join(dict.fromkeys(part for part in parts if part)) or output


def linked(output: str) -> dict[str, str]:
    """The packages that a dry run would put in place, as :func:`installed` names them."""
    try:
        found = json.loads(output)["actions"]["LINK"]
        return {PREFIX + item["name"]: f"{item['version']}={item['build_string']}" for item in found}
    except (ValueError, KeyError, TypeError):
        return {}


def installed(environment: Path) -> dict[str, str]:
    """``conda/<name>`` to ``<version>=<build>`` of conda's packages. Runs nothing: a directory listing."""
    stems = [entry.stem.rsplit("-", 2) for entry in environment.glob("conda-meta/*-*-*.json")]
    return {f"{PREFIX}{name}": f"{version}={build}" for name, version, build in stems}


def mask(environment: Path) -> None:
    """Hide passwords and tokens in the addresses that conda notes in an environment, which everybody can read."""
    for file in environment.glob("conda-meta/*"):
        text = file.read_text(encoding="utf-8")
        if without_credentials(text) != text:
            file.write_text(without_credentials(text), encoding="utf-8")


def locked(packages: t.Mapping[str, str]) -> list[str]:
    """Specs of exactly these packages of conda, of those recorded."""
    return [f"{name[len(PREFIX) :]}={version}" for name, version in packages.items() if name.startswith(PREFIX)]


def python_version(packages: t.Mapping[str, str]) -> str | None:
    """The version of the interpreter among conda's packages."""
    found = re.match(r"[\d.]+", packages.get(f"{PREFIX}python", ""))
    return found.group() if found else None
