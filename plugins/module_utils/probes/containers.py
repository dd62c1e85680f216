# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container engine of a host, its images and its containers."""

from __future__ import annotations

import json
import typing as t

from .commands import Commands

_IMAGE = "[{{json .Id}},{{json .Size}},{{json .RepoTags}},{{json .RepoDigests}}]"


class Docker:
    """Docker by its command line, which knows where the daemon is."""

    def __init__(self, commands: Commands) -> None:
        self.commands = commands
        self.program = commands.find("docker")
        self.silent = False  # the daemon did not answer in time, and would not again

    def engine(self) -> dict[str, str | None] | None:
        """name, version (None when its daemon does not answer); None without Docker."""
        if self.program is None:
            return None
        out = self._ask("version", "--format", "{{.Server.Version}}")
        return {"name": "docker", "version": out.strip() or None if out is not None else None}

    def images(self) -> list[dict[str, t.Any]] | None:
        """name, id and size_bytes; one item for each name of an image, tag or digest. None when Docker cannot tell."""
        listed = self._ask("image", "ls", "--quiet", "--no-trunc")
        if listed is None:
            return None
        ids = list(dict.fromkeys(listed.split()))
        found = self._ask("image", "inspect", "--format", _IMAGE, *ids, partly=True) if ids else ""
        images = []
        for line in (found or "").splitlines():
            identity, size, tags, digests = json.loads(line)
            images += [{"name": name, "id": identity, "size_bytes": size} for name in [*(tags or []), *(digests or [])]]
        return sorted(images, key=lambda image: str(image["name"]))

    def containers(self) -> dict[str, str]:
        """Names of the running containers, by their whole id."""
        out = self._ask("ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}") or ""
        pairs = (line.partition(" ") for line in out.splitlines())
        return {identity: names.split(",")[0] for identity, _blank, names in pairs}

    def _ask(self, *words: str, partly: bool = False) -> str | None:
        """What Docker prints; None when it fails. partly: an answer for some of what was asked is one, too."""
        if self.program is None or self.silent:
            return None
        answer = self.commands.run(self.program, *words)
        self.silent = answer.stopped
        return answer.out if answer.ok or (partly and not answer.stopped) else None
