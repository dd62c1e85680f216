# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a machine gets its packages from: text of pip's, apt's and OpenSSL's settings -> plain data.

A lab host stands behind the same mirror, proxy and certificate authority as the machine that carries it. Nothing here
reads a file or runs a command; the module `vllm.cluster.package_sources_info` does.
"""

from __future__ import annotations

import ast
import re
import typing as t

# Settings of apt that say how to reach a repository, and not what to keep or to show.
APT_SETTINGS = re.compile(
    r"^Acquire::(?:Check-Valid-Until|Check-Date|Retries|ForceIPv[46]"
    r"|https?::(?:Proxy(?:::[^:]+)?|Timeout|Verify-Peer|Verify-Host))$",
    re.IGNORECASE,
)
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_INDEX_NAME = re.compile(r"^[\w.-]+=(?=\w+://|/)")  # uv's name=address
_USERINFO = re.compile(r"://[^/@\s]+@")


class PythonSources(t.TypedDict):
    """Where Python packages come from, in pip's words; lists are empty and scalars None where not set."""

    index_url: str | None
    extra_index_urls: list[str]
    find_links: list[str]
    trusted_hosts: list[str]
    no_index: bool
    timeout_s: int | None


def python_sources(listing: str, environ: t.Mapping[str, str]) -> PythonSources:
    """Effective sources of Python packages: pip's, and uv's variables for what pip does not set.

    :param listing: output of ``pip config list``: ``section.option='value'`` a line, weakest file first.
    :param environ: environment variables; ``PIP_*`` win over the files, as in pip.
    """
    options: dict[str, str] = {}
    for line in listing.splitlines():
        name, equals, value = line.partition("=")
        section, _dot, option = name.strip().rpartition(".")
        if equals and section in ("global", "install"):
            options[option] = str(ast.literal_eval(value.strip()))
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            options[name[len("PIP_") :].lower().replace("_", "-")] = value
    indexes = environ.get("UV_INDEX") or environ.get("UV_EXTRA_INDEX_URL") or ""
    uv = {
        "index-url": environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL"),
        "extra-index-url": " ".join(_INDEX_NAME.sub("", index) for index in indexes.split()),
        "find-links": environ.get("UV_FIND_LINKS", "").replace(",", " "),
        "trusted-host": environ.get("UV_INSECURE_HOST"),
    }
    options = {**{option: value for option, value in uv.items() if value}, **options}
    timeout = options.get("timeout") or options.get("default-timeout") or ""
    return {
        "index_url": options.get("index-url") or None,
        "extra_index_urls": options.get("extra-index-url", "").split(),
        "find_links": options.get("find-links", "").split(),
        "trusted_hosts": options.get("trusted-host", "").split(),
        "no_index": options.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        "timeout_s": int(timeout) if timeout.isdigit() else None,
    }


def local_folders(python: PythonSources) -> list[str]:
    """Folders of this machine that the sources name: what a host must see at the same path. None is inside another.

    A local index keeps its files beside ``simple`` (its pages link to ``../../files``), so its parent is named.
    """
    folders = set()
    for source in python["find_links"] + python["extra_index_urls"] + [python["index_url"] or ""]:
        path = source[len("file://") :] if source.startswith("file://") else source
        if not path.startswith("/"):
            continue
        path = path.rstrip("/")
        if path.endswith((".html", ".htm", "/simple")):
            path = path.rpartition("/")[0]
        if path:  # never the root: a host has its own
            folders.add(path)
    return sorted(folder for folder in folders if not any(folder.startswith(other + "/") for other in folders))


def apt_settings(dump: str) -> dict[str, str]:
    """Settings from ``apt-config dump`` (``Name "value";`` a line) that matter for reaching a repository."""
    found = {}
    for line in dump.splitlines():
        name, _blank, value = line.strip().rstrip(";").partition(" ")
        value = value.strip('"')
        if value and APT_SETTINGS.match(name):
            found[name] = value
    return found


def apt_repositories(targets: str) -> dict[str, str]:
    """Release name -> repository address, from lines ``release address``; the first of a release wins."""
    found: dict[str, str] = {}
    for line in targets.splitlines():
        release, _blank, address = line.strip().partition(" ")
        if address.startswith(("http://", "https://")):
            found.setdefault(release, address.rstrip("/"))
    return found


def certificates(bundle: str) -> list[str]:
    """The PEM certificates of a bundle, in order, without the text around them."""
    return _CERTIFICATE.findall(bundle)


def added_certificates(bundle: str, stock: t.Iterable[str]) -> list[str]:
    """Certificates that the machine trusts beyond those its distribution ships.

    :param bundle: text of the bundle in use.
    :param stock: texts of the distribution's certificate files.
    """
    known = {certificate for text in stock for certificate in certificates(text)}
    return [certificate for certificate in dict.fromkeys(certificates(bundle)) if certificate not in known]


def proxies(environ: t.Mapping[str, str]) -> dict[str, str]:
    """Proxy variables, in lower case; the lower-case spelling wins where both are set (curl takes no other)."""
    found = {}
    for name in PROXY_VARIABLES:
        value = environ.get(name) or environ.get(name.upper())
        if value:
            found[name] = value
    return found


def holds_credentials(texts: t.Iterable[str]) -> bool:
    """Whether an address among the texts carries a user name or a password."""
    return any(_USERINFO.search(text) for text in texts)
