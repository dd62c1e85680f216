# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which systemd unit a process belongs to."""

from __future__ import annotations

import re
import typing as t

from .files import Files
from .sockets import unit_of

_CONTAINER = re.compile(r"(?:docker-)?([0-9a-f]{64})(?:\.scope)?\Z")
#: The collection's units run a container of their own name in the foreground.
_OURS = "vllm-"


class Units:
    """Units by process. names: gives the names of containers by id; it is asked once, and only when one matters."""

    def __init__(self, files: Files, names: t.Callable[[], t.Mapping[str, str]]) -> None:
        self.files = files
        self._names = names
        self._known: t.Mapping[str, str] | None = None

    def of(self, pid: int | None) -> str | None:
        """The service that holds a process, or that runs the container in which it is; None outside of any."""
        groups = self.files.text(f"/proc/{pid}/cgroup") if pid else ""
        container = container_of(groups)
        if container is None:
            return unit_of(groups)
        if self._known is None:
            self._known = self._names()
        name = self._known.get(container, "")
        return f"{name}.service" if name.startswith(_OURS) else None


def container_of(groups: str) -> str | None:
    """Id of the container that a process is directly in, from the text of /proc/PID/cgroup.

    A service further down belongs to a system that runs in the container, as this whole host may do. It need not be in
    every hierarchy: systemd leaves those of cgroup v1 alone that a unit does not limit.
    """
    container = None
    for line in groups.splitlines():
        for part in reversed(line.rpartition(":")[2].split("/")):
            if part.endswith(".service"):
                return None
            found = _CONTAINER.match(part)
            if found is not None:
                container = container or found[1]
                break
    return container
