# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes over the link of two guards: who may speak, and one JSON object a line. No sockets here.

The head speaks first and says nothing but a number. Both ends then prove with HMAC-SHA256 that they know the group's
secret, each over both ends' numbers and with a word of its own, so that nothing can be replayed or turned round. Every
later line carries a MAC with its direction and its position: it can be neither forged nor repeated nor left out.
"""

from __future__ import annotations

import hmac
import json
import os
from typing import Any

LINE_LIMIT = 4096
_VERSION = 1


class Refused(Exception):
    """The other end is no member of this group, or not a guard at all; the text says how that was seen."""


def _mac(key: bytes, *parts: str) -> str:
    return hmac.new(key, "\0".join(parts).encode(), "sha256").hexdigest()


class _End:
    """What both ends have in common."""

    _ours = _theirs = ""

    def __init__(self, secret: bytes, engine: str) -> None:
        self._secret, self._engine = secret, engine
        self._nonce = os.urandom(16).hex()
        self._rest = b""
        self._key = b""
        self._sent = self._received = 0
        self.ready = False

    def feed(self, data: bytes) -> tuple[list[dict[str, Any]], bytes]:
        """What arrived to messages, and what must be answered at once. Raises Refused; the link is then over."""
        self._rest += data
        messages: list[dict[str, Any]] = []
        answer = b""
        while b"\n" in self._rest:
            line, self._rest = self._rest.split(b"\n", 1)
            if len(line) > LINE_LIMIT:
                raise Refused("a line too long")
            if self.ready:
                messages.append(self._opened(line))
            else:
                answer += self._greeted(_object(line))
        if len(self._rest) > LINE_LIMIT:
            raise Refused("a line too long")
        return messages, answer

    def message(self, document: dict[str, Any]) -> bytes:
        """The bytes that carry a message. Only for an end that is ready."""
        text = json.dumps(document, separators=(",", ":"))
        mac = _mac(self._key, self._ours, str(self._sent), text)
        self._sent += 1
        return f"{mac} {text}\n".encode()

    def _opened(self, line: bytes) -> dict[str, Any]:
        mac, _space, text = line.decode("utf-8", "replace").partition(" ")
        if not _equal(mac, _mac(self._key, self._theirs, str(self._received), text)):
            raise Refused("a message without the right MAC")
        self._received += 1
        return _object(text.encode())

    def _greeted(self, document: dict[str, Any]) -> bytes:
        raise NotImplementedError

    def _agree(self, head_nonce: str, worker_nonce: str) -> None:
        self._key = _mac(self._secret, "key", self._engine, head_nonce, worker_nonce).encode()
        self.ready = True


class HeadEnd(_End):
    """The end that listens. member: who the other end proved to be."""

    _ours, _theirs = "from-head", "from-worker"

    def __init__(self, secret: bytes, engine: str, members: tuple[str, ...]) -> None:
        super().__init__(secret, engine)
        self._members = members
        self.member: str | None = None

    def greeting(self) -> bytes:
        """What the head says to whoever connects."""
        return json.dumps({"vllm_guard": _VERSION, "nonce": self._nonce}).encode() + b"\n"

    def _greeted(self, document: dict[str, Any]) -> bytes:
        member, nonce, engine = (_text(document, key) for key in ("member", "nonce", "engine"))
        expected = _mac(self._secret, "worker", engine, member, self._nonce, nonce)
        if not _equal(_text(document, "mac"), expected):
            raise Refused("it does not know the group's secret")
        if engine != self._engine:
            raise Refused(f"it guards the engine {engine}")
        if member not in self._members:
            raise Refused(f"{member} is no member of the group")
        self.member = member
        self._agree(self._nonce, nonce)
        mac = _mac(self._secret, "head", engine, member, self._nonce, nonce)
        return json.dumps({"mac": mac}).encode() + b"\n"


class WorkerEnd(_End):
    """The end that connects."""

    _ours, _theirs = "from-worker", "from-head"

    def __init__(self, secret: bytes, engine: str, member: str) -> None:
        super().__init__(secret, engine)
        self._member = member
        self._head_nonce = ""

    def _greeted(self, document: dict[str, Any]) -> bytes:
        if not self._head_nonce:
            if document.get("vllm_guard") != _VERSION:
                raise Refused("what listens there is no guard of this version")
            self._head_nonce = _text(document, "nonce")
            mac = _mac(self._secret, "worker", self._engine, self._member, self._head_nonce, self._nonce)
            said = {"engine": self._engine, "member": self._member, "nonce": self._nonce, "mac": mac}
            return json.dumps(said).encode() + b"\n"
        expected = _mac(self._secret, "head", self._engine, self._member, self._head_nonce, self._nonce)
        if not _equal(_text(document, "mac"), expected):
            raise Refused("it does not know the group's secret")
        self._agree(self._head_nonce, self._nonce)
        return b""


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _object(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refused("no line of a guard") from None
    if not isinstance(document, dict):
        raise Refused("no line of a guard")
    return document


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or len(value) > 256:
        raise Refused("no line of a guard")
    return value
