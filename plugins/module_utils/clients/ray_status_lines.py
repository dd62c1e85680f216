# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of ``ray status``: what it says, or None where it is no such line."""

from __future__ import annotations

import re
from typing import Any

_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50}
_NUMBER = r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,2})?"
_UNIT = rf"(?:{'|'.join(_BYTES)})"

_USAGE = re.compile(rf"({_NUMBER})({_UNIT})?/({_NUMBER})({_UNIT})?(?: ({_UNIT}))? (\S.*)")
_RESERVED = re.compile(
    rf"(.*\S) \(({_NUMBER})({_UNIT})? used of ({_NUMBER})({_UNIT})?(?: ({_UNIT}))? reserved in placement groups\)"
)
_CUT_RESERVED = re.compile(rf"(.*\S) \({_NUMBER}(?:{_UNIT})?(?: .*)?")
_NODES = re.compile(r"([0-9]{1,9}) (\S.*)")
_LAUNCHING = re.compile(r"(.+), ([0-9]{1,9}) launching")
_STARTING = re.compile(r"(\S+): ([^,]+), (\S.*)")
_FAILURE = re.compile(r"(.+?): (\S+) \((ip|instance_id|latest_attempt): ([^()]*)\)(?: - (.*))?")
_FAILED_NODE = re.compile(r"([0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+): (\S+)")
_COUNT = "[0-9]{1,18}"
_PAIR = rf"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"): {_NUMBER}"""
_BUNDLE = rf"\{{(?:{_PAIR}(?:, {_PAIR})*)?\}}"
_TASKS = re.compile(rf"({_BUNDLE}): ({_COUNT})(\+?) pending tasks/actors(?: \(({_COUNT})\+ using placement groups\))?")
_GROUPS = re.compile(
    rf"({_BUNDLE} \* {_COUNT}(?:, {_BUNDLE} \* {_COUNT})*) \((\w+)\): ({_COUNT})(\+?) pending placement groups"
)
_REQUESTED = re.compile(rf"({_BUNDLE}): ({_COUNT})(\+?) from request_resources\(\)")
_COUNTED = re.compile(rf"({_BUNDLE})(?: \* ({_COUNT}))?")
_ITEM = re.compile(rf"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"): ({_NUMBER})""")
#: The length of a node's id: 28 bytes in hexadecimal digits.
_ID_LENGTH = 56


def is_node_id(text: str) -> bool:
    """Whether it is what Ray calls a node."""
    return re.fullmatch(rf"[0-9a-f]{{{_ID_LENGTH}}}", text) is not None


def usage(line: str) -> tuple[str, dict[str, Any], str | None] | None:
    """A resource: its name, its numbers and what is wrong with the line.

    used: what runs on it, placement groups included; reserved, reserved_used: of it, what placement groups hold and
    use (0 without them); available: neither used nor reserved. Memory is in bytes, as far as two decimals of a unit
    tell; the rest in Ray's units (a GPU, a CPU).
    """
    found = _USAGE.fullmatch(line)
    if found is None:
        return None
    used, used_unit, total, total_unit, last_unit, rest = found.groups()
    groups = _RESERVED.fullmatch(rest)
    name, wrong = (groups[1] if groups else rest), None
    if groups is None and _CUT_RESERVED.fullmatch(rest):
        name, wrong = str(_CUT_RESERVED.fullmatch(rest)[1]), "what placement groups hold is cut off"  # type: ignore[index]
    reserved_used = _amount(groups[2], groups[3] or groups[6]) if groups else 0
    reserved = _amount(groups[4], groups[5] or groups[6]) if groups else 0
    numbers = {
        "used": _amount(used, used_unit or last_unit),
        "total": _amount(total, total_unit or last_unit),
        "reserved": reserved,
        "reserved_used": reserved_used,
    }
    # Ray counts in ten-thousandths.
    available = round(numbers["total"] - numbers["used"] - reserved + reserved_used, 4)
    return name, {**numbers, "available": available}, wrong


def nodes(line: str) -> tuple[dict[str, Any], str | None] | None:
    """Nodes of one type, and what is wrong with the line. Without an autoscaler each node is a type with its id."""
    found = _NODES.fullmatch(line)
    if found is None:
        return None
    kind = found[2]
    node_id = kind[len("node_") :] if kind.startswith("node_") and is_node_id(kind[len("node_") :]) else None
    cut = re.fullmatch(rf"node_[0-9a-f]{{0,{_ID_LENGTH - 1}}}", kind)
    return {"type": kind, "count": int(found[1]), "node_id": node_id}, "the node's id is cut off" if cut else None


def pending(line: str) -> dict[str, Any] | None:
    """Nodes that are asked for (``launching``), or one that starts."""
    found = _LAUNCHING.fullmatch(line)
    if found:
        return {"type": found[1], "count": int(found[2]), "address": None, "state": "launching"}
    found = _STARTING.fullmatch(line)
    if found:
        address = None if found[1] == "None" else found[1]
        return {"type": found[2], "count": 1, "address": address, "state": found[3]}
    return None


def failure(line: str) -> dict[str, Any] | None:
    """A node that failed (with its address or instance), or a launch that did (with the time of the last attempt)."""
    found = _FAILURE.fullmatch(line)
    if found is None:
        node = _FAILED_NODE.fullmatch(line)  # Ray 1: no reason
        if node is None:
            return None
        return {
            "type": node[2],
            "reason": None,
            "address": node[1],
            "instance": None,
            "latest_attempt": None,
            "detail": None,
        }
    values = {"ip": None, "instance_id": None, "latest_attempt": None, found[3]: found[4]}
    return {
        "type": found[1],
        "reason": found[2],
        "address": values["ip"],
        "instance": values["instance_id"],
        "latest_attempt": values["latest_attempt"],
        "detail": found[5],
    }


def demand(line: str) -> dict[str, Any] | None:
    """What waits for resources. ``at_least``: Ray counted no further.

    kind: tasks, placement_groups, or constraints (what request_resources() asked for, which is held ready whether
    it is used or not). bundles: what one of ``count`` needs together.
    """
    found = _TASKS.fullmatch(line)
    if found:
        return _demand("tasks", found[1], found[2], found[3], in_placement_groups=int(found[4] or 0))
    found = _GROUPS.fullmatch(line)
    if found:
        return _demand("placement_groups", found[1], found[3], found[4], strategy=found[2])
    found = _REQUESTED.fullmatch(line)
    if found:
        return _demand("constraints", found[1], found[2], found[3])
    return None


def _demand(kind: str, shape: str, count: str, more: str, **kwargs: Any) -> dict[str, Any]:
    bundles = [
        {
            "resources": {_name(item[1]): _amount(item[2], None) for item in _ITEM.finditer(bundle[1])},
            "count": int(bundle[2] or 1),
        }
        for bundle in _COUNTED.finditer(shape)
    ]
    return {"kind": kind, "bundles": bundles, "count": int(count), "at_least": bool(more), **kwargs}


def _name(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])


def _amount(number: str, unit: str | None) -> float:
    """In bytes (whole) where there is a unit."""
    return float(number) if unit is None else round(float(number) * _BYTES[unit])
