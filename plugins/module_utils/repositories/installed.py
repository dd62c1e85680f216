# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages a host has, at which version, and which of them are held back."""

from __future__ import annotations

import fnmatch
import re
import typing as t

from ..probes.commands import Commands
from ..probes.files import Files

_DPKG = "${Package}\t${Version}\t${db:Status-Want}\t${db:Status-Status}\n"
_RPM = "%{NAME}\t%{VERSION}-%{RELEASE}\n"
_LOCKS = "/etc/dnf/plugins/versionlock.list"


def read(
    files: Files, commands: Commands, globs: t.Sequence[str], of_rpm: t.Sequence[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """Versions by name, and the names of those held back, of packages that a glob matches. of_rpm: more globs there."""
    dpkg, rpm = commands.find("dpkg-query"), commands.find("rpm")
    found, held = {}, []
    if dpkg:
        # Its status is 1 where one of the patterns matches nothing.
        for line in commands.run(dpkg, "--show", f"--showformat={_DPKG}", *globs).out.splitlines():
            name, version, want, status = line.split("\t")
            if status == "installed":
                found[name] = version
                held += [name] if want == "hold" else []
    elif rpm:
        for line in commands.run(rpm, "--query", "--all", "--queryformat", _RPM).out.splitlines():
            name, _tab, version = line.partition("\t")
            if any(fnmatch.fnmatchcase(name, glob) for glob in (*globs, *of_rpm)):
                found[name] = version
        locks = files.text(_LOCKS)
        held = [name for name in found if re.search(rf"^(?!#).*\b{re.escape(name)}-", locks, re.MULTILINE)]
    return found, sorted(held)


def family(commands: Commands) -> str:
    """debian or redhat, by whose packages a host has; empty for neither."""
    return "debian" if commands.find("dpkg-query") else "redhat" if commands.find("rpm") else ""
