# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's own interface, by its socket: no program, no file of logins, and progress in bytes."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import time
import typing as t
from urllib.parse import quote, urlencode

from .errors import ImageError
from .reference import Reference

SOCKET = "/var/run/docker.sock"
_ANSWER_S = 60.0

Event = dict[str, t.Any]


class Refused(Exception):
    """What the engine answers instead of doing it. status: 0 where it came in the middle."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


class Login(t.NamedTuple):
    """Of one registry."""

    username: str
    password: str


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """A container engine. path: of its socket. timeout: seconds that one image may take."""

    def __init__(self, path: str = SOCKET, timeout: float = 3600.0) -> None:
        self._path, self._timeout = path, timeout

    def info(self) -> Event:
        return t.cast(Event, self._answer("GET", "/info"))

    def image(self, reference: str) -> Event | None:
        """None where it is not there."""
        try:
            return t.cast(Event, self._answer("GET", f"/images/{quote(reference, safe='/:@')}/json"))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def images(self) -> list[Event]:
        """Each image of the host, as image() describes one."""
        listed = t.cast("list[Event]", self._answer("GET", "/images/json"))
        found = (self.image(str(item["Id"])) for item in listed)
        return [item for item in found if item]

    def remove(self, reference: str) -> None:
        """Raises Refused, of status 409 where a container uses it."""
        self._answer("DELETE", f"/images/{quote(reference, safe='/:@')}")

    def pull(self, reference: Reference, login: Login | None) -> t.Iterator[Event]:
        """Its steps, each with ``status`` and, of a layer, ``id`` and ``progressDetail``. Raises Refused."""
        query = urlencode({"fromImage": reference.name, "tag": reference.digest or reference.tag or "latest"})
        headers = {}
        if login is not None:
            told = {"username": login.username, "password": login.password, "serveraddress": reference.login}
            headers["X-Registry-Auth"] = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
        return self._events(f"/images/create?{query}", None, headers)

    def load(self, archive: t.IO[bytes]) -> t.Iterator[Event]:
        """Bring in what ``docker save`` wrote."""
        return self._events("/images/load?quiet=1", archive, {"Content-Type": "application/x-tar"})

    def build(self, context: bytes, tag: str) -> t.Iterator[Event]:
        """context: a tar with a Dockerfile. The host's network is the build's."""
        query = urlencode({"t": tag, "networkmode": "host", "rm": "1", "forcerm": "1"})
        return self._events(f"/build?{query}", context, {"Content-Type": "application/x-tar"})

    def _answer(self, method: str, path: str) -> t.Any:
        connection = _Connection(self._path, _ANSWER_S)
        try:
            text = self._asked(connection, method, path, None, {}).read()
        finally:
            connection.close()
        return json.loads(text) if text else None

    def _events(self, path: str, body: t.Any, headers: t.Mapping[str, str]) -> t.Iterator[Event]:
        connection, end = _Connection(self._path, self._timeout), time.monotonic() + self._timeout
        try:
            for line in self._asked(connection, "POST", path, body, headers):
                if time.monotonic() > end:
                    raise Refused(0, f"it took more than {self._timeout:.0f} s")
                event = json.loads(line)
                if "error" in event:
                    raise Refused(0, str(event["error"]))
                yield event
        finally:
            connection.close()

    def _asked(
        self, connection: _Connection, method: str, path: str, body: t.Any, headers: t.Mapping[str, str]
    ) -> http.client.HTTPResponse:
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            rule = f"the container engine does not answer ({error.strerror})"
            fix = "run playbooks/prepare.yml, which starts it, or look at: systemctl status docker"
            raise ImageError(self._path, None, rule, fix) from error
        except socket.timeout as error:
            raise ImageError(self._path, None, "the container engine is silent", "look at its journal") from error
        if answer.status >= 400:
            text = answer.read().decode(errors="replace")
            with contextlib.suppress(ValueError, KeyError, TypeError):
                text = str(json.loads(text)["message"])
            raise Refused(answer.status, text.strip())
        return answer
