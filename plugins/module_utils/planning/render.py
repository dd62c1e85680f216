# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan for persons (text) and for machines (JSON)."""

from __future__ import annotations

import json
import shlex
import typing as t


def as_json(plan: t.Mapping[str, t.Any]) -> str:
    """The document itself, keys in order."""
    return json.dumps(plan, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def as_text(plan: t.Mapping[str, t.Any]) -> str:
    """Services, units, their commands, and the reason of every value that nobody wrote."""
    parts = [
        _section(
            "Services",
            ["NAME", "MODEL", "SERVED AS", "KEY", "ENDPOINTS"],
            [_service_row(item) for item in plan["services"]],
        ),
        _section(
            "Units",
            ["HOST", "UNIT", "RUNTIME", "PORTS", "GPUS"],
            [_unit_row(host, unit) for host, unit in _units(plan)],
        ),
        "Commands\n" + "\n".join(_command(host, unit) for host, unit in _units(plan)) + "\n",
        _section(
            "Why",
            ["ITEM", "VALUE", "REASON"],
            [[item["path"], _value(item["value"]), item["why"]] for item in plan["decisions"]],
        ),
    ]
    if plan["warnings"]:
        rows = [[item["path"], item["message"], item["fix"]] for item in plan["warnings"]]
        parts.append(_section("Warnings", ["ITEM", "WARNING", "FIX"], rows))
    return "\n".join(parts)


def _units(plan: t.Mapping[str, t.Any]) -> list[tuple[str, dict[str, t.Any]]]:
    return [(host, unit) for host, part in plan["hosts"].items() for unit in part["units"]]


def _service_row(service: t.Mapping[str, t.Any]) -> list[str]:
    urls = " ".join(item["url"] for item in service["endpoints"])
    return [
        service["name"],
        service["model"],
        service["served_model_name"],
        "yes" if service["api_key"] else "no",
        urls,
    ]


def _unit_row(host: str, unit: t.Mapping[str, t.Any]) -> list[str]:
    ports = " ".join(f"{name}:{port}" for name, port in unit["ports"].items())
    return [host, unit["name"], unit["runtime"], ports, ",".join(map(str, unit["devices"])) or "-"]


def _command(host: str, unit: t.Mapping[str, t.Any]) -> str:
    lines = [f"  {host} {unit['name']}"]
    lines += [f"    {name}={shlex.quote(value)}" for name, value in unit["environment"].items()]
    lines += [f"    {name}=(secret {reference})" for name, reference in unit["secrets"].items()]
    return "\n".join([*lines, f"    {shlex.join(unit['exec'])}"])


def _value(value: t.Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _section(title: str, header: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header) - 1)]
    lines = [
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]) for row in [header, *rows]
    ]
    return "\n".join([title, *lines]) + "\n"
