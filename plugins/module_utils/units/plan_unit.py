# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit of the plan as its templates need it: every value checked, and in systemd's notation."""

from __future__ import annotations

import re
import typing as t

from . import notation
from .errors import UnitError
from .texts import check_name

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\$?|[0-9]+", re.ASCII)
_LIMIT_VALUE = re.compile(r"(infinity|[0-9]+[KMGT]?)(:(infinity|[0-9]+[KMGT]?))?", re.ASCII)
#: The resource limits of systemd.exec(5), as the plan writes them.
_LIMITS = "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio sigpending stack".split()
_RUNTIMES = ("env", "container")

T = t.TypeVar("T")


def template_variables(unit: t.Mapping[str, t.Any], secrets: t.Mapping[str, str]) -> dict[str, t.Any]:
    """What the templates see as ``unit``.

    unit: an item of the plan's ``hosts.<host>.units`` (docs/plan.md). secrets: variable name -> value, for every
    name in ``unit["secrets"]``.
    Returns ``name``, ``kind``, ``description``, ``runtime``, ``user``, ``exec_start_pre`` (list of command lines),
    ``exec``, ``exec_stop`` (command lines; the latter empty without a command), ``environment`` and ``secrets``
    (name -> quoted value, sorted), ``limits`` (``LimitMEMLOCK`` -> value), ``stop_timeout_s``, ``restart_with``,
    ``devices``, ``marks`` (what the unit is in the plan's words, for those who find it on the host).
    Raises UnitError naming unit and key, never a variable's value.
    """
    name = str(unit.get("name"))
    check_name(name)
    plain = _mapping(unit, "environment")
    both = sorted(set(plain) & set(secrets))
    if both:
        raise UnitError(f"{', '.join(both)}: both in environment and in secrets", unit=name, step="render")
    runtime = unit.get("runtime", "env")
    if runtime not in _RUNTIMES:
        raise UnitError(f"runtime: {runtime!r} is none of {', '.join(_RUNTIMES)}", unit=name, step="render")
    user = unit.get("user")
    if user is not None and not (isinstance(user, str) and _USER.fullmatch(user)):
        raise UnitError(f"user: {user!r} is no user's name", unit=name, step="render")
    stop_timeout = unit.get("stop_timeout_s")
    if isinstance(stop_timeout, bool) or not isinstance(stop_timeout, int) or stop_timeout < 1:
        raise UnitError(f"stop_timeout_s: {stop_timeout!r} is not a number of seconds", unit=name, step="render")
    restart_with = _list(unit, "restart_with")
    for other in restart_with:
        check_name(other)
    return {
        "name": name,
        "kind": unit.get("kind"),
        "description": _named(name, "description", notation.setting, str(unit.get("description") or name)),
        "runtime": runtime,
        "user": user,
        "exec_start_pre": [_command(name, "exec_start_pre", command) for command in _list(unit, "exec_start_pre")],
        "exec": _command(name, "exec", _list(unit, "exec")),
        "exec_stop": _command(name, "exec_stop", _list(unit, "exec_stop")) if unit.get("exec_stop") else "",
        "environment": _variables(name, plain),
        "secrets": _variables(name, secrets),
        "limits": dict(_limit(name, *item) for item in sorted(_mapping(unit, "limits").items())),
        "stop_timeout_s": stop_timeout,
        "restart_with": restart_with,
        "devices": _list(unit, "devices"),
        "marks": _marks(name, unit),
    }


def _marks(name: str, unit: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Kind, Service and Engine; Program (a path, or an image); of units that clients call Listen, Port and Model.

    Port: ``8000``, or the first and last of several, ``8000-8003``. Scheme: of what is not called by http.
    """
    program = unit.get("image") or (_list(unit, "exec") or [None])[0]
    found = {"Kind": unit.get("kind"), "Service": unit.get("service"), "Engine": unit.get("engine"), "Program": program}
    ports = _mapping(unit, "ports")
    port = ports.get("api", ports.get("door"))
    if port is not None:
        text = f"{port[0]}-{port[1]}" if isinstance(port, (list, tuple)) else port
        found.update({"Listen": unit.get("listen"), "Port": text, "Model": unit.get("served_model_name")})
        found["Scheme"] = unit.get("scheme")
    return {key: _named(name, key, notation.setting, str(value)) for key, value in found.items() if value is not None}


def _variables(unit: str, values: t.Mapping[str, t.Any]) -> dict[str, str]:
    quoted = {}
    for variable, value in sorted(values.items()):
        if not (isinstance(variable, str) and _VARIABLE.fullmatch(variable)):
            raise UnitError(f"{variable!r} is no name of an environment variable", unit=unit, step="render")
        if not isinstance(value, str):
            raise UnitError(f"{variable}: must be text, not {type(value).__name__}", unit=unit, step="render")
        quoted[variable] = _named(unit, variable, notation.environment_value, value)
    return quoted


def _limit(unit: str, key: str, value: t.Any) -> tuple[str, str]:
    if key not in _LIMITS:
        raise UnitError(f"limits.{key}: no such limit; one of {', '.join(_LIMITS)}", unit=unit, step="render")
    if not _LIMIT_VALUE.fullmatch(str(value)):
        raise UnitError(f"limits.{key}: {value!r} is neither a number nor infinity", unit=unit, step="render")
    return f"Limit{key.upper()}", str(value)


def _named(unit: str, key: str, convert: t.Callable[[T], str], value: T) -> str:
    try:
        return convert(value)
    except ValueError as error:
        # "from None": the chain would carry the value's own text into a traceback.
        raise UnitError(f"{key}: {error}", unit=unit, step="render") from None


def _mapping(unit: t.Mapping[str, t.Any], key: str) -> t.Mapping[str, t.Any]:
    value = unit.get(key) or {}
    if not isinstance(value, t.Mapping):
        raise UnitError(f"{key}: must be a mapping", unit=str(unit["name"]), step="render")
    return value


def _list(unit: t.Mapping[str, t.Any], key: str) -> list[t.Any]:
    value = unit.get(key) or []
    if not isinstance(value, (list, tuple)):
        raise UnitError(f"{key}: must be a list", unit=str(unit["name"]), step="render")
    return list(value)


def _command(unit: str, key: str, argv: t.Any) -> str:
    if not isinstance(argv, (list, tuple)) or not all(isinstance(argument, str) for argument in argv):
        raise UnitError(f"{key}: must be a list of texts", unit=unit, step="render")
    return _named(unit, key, notation.command_line, argv)
