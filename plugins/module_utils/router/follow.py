# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends when a prefill engine of Mooncake is another one than at the start. A program of its own, on the host.

vllm-router 0.1.17 asks Mooncake's bootstrap servers for the ids of their engines once, when it starts. After a prefill
engine's restart every request that it sends there hangs. vllm-router's unit is PartOf= this program's unit, which
systemd starts again whenever it ended: vllm-router restarts with it, and asks again.

Usage: follow.py BOOTSTRAP_URL...
"""

from __future__ import annotations

import http.client
import json
import sys
import time
import typing as t
from urllib.parse import urlsplit

_PAUSE_S = 2.0
_TIMEOUT_S = 2.0
_MOST_BYTES = 1024 * 1024

Ids = frozenset[str]


def ids(document: t.Any) -> Ids:
    """The engine ids in an answer of ``/query``: ``{"<rank>": {"engine_id": "…"}}``; none in anything else."""
    ranks = document.values() if isinstance(document, dict) else ()
    return frozenset(str(rank["engine_id"]) for rank in ranks if isinstance(rank, dict) and "engine_id" in rank)


def ask(url: str) -> Ids:
    """The ids that a bootstrap server knows; none while it is down."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/query")
        answer = connection.getresponse()
        return ids(json.loads(answer.read(_MOST_BYTES))) if answer.status == 200 else frozenset()
    except (OSError, http.client.HTTPException, ValueError):
        return frozenset()
    finally:
        connection.close()


def changed(known: t.Mapping[str, Ids], now: t.Mapping[str, Ids]) -> list[str]:
    """The servers that know other engines than at the start. One that is down says nothing."""
    return [url for url in known if now[url] and now[url] != known[url]]


def follow(urls: t.Sequence[str], pause_s: float = _PAUSE_S) -> list[str]:
    """Returns the servers that changed, when one did."""
    known = {url: ask(url) for url in urls}
    while True:
        time.sleep(pause_s)
        found = changed(known, {url: ask(url) for url in urls})
        if found:
            return found


if __name__ == "__main__":
    sys.stderr.write(f"another engine at {', '.join(follow(sys.argv[1:]))}: vllm-router starts again\n")
