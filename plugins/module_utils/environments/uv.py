# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How uv (and pip, which brings uv) is called and what it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_CHANGE = re.compile(r"^ (?P<sign>[-+~]) (?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)", re.MULTILINE)
#: What a dry run says of a requirement with an address: the version stands in the wheel's name (PEP 427).
_WHEEL = re.compile(r"^ \+ (?P<name>[A-Za-z0-9._-]+) @ \S*/[^/\s-]+-(?P<version>[^/\s-]+)-[^/\s]+\.whl", re.MULTILINE)
HINTS = (
    (
        r"/cpython-\d|python-build-standalone|No download found|No interpreter found",
        "write a python_version that uv knows and python_mirror has, or let the host reach python_mirror",
    ),
    (
        r"current Python version .* does not satisfy|matching Python (implementation|ABI) tag",
        "give the environment another python: this one is not of a version that the requirements take",
    ),
    (r"download\.pytorch\.org", "reach PyTorch's index, or offer its torch by find_links or extra_index_urls"),
    (
        r"UnknownIssuer|invalid peer certificate|CERTIFICATE_VERIFY_FAILED",
        "set system_certs and install the certificate authority on the host (ca-certificates)",
    ),
    (r"\b40[13] |Unauthorized|Forbidden", "give index_url the right user and password"),
    (r"No space left on device|Disk quota", "free disk space under the environment's path and cache_dir"),
    (r"Failed to read `--find-links`", "make the find_links directory exist on the host"),
    (r"No solution found|No matching distribution", "correct the version, or add the index or find_links that has it"),
    (
        r"Failed to fetch|[Cc]onnect|dns error|timed out|Name or service not known|NewConnectionError",
        "let the host reach the index, or set index_url or find_links to what it can reach",
    ),
    (r"ensurepip is not available|No module named (venv|ensurepip)", "install python3-venv on the host"),
)


@dataclass(frozen=True)
class Settings:
    """Where packages come from and how they are put in place; None leaves uv's own default."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    cache_dir: str | None = None
    link_mode: str | None = None
    system_certs: bool = True
    compile_bytecode: bool = True
    torch_source: str = "auto"
    python_mirror: str | None = None  # where uv gets CPython; None: it never does
    python_dir: str | None = None


def uv_variables(settings: Settings) -> dict[str, str]:
    """uv's environment. Index addresses go this way and never into arguments: they may hold a password."""
    result = {
        # Without a mirror interpreters are the host's own: uv would ask GitHub.
        "UV_PYTHON_DOWNLOADS": "automatic" if settings.python_mirror else "never",
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
        "UV_COMPILE_BYTECODE": "1" if settings.compile_bytecode else "0",
        "UV_COMPILE_BYTECODE_TIMEOUT": "600",  # seconds for one file: a loaded host exceeds uv's 60
        "UV_SYSTEM_CERTS": "1" if settings.system_certs else "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
    optional = {
        "UV_DEFAULT_INDEX": settings.index_url,
        "UV_INDEX": " ".join(settings.extra_index_urls),
        "UV_FIND_LINKS": ",".join(settings.find_links),
        "UV_CACHE_DIR": settings.cache_dir,
        "UV_LINK_MODE": settings.link_mode,
        "UV_PYTHON_INSTALL_MIRROR": settings.python_mirror,
        "UV_PYTHON_INSTALL_DIR": settings.python_dir if settings.python_mirror else None,
    }
    return {**result, **{name: value for name, value in optional.items() if value}}


def pip_variables(settings: Settings, certificates: str | None) -> dict[str, str]:
    """pip's environment for the one package that pip installs, uv; ``certificates`` is the host's CA bundle."""
    result = {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    optional = {
        "PIP_INDEX_URL": settings.index_url,
        "PIP_EXTRA_INDEX_URL": " ".join(settings.extra_index_urls),
        "PIP_FIND_LINKS": " ".join(settings.find_links),
        "PIP_CERT": certificates if settings.system_certs else None,
    }
    return {**result, **{name: value for name, value in optional.items() if value}}


def changed_packages(packages: dict[str, str], output: str) -> dict[str, str]:
    """``packages`` (normalized name to version) after the changes that uv reports, dry run or not."""
    result = dict(packages)
    for match in _CHANGE.finditer(output):
        if match["sign"] == "-":
            if result.get(match["name"]) == match["version"]:
                del result[match["name"]]
        else:
            result[match["name"]] = match["version"]
    return {**result, **{match["name"]: unquote(match["version"]) for match in _WHEEL.finditer(output)}}
