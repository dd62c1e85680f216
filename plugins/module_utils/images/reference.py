# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of images, as an engine and a registry read them."""

from __future__ import annotations

import dataclasses
import re
import typing as t

#: Where a name without a registry leads.
HUB = "docker.io"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REGISTRY = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?")


class BadReference(ValueError):
    """The text is no name of an image; its message says why."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """An image's name in parts.

    registry: as written, "" for Docker Hub. repository: the path below it. digest: of the manifest, ``sha256:…``.
    identity: of an image that is on the host or in an archive, ``sha256:…``; then the rest is empty.
    """

    registry: str
    repository: str
    tag: str | None
    digest: str | None
    identity: str | None = None

    @property
    def name(self) -> str:
        """Without tag and digest."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    @property
    def text(self) -> str:
        """What ``docker run`` takes. The digest, where there is one, is what it goes by."""
        if self.identity:
            return self.identity
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag or 'latest'}"

    @property
    def login(self) -> str:
        """The registry by which a login is found."""
        return self.registry or HUB


def is_digest(text: str) -> bool:
    """Whether it is ``sha256:`` and 64 digits."""
    return bool(_DIGEST.fullmatch(text))


def parse(text: str) -> Reference:
    """``[registry/]path[:tag][@sha256:…]``, or ``sha256:…`` of an image that needs no registry. Raises BadReference."""
    if is_digest(text):
        return Reference("", "", None, None, text)
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise BadReference("its digest is not sha256: and 64 digits of 0-9a-f")
    first, slash, remainder = rest.partition("/")
    # As docker's: a first part without dot, colon and capitals is a folder of Docker Hub.
    is_registry = bool(slash) and (re.search(r"[.:\]]", first) is not None or first == "localhost")
    registry, path = (first, remainder) if is_registry else ("", rest)
    path, colon, tag = path.partition(":")
    if is_registry and not _REGISTRY.fullmatch(registry):
        raise BadReference(f"{registry!r} is no address of a registry")
    if not path or not all(_PART.fullmatch(part) for part in path.split("/")):
        raise BadReference("its path is not small letters, digits and . _ - between slashes")
    if colon and not _TAG.fullmatch(tag):
        raise BadReference("its tag is not letters, digits and . _ -, at most 128")
    registry = "" if registry in (HUB, f"index.{HUB}") else registry
    if not registry and path.startswith("library/"):
        path = path[len("library/") :]
    return Reference(registry, path, tag or None, digest or None)


def mirrored(found: Reference, mirror: str | None) -> Reference:
    """By way of a mirror of Docker Hub, ``host[:port][/folder]``. Images of other registries stay."""
    if not mirror or found.registry or found.identity:
        return found
    host, _slash, folder = mirror.rstrip("/").partition("/")
    path = found.repository if "/" in found.repository else f"library/{found.repository}"
    return dataclasses.replace(found, registry=host, repository=f"{folder}/{path}" if folder else path)


def pinned(found: Reference, digest: str | None) -> Reference:
    """By its digest, where one is known."""
    return dataclasses.replace(found, digest=digest) if digest and not found.identity else found


def holds(image: t.Mapping[str, t.Any], digest: str) -> bool:
    """Whether an engine knows its image (as it describes it) by the digest, under whatever name."""
    return any(str(name).rpartition("@")[2] == digest for name in image.get("RepoDigests") or ())
