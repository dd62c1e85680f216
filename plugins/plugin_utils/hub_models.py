# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Model sources from a hub: a few small files of each model, read on the controller within seconds or left."""

from __future__ import annotations

import dataclasses
import threading
import time
import typing as t
import urllib.error
import urllib.parse

from ansible.module_utils.urls import open_url
from ansible_collections.vllm.cluster.plugins.module_utils.planning import models

from . import model_files

TIMEOUT = 5.0  # seconds that one model may take, all its files together
_AT_ONCE = 32
_REDIRECTS = 5
_ADVICE = {
    401: "private, gated or misspelt: give the service secrets.HF_TOKEN, or correct the name",
    403: "gated: ask for access on the hub, and give the service secrets.HF_TOKEN",
    404: "no such model or revision: correct the name",
}


class Unreadable(Exception):
    """Why a file could not be read. status: HTTP's, where there was an answer."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A model (``owner/name``) at a revision. The token is sent to the endpoint, and appears nowhere else."""

    name: str
    revision: str | None
    token: str | None = dataclasses.field(repr=False)

    @property
    def key(self) -> str:
        return models.key(self.name, self.revision)


def fetch(
    endpoint: str, wanted: t.Iterable[Wanted], timeout: float = TIMEOUT
) -> tuple[dict[str, model_files.Source], dict[str, str]]:
    """Sources by the model's key, and for each model that stays unknown the reason. Never raises, and soon returns."""
    found: dict[str, model_files.Source] = {}
    failed: dict[str, str] = {}
    todo = list(wanted)
    for start in range(0, len(todo), _AT_ONCE):
        _batch(endpoint, todo[start : start + _AT_ONCE], timeout, found, failed)
    return found, failed


def _batch(
    endpoint: str,
    wanted: list[Wanted],
    timeout: float,
    found: dict[str, model_files.Source],
    failed: dict[str, str],
) -> None:
    deadline = time.monotonic() + timeout
    results: dict[str, model_files.Source | str] = {}

    def work(model: Wanted) -> None:
        try:
            results[model.key] = _model(endpoint, model, deadline)
        except (Unreadable, model_files.Unusable) as error:
            results[model.key] = str(error)
        except Exception as error:  # whatever it is, planning goes on; its text might hold the request's headers
            results[model.key] = type(error).__name__

    # A server that sends a byte a second outlives every time-out of a socket: such a thread is left behind.
    threads = [threading.Thread(target=work, args=(model,), daemon=True) for model in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = f"no answer in {timeout:g} seconds"
    for model in wanted:
        result = results.get(model.key, late)
        if isinstance(result, str):
            failed[model.key] = result
        else:
            found[model.key] = result


def _model(endpoint: str, model: Wanted, deadline: float) -> model_files.Source:
    revision = urllib.parse.quote(model.revision or "main", safe="")
    base = f"{endpoint.rstrip('/')}/{urllib.parse.quote(model.name)}/resolve/{revision}/"

    def get(name: str, most: int, head: bool = False) -> bytes | None:
        try:
            content = _get(base + name, model.token, most, deadline)
        except Unreadable as error:
            if error.status == 404:
                return None
            raise
        if len(content) > most and not head:
            raise Unreadable(f"{name} is longer than {most} bytes")
        return content

    config = get(model_files.CONFIG, model_files.MOST_BYTES)
    if config is None:
        raise Unreadable(f"HTTP 404, {_ADVICE[404]}")
    quantization = get(model_files.QUANTIZATION, model_files.MOST_BYTES)
    try:
        index = get(model_files.INDEX, model_files.INDEX_BYTES, head=True)
    except Unreadable:  # the size of the files is a check of what config.json says, no more
        index = None
    return model_files.source(config, quantization, index)


def _get(url: str, token: str | None, most: int, deadline: float) -> bytes:
    """At most one byte more than most. Redirects within the endpoint keep the token, others do not."""
    origin = _origin(url)
    for _hop in range(_REDIRECTS):
        headers = {"Accept-Encoding": "identity"}
        if token and _origin(url) == origin:
            headers["Authorization"] = f"Bearer {token}"
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unreadable("no time is left")
        try:
            with open_url(
                url, headers=headers, timeout=left, follow_redirects="none", use_netrc=False, http_agent="vllm.cluster"
            ) as answer:
                return answer.read(most + 1)
        except urllib.error.HTTPError as error:
            target = error.headers.get("Location") if 300 <= error.code < 400 else None
            if target is None:
                advice = _ADVICE.get(error.code)
                raise Unreadable(f"HTTP {error.code}" + (f", {advice}" if advice else ""), error.code) from None
            url = urllib.parse.urljoin(url, target)
            if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
                raise Unreadable("redirected to what is no HTTP address") from None
        except urllib.error.URLError as error:
            raise Unreadable(f"no connection ({error.reason})") from None
    raise Unreadable(f"more than {_REDIRECTS} redirects")


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc
