# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's settings: what a host has against what is wanted, and the file that keeps them over a boot."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..fence.items import joined
from .errors import HostError

#: Where a value is exactly so, where it is the least, and where ports are added to those that are there.
EXACT, LEAST, PORTS = "exact", "least", "ports"
RESERVED, RANGE = "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_local_port_range"
HUGEPAGES, NUMA = "vm.nr_hugepages", "kernel.numa_balancing"
#: What a container has of its own; all else is its machine's.
_OWN = ("net.", "kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_/*:-]+)+")
_LEAST = "vllm_sysctl_at_least"
_HEAD = "# Written by vllm.cluster (docs/hosts.md); changes here are lost.\n"


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting. value: as the file has it, words parted by one blank. rule: EXACT, LEAST or PORTS."""

    name: str
    value: str
    rule: str


@dataclasses.dataclass(frozen=True)
class Decision:
    """text: the file, empty for none. writes: value by setting that the kernel is to be told now.

    left: what is not done, by setting, and why.
    """

    text: str
    writes: dict[str, str]
    left: dict[str, str]


def path(name: str) -> str:
    """Where a setting is. Dots and slashes change places, as sysctl(8) has it."""
    return "/proc/sys/" + name.translate(str.maketrans("./", "/."))


def read(
    settings: t.Mapping[str, t.Any],
    at_least: t.Mapping[str, t.Any],
    ports: t.Sequence[t.Any],
    hugepages: int,
    numa_balancing: str,
) -> list[Setting]:
    """The settings in the order of their names. Raises HostError for what is none.

    hugepages: how many, 0 leaves them alone. numa_balancing: on, off, or keep.
    """
    exact = dict(settings)
    if hugepages < 0:
        raise HostError("vllm_hugepages", hugepages, "is no number of pages", "write 0 to leave them alone")
    for name, value in ((HUGEPAGES, hugepages or None), (NUMA, {"on": 1, "off": 0}.get(numa_balancing))):
        if value is not None and name in exact:
            raise HostError(f"vllm_sysctl['{name}']", exact[name], "has a variable of its own", "write it once")
        exact.update({name: value} if value is not None else {})
    for name in sorted(set(exact) & set(at_least)):
        raise HostError(f"vllm_sysctl['{name}']", exact[name], f"is in {_LEAST}, too", "write it once")
    found = [Setting(_name(name, "vllm_sysctl"), _text(name, value), EXACT) for name, value in exact.items()]
    found += [
        Setting(_name(name, "vllm_sysctl_at_least"), _least(name, value), LEAST) for name, value in at_least.items()
    ]
    wanted = frozenset().union(*(_port(port) for port in ports))
    if wanted and RESERVED not in exact:
        found.append(Setting(RESERVED, _ports_text(wanted), PORTS))
    return sorted(found, key=lambda item: item.name)


def _name(name: str, variable: str) -> str:
    if not _NAME.fullmatch(name):
        raise HostError(
            f"{variable}['{name}']", "", "is no name of a setting", "write it as sysctl(8) does: net.core.somaxconn"
        )
    return name


def _text(name: str, value: t.Any) -> str:
    text = str(int(value) if isinstance(value, bool) else value)
    if not text.strip() or "\n" in text.strip() or isinstance(value, (dict, list)):
        raise HostError(f"vllm_sysctl['{name}']", value, "is no value of a setting", "write a number or a line of text")
    return " ".join(text.split())


def _least(name: str, value: t.Any) -> str:
    text = " ".join(str(value).split())
    if isinstance(value, bool) or not re.fullmatch(r"\d+(?: \d+)*", text):
        raise HostError(
            f"vllm_sysctl_at_least['{name}']", value, "is no number", "write a number, or put it into vllm_sysctl"
        )
    return text


def _port(port: t.Any) -> frozenset[int]:
    """Ports of ``6379`` or ``8000-8999``."""
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", str(port).strip())
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < first <= last < 65536:
        raise HostError("vllm_reserved_ports", port, "is no port and no range of them", "write 6379, or 8000-8999")
    return frozenset(range(first, last + 1))


def _reserved(text: str) -> frozenset[int]:
    """What ip_local_reserved_ports holds."""
    return frozenset().union(*(_port(word) for word in text.strip().split(",") if word))


def _ports_text(ports: t.Iterable[int]) -> str:
    """As the kernel writes them: ``50051,52365-52375``."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in joined(ports))


def decide(
    settings: t.Sequence[Setting], file: str, running: t.Mapping[str, str | None], is_container: bool
) -> Decision:
    """file: what our file holds. running: what the kernel says, by name (RANGE too); None: it has no such setting.

    Where the host has more than the file says, somebody else wants more: the file no longer says it, because it would
    lower it at the next boot. Where the host has what the file says, the file may be why.
    """
    lines = dict(_lines(file))
    kept: dict[str, str] = {}
    writes: dict[str, str] = {}
    left: dict[str, str] = {}
    for setting in settings:
        name, now = setting.name, running.get(setting.name)
        if now is None:
            left[name] = "this kernel does not have it"
            continue
        if is_container and not name.startswith(_OWN):
            left[name] = "is its machine's, and this host is a container"
            continue
        value, is_needed = _against(setting, now, running.get(RANGE) or "")
        if is_needed:
            writes[name] = value
        if is_needed or setting.rule == EXACT:
            kept[name] = value
        elif name in lines and (lines[name] == " ".join(now.split()) or setting.rule == PORTS):
            kept[name] = lines[name]
    text = "".join(f"{name} = {value}\n" for name, value in kept.items())
    return Decision(_HEAD + text if text else "", writes, left)


def _against(setting: Setting, now: str, local: str) -> tuple[str, bool]:
    """The value that the kernel should have, and whether it has another."""
    now = " ".join(now.split())
    if setting.rule == EXACT:
        return setting.value, now != setting.value
    if setting.rule == PORTS:
        chosen = re.fullmatch(r"(\d+)\s+(\d+)", local.strip())
        first, last = (int(chosen[1]), int(chosen[2])) if chosen else (1, 65535)
        wanted = {port for port in _reserved(setting.value) if first <= port <= last}
        has = _reserved(now)
        return _ports_text(has | wanted), not wanted <= has
    words, has_words = setting.value.split(), now.split()
    if len(words) != len(has_words) or not all(word.isdigit() for word in has_words):
        raise HostError(
            f"vllm_sysctl_at_least['{setting.name}']", setting.value, f"the kernel has '{now}'", "write as many numbers"
        )
    value = " ".join(max(word, has, key=int) for word, has in zip(words, has_words))
    return value, value != now


def _lines(text: str) -> t.Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield name.strip(), value.strip()
