# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints of OpenPGP keys (RFC 4880, RFC 9580), so that a key is known before anything is trusted to it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import typing as t

_BEGIN = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_PUBLIC_KEY = 6


class KeyFormatError(Exception):
    """What was given is no public key. The message says why."""


def fingerprints(data: bytes) -> list[str]:
    """Of the primary keys in a file, armoured or not, in capitals. Raises KeyFormatError."""
    found = [_fingerprint(body) for tag, body in _packets(_binary(data)) if tag == _PUBLIC_KEY]
    if not found:
        raise KeyFormatError("it holds no public key")
    return found


def _binary(data: bytes) -> bytes:
    """Without armour; several armoured blocks are joined."""
    if _BEGIN not in data:
        return data
    text = data.decode("ascii", errors="replace")
    blocks = re.findall(r"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(.*?)-----END PGP", text, re.DOTALL)
    if not blocks:
        raise KeyFormatError("its block has no end")
    joined = b""
    for block in blocks:
        body = re.split(r"\r?\n[ \t]*\r?\n", "\n" + block, maxsplit=1)[-1]  # behind the headers
        lines = [line.strip() for line in body.splitlines()]
        encoded = "".join(line for line in lines if line and not line.startswith("="))  # =…: the checksum
        try:
            joined += base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise KeyFormatError(f"its block cannot be decoded: {error}") from error
    return joined


def _packets(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        first = data[at]
        if not first & 0x80:
            raise KeyFormatError("it is no OpenPGP data")
        try:
            tag, start, length = _header(data, at, first)
        except IndexError:
            raise KeyFormatError("it ends in the middle of a packet") from None
        if start + length > len(data):
            raise KeyFormatError("it ends in the middle of a packet")
        yield tag, data[start : start + length]
        at = start + length


def _header(data: bytes, at: int, first: int) -> tuple[int, int, int]:
    """Tag, where the body starts, and its length."""
    if not first & 0x40:  # the old format
        kind = first & 0x03
        if kind == 3:
            raise KeyFormatError("a packet has no length")
        size = 1 << kind
        return (first >> 2) & 0x0F, at + 1 + size, _number(data, at + 1, size)
    one = data[at + 1]
    if one < 192:
        return first & 0x3F, at + 2, one
    if one < 224:
        return first & 0x3F, at + 3, ((one - 192) << 8) + data[at + 2] + 192
    if one == 255:
        return first & 0x3F, at + 6, _number(data, at + 2, 4)
    raise KeyFormatError("a packet has parts, which keys do not have")


def _number(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise IndexError(at)
    return int.from_bytes(data[at : at + size], "big")


def _fingerprint(body: bytes) -> str:
    version = body[0] if body else 0
    if version == 4:
        # RFC 4880, 12.2: SHA-1 is the fingerprint's definition, not a choice
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()  # noqa: S324  what OpenPGP calls a fingerprint
    if version in (5, 6):
        mark = b"\x9a" if version == 5 else b"\x9b"
        return hashlib.sha256(mark + len(body).to_bytes(4, "big") + body).hexdigest().upper()
    raise KeyFormatError(f"a key of version {version} has no fingerprint that is known here")
