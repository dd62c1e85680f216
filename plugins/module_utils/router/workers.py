# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engines vllm-router sends requests to, and what an engine has to do: over HTTP, from the front door's host.

As release 0.1.17 answers. An engine that is removed gets no new request and ends those that it has. In mode pd none can
be added: vllm-router has to start again, with all of its command line.
"""

from __future__ import annotations

from urllib.parse import quote

from ..clients import prometheus, vllm_metrics
from ..clients.transport import NoAnswer, exchange
from ..releases.metrics import QUANTITIES

#: vllm-router asks an engine for its health before it takes it, and goes on asking for ten minutes.
_ADD_TIMEOUT_S = 10


class Workers:
    """The list of one vllm-router. port: on loopback. timeout: seconds for a request."""

    def __init__(self, port: int, timeout: float = 5) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._timeout = timeout

    def known(self) -> dict[str, bool] | None:
        """Addresses of the engines, and whether vllm-router finds them healthy; None while it does not answer."""
        try:
            answer = exchange("GET", f"{self._url}/workers", self._timeout).json()
        except NoAnswer:
            return None
        listed = answer.get("workers") if isinstance(answer, dict) else None
        return None if listed is None else {str(item["url"]): bool(item["is_healthy"]) for item in listed}

    def remove(self, url: str) -> bool:
        """Send it no new request. Whether vllm-router said yes."""
        return self._tell("remove_worker", url, self._timeout)

    def add(self, url: str) -> bool:
        """Send it requests again (mode replicas alone). Whether vllm-router said yes: an engine must be healthy."""
        return self._tell("add_worker", url, _ADD_TIMEOUT_S)

    def _tell(self, verb: str, url: str, timeout: float) -> bool:
        try:
            return exchange("POST", f"{self._url}/{verb}?url={quote(url, safe='')}", timeout).status == 200
        except NoAnswer:
            return False


def requests(url: str, timeout: float = 5) -> float | None:
    """Requests that an engine runs or keeps waiting; 0 where nobody listens; None: it does not say."""
    try:
        answer = exchange("GET", f"{url}/metrics", timeout)
    except NoAnswer as error:
        return 0.0 if "refused" in str(error) else None
    load = vllm_metrics.load(prometheus.read(answer.body.decode("utf-8", "replace")), QUANTITIES)
    return None if load.running is None else load.running + (load.waiting or 0.0)
