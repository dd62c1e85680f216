# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a fence a host has: files, the table in the kernel, the unit, and the firewalls that close everything."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t

from ..units.systemctl import Run, Systemctl
from . import openings, units
from .errors import FenceError
from .ruleset import TABLE


@dataclasses.dataclass(frozen=True)
class Paths:
    """Where things are. root: put before all of them, for tests."""

    root: str = ""

    @property
    def rules(self) -> str:
        return f"{self.root}/etc/vllm/fence.nft"

    @property
    def unit(self) -> str:
        return f"{self.root}/etc/systemd/system/{units.NAME}"

    @property
    def drop_in(self) -> str:
        return f"{self.root}/etc/systemd/system/{units.DROP_IN}"

    @property
    def record(self) -> str:
        """Digest of what nft listed after our last load: so a table that somebody changed is seen."""
        return f"{self.root}/var/lib/vllm-fence/loaded"

    @property
    def policy(self) -> str:
        return f"{self.root}/etc/firewalld/policies/{openings.POLICY}.xml"

    @property
    def ufw(self) -> str:
        return f"{self.root}/etc/ufw"


@dataclasses.dataclass(frozen=True)
class Found:
    """files: texts by path, None where absent. loaded: the table is as we loaded it; there: some table of ours is.

    active, enabled: of our unit. needs_reload: systemd has not read what the files say.
    ufw: our rules. ufw_on: whether ufw filters. firewalld: how many rules the running policy has, -1 for no policy,
    None where firewalld does not run.
    """

    files: dict[str, str | None]
    loaded: bool
    there: bool
    active: bool
    enabled: bool
    needs_reload: bool
    ufw: tuple[tuple[str, ...], ...]
    ufw_on: bool
    firewalld: int | None


class Host:
    """Looks, and runs what changes something. Raises FenceError where a command fails, with its words."""

    def __init__(self, run: Run, paths: Paths, programs: t.Mapping[str, str | None]) -> None:
        """programs: where nft, systemctl, ufw and firewall-cmd are; None: not on this host."""
        self._run = run
        self.paths = paths
        self.programs = programs
        systemctl = programs["systemctl"]
        self.systemctl = Systemctl(run, systemctl) if systemctl else None

    def look(self) -> Found:
        paths = self.paths
        files = {path: _read(path) for path in (paths.rules, paths.unit, paths.drop_in, paths.record, paths.policy)}
        states = self.systemctl.show([units.NAME, units.HOST, "firewalld.service"]) if self.systemctl else {}
        mine, other = states.get(units.NAME, {}), states.get("firewalld.service", {})
        listing = self.listing()
        ufw_on, ufw = self._ufw()
        return Found(
            files,
            loaded=listing is not None and files[paths.record] == digest(files[paths.rules] or "", listing),
            there=listing is not None,
            active=mine.get("ActiveState") == "active",
            enabled=mine.get("UnitFileState") == "enabled",
            needs_reload="yes" in (mine.get("NeedDaemonReload"), states.get(units.HOST, {}).get("NeedDaemonReload")),
            ufw=ufw,
            ufw_on=ufw_on,
            firewalld=self._firewalld() if other.get("ActiveState") == "active" else None,
        )

    def listing(self) -> str | None:
        """Our table as the kernel has it, without counters; None where there is none."""
        if self.programs["nft"] is None:
            return None
        code, out, _error = self._run([self.programs["nft"], "--stateless", "list", "table", "inet", TABLE])
        return out if code == 0 else None

    def call(self, program: str, *arguments: str) -> str:
        path = self.programs[program]
        if path is None:
            raise FenceError(f"{program} is not on this host")
        code, out, error = self._run([path, *arguments])
        if code != 0:
            raise FenceError(
                f"{program} {' '.join(arguments)}: {error.strip() or out.strip() or f'exit status {code}'}"
            )
        return out

    def _ufw(self) -> tuple[bool, tuple[tuple[str, ...], ...]]:
        """Whether ufw filters, and our rules. ufw is slow, so it is asked only where its files say that it matters."""
        if self.programs["ufw"] is None:
            return False, ()
        wanted = re.search(r"(?im)^\s*ENABLED\s*=\s*[\"']?yes", _read(f"{self.paths.ufw}/ufw.conf") or "")
        # Enabled is not active: without its service it has not come back after a boot.
        active = bool(wanted) and "Status: active" in self.call("ufw", "status")
        stored = (_read(f"{self.paths.ufw}/{name}") or "" for name in ("user.rules", "user6.rules"))
        if not active and openings.MARK.encode().hex() not in "".join(stored):
            return False, ()
        return active, tuple(openings.ufw_ours(self.call("ufw", "show", "added")))

    def _firewalld(self) -> int | None:
        program = self.programs["firewall-cmd"]
        if program is None:
            return None
        code, out, _error = self._run([program, f"--info-policy={openings.POLICY}"])
        return len(re.findall(r"^\s*rule ", out, re.MULTILINE)) if code == 0 else -1


def digest(rules: str, listing: str) -> str:
    """What tells that these rules were loaded, and that the table is what they made."""
    return hashlib.sha256(f"{rules}\0{listing}".encode()).hexdigest() + "\n"


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as handle:
            return handle.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
