# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind an engine's refusal of an image, for a person to read."""

from __future__ import annotations

import typing as t

from .engine import Refused
from .errors import ImageError
from .reference import Reference

_NETWORK = ("dial tcp", "no such host", "i/o timeout", "connection re", "EOF", "TLS handshake", "deadline exceeded")
_AUTH = ("unauthorized", "no basic auth", "denied", "authentication required", "incorrect username")
_ABSENT = ("manifest unknown", "not found", "name unknown", "does not exist")
_SPOILT = ("verification failed", "digest did not match", "unexpected commit digest", "failed to verify")


def of_pull(wanted: Reference, refused: Refused, has_login: bool) -> ImageError:
    """Docker tells causes by text alone; the order matters: a registry denies what does not exist, too."""
    said, told = refused.message, wanted.text
    if _any(said, _SPOILT):
        rule = f"what {wanted.login} sent is not what the digest says ({said}); nothing of it was kept"
        return ImageError(told, None, rule, "look into the registry, or name the digest of the image that you trust")
    if "no space left" in said:
        return ImageError(
            told, None, f"the disk is full: {said}; nothing of it was kept", "free space, see: docker system df"
        )
    if "server gave HTTP response to HTTPS client" in said:
        fix = f"give it TLS, or name {wanted.login} in vllm_container_engine_daemon: {{insecure-registries: []}}"
        return ImageError(told, None, f"registry {wanted.login} speaks plain http", fix)
    if "certificate" in said or "x509" in said:
        fix = f"put its authority into /etc/docker/certs.d/{wanted.login}/ca.crt on the host"
        return ImageError(told, None, f"the certificate of registry {wanted.login} is not trusted ({said})", fix)
    if _any(said, _AUTH):
        what = "does not take this login" if has_login else "wants a login"
        rule = f"registry {wanted.login} {what}, or has no such image for it ({said})"
        return ImageError(
            told, None, rule, f"write vllm_image_logins: {{{wanted.login}: {{username, password}}}}, from a vault"
        )
    if _any(said, _ABSENT):
        what = "digest" if wanted.digest else "tag"
        rule = f"registry {wanted.login} has no image of this {what}"
        return ImageError(told, None, rule, f"look which there are, and correct the {what}")
    if "toomanyrequests" in said:
        return ImageError(
            told, None, f"registry {wanted.login} limits pulls ({said})", "write vllm_image_logins, or a mirror"
        )
    if _any(said, _NETWORK):
        fix = "let the host reach it, or write vllm_image_mirror or vllm_image_archive"
        return ImageError(told, None, f"registry {wanted.login} gives no answer ({said})", fix)
    return ImageError(told, None, f"the engine refuses: {said}", "look at its journal")


def of_archive(archive: str, refused: Refused) -> ImageError:
    """An archive that the engine does not take."""
    if "no space left" in refused.message:
        return ImageError(
            archive, None, "the disk is full; nothing of it was kept", "free space, see: docker system df"
        )
    rule = f"the engine cannot load it ({refused.message})"
    return ImageError(archive, None, rule, "make it anew: docker save --output")


def of_build(tag: str, refused: Refused) -> ImageError:
    """A derived image that cannot be made."""
    rule = f"it cannot be built: {refused.message}"
    fix = "read the lines above; package sources: vllm_python_index_url, vllm_python_extra_index_urls"
    return ImageError(tag, None, rule, fix)


def _any(text: str, parts: t.Iterable[str]) -> bool:
    lowered = text.lower()
    return any(part.lower() in lowered for part in parts)
