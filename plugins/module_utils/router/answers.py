# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the front door answers itself, as nginx's directives."""

from __future__ import annotations

import json
import typing as t

_RETRY_BUSY_S, _RETRY_DOWN_S = 1, 5

#: What a client is told, in the form of vLLM's own errors. status -> (name of the location, type, message)
_ANSWERS = {
    400: ("malformed", "invalid_request_error", "The request could not be read."),
    401: ("locked", "authentication_error", "A valid API key is needed: Authorization: Bearer <key>."),
    403: ("forbidden", "permission_error", "Not from here."),
    404: ("absent", "not_found_error", "There is no such path."),
    408: ("slow", "timeout_error", "The request took too long to arrive."),
    413: ("large", "invalid_request_error", "The request is too large."),
    429: ("busy", "rate_limit_error", "Too many requests with this API key."),
    503: ("down", "service_unavailable_error", "No engine can answer now."),
}
#: Which statuses of nginx's own each of them stands for; a 401 has a way of its own.
OWN = {
    400: (400, 497),
    403: (403,),
    404: (404, 405),
    408: (408,),
    413: (413, 414, 494),
    429: (429,),
    503: (500, 502, 503, 504),
}
#: What replaces answers of engines and router, which may name addresses. Their 401 says that the door's key is wrong.
REPLACED = {413: (413, 414, 494), 429: (429,), 503: (401, 500, 502, 503, 504)}
#: Headers beside the request's id.
_HEADERS: dict[int, dict[str, t.Any]] = {
    401: {"WWW-Authenticate": "Bearer"},
    429: {"Retry-After": _RETRY_BUSY_S},
    503: {"Retry-After": _RETRY_DOWN_S},
}


def pages(replaced: t.Mapping[int, t.Iterable[int]]) -> list[str]:
    """The directives that send statuses to their locations."""
    return [
        f"error_page {' '.join(map(str, statuses))} = @{_ANSWERS[status][0]};" for status, statuses in replaced.items()
    ]


def locations() -> list[str]:
    """What the door says itself. A location's own add_header replaces those around it."""
    lines = []
    for status, (name, kind, message) in _ANSWERS.items():
        body = {"error": {"message": message, "type": kind, "param": None, "code": status}}
        headers = {"X-Request-Id": "$vllm_request_id", **_HEADERS.get(status, {})}
        lines += [
            f"location @{name} {{",
            "    internal;",
            *(f"    add_header {header} {value} always;" for header, value in headers.items()),
            f"    return {status} '{json.dumps(body)}';",
            "}",
        ]
    return lines
