# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which names the members of an engine of several hosts find one another: what /etc/hosts must say of the others."""

from __future__ import annotations

import collections
import ipaddress
import re
import typing as t

from .devices import Probe
from .members import Member

#: A name of hosts(5): letters, digits, - and _ in parts joined by dots.
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*")


#: What each member is called: (host, the ``names`` item of the plan that tells of it).
Book = list[tuple[str, dict[str, t.Any]]]


def book(members: t.Sequence[Member]) -> Book:
    """``{address, names}`` of each member of an engine of several hosts, on the members' network.

    Names are the inventory's and the host's own. A name that several members have tells none of them.
    """
    called = [list(dict.fromkeys((member.host, *_hostname(member.probe)))) for member in members]
    counts = collections.Counter(name.lower() for names in called for name in names)
    found: Book = []
    for member, names in zip(members, called):
        good = [name for name in names if counts[name.lower()] == 1 and _is_name(name)]
        found.append((member.host, {"address": member.address, "names": good}))
    return found


def of_others(host: str, books: t.Sequence[Book]) -> list[dict[str, t.Any]]:
    """The ``names`` of the host's ``network``. books: of the engines of several hosts that it is a member of.

    The host's own name is not among them. Engines take their addresses from VLLM_HOST_IP and the interface, and what a
    system maps its own name to (127.0.1.1 on Debian) other programs of the host rely on.
    A host that is met over two networks has the address of the first.
    """
    found: dict[str, dict[str, t.Any]] = {}
    for entries in books:
        found = {**{other: entry for other, entry in entries if other != host}, **found}
    return [entry for entry in found.values() if entry["names"]]


def _hostname(probe: Probe) -> list[str]:
    """What the host calls itself, and the first part of it."""
    name = str((probe or {}).get("hostname") or "").rstrip(".")
    return list(dict.fromkeys(item for item in (name, name.partition(".")[0]) if item))


def _is_name(text: str) -> bool:
    """Whether it can stand in /etc/hosts and is neither an address nor this host's loopback."""
    if not _NAME.fullmatch(text) or text.lower().partition(".")[0] == "localhost":
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return True
    return False
