# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where what listens on a host is reached: by its clients, and by the host itself."""

from __future__ import annotations

#: What listens on every address of a host, and where the host reaches it.
_EVERY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def door(listen: str, address: str, port: int, scheme: str = "http") -> str:
    """The URL that clients call. address: by which they reach the host."""
    return url(address if listen in _EVERY else listen, port, scheme)


def local(listen: str, port: int) -> str:
    """The URL that the host itself calls."""
    return url(_EVERY.get(listen, listen), port)


def url(address: str, port: int, scheme: str = "http") -> str:
    """IPv6 addresses need brackets (RFC 3986, 3.2.2)."""
    return f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"
