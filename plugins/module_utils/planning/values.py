# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What single values of the intent may be: addresses, networks, ports of the fence, environment variables."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .errors import Refusals

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_NAME = re.compile(r"(?i)(^|_)(apikey|key|token|secret|password|passwd|passphrase|credentials?)$")


def check_fence(fleet: dict[str, t.Any], refusals: Refusals) -> None:
    """Networks and ports of the fence (fences.py)."""
    for name in ("vllm_client_networks", "vllm_monitoring_networks"):
        for index, written in enumerate(fleet[name] or ()):
            try:
                ipaddress.ip_network(str(written))
            except ValueError as error:
                _refuse_network(f"{name}[{index}]", written, str(error), refusals)
    for index, port in enumerate(fleet["vllm_fence_open_ports"] or ()):
        if isinstance(port, int) and not 0 < port < 65536:
            fix = "write a number from 1 to 65535, or leave it out"
            refusals.add("port-range", f"vllm_fence_open_ports[{index}]", port, "is not a port", fix)


def _refuse_network(path: str, written: t.Any, error: str, refusals: Refusals) -> None:
    try:
        meant = f"write {ipaddress.ip_network(str(written), strict=False)}"
        rule = "is an address inside of a network"
    except ValueError:
        meant, rule = "write an address, or a network such as 10.0.0.0/8", f"is no network ({error})"
    refusals.add("network-form", path, written, rule, meant)


def is_address(text: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def select_hosts(
    patterns: str | t.Sequence[str], path: str, select: t.Callable[[str], t.Sequence[str]], refusals: Refusals
) -> tuple[str, ...]:
    """The hosts of patterns of the inventory, each once. path: of the item that names them as ``hosts``."""
    found: dict[str, None] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        matched = select(str(pattern))
        if not matched:
            refusals.add(
                "no-such-host",
                f"{path}.hosts",
                pattern,
                "matches no host of the inventory",
                "name a host or group that ansible-inventory --graph shows",
            )
        found.update(dict.fromkeys(matched))
    return tuple(found)


def check_variables(keys: dict[str, t.Any], path: str, refusals: Refusals) -> None:
    """Names and values of ``secrets`` and ``env``. path: of the service."""
    for name, value in keys["secrets"].items():
        _check_variable(name, value, f"{path}.secrets.{name}", refusals)
    for name, value in keys["env"].items():
        _check_variable(name, value, f"{path}.env.{name}", refusals, f"{path}.secrets")


def _check_variable(name: t.Any, value: t.Any, where: str, refusals: Refusals, secrets: str = "") -> None:
    """secrets: where those belong that must not stand here; empty where they may."""
    if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
        rule = "is not an environment variable's name"
        refusals.add("variable-form", where, None, rule, "letters, digits and _ only")
    elif isinstance(value, (dict, list)) or value is None:
        refusals.add("variable-form", where, None, "must be text", "write one value")
    elif any(ord(sign) < 32 and sign != "\t" for sign in str(value)):
        refusals.add("variable-form", where, None, "holds a line break or control character", "write it on one line")
    elif secrets and _SECRET_NAME.search(name):
        fix = "use the service's api_key" if name == "VLLM_API_KEY" else f"move it to {secrets}.{name}"
        refusals.add("secret-in-env", where, None, "looks like a secret, and env is shown in plans", fix)


def host_env_path(host: str, name: str) -> str:
    """Where a variable of one host is written."""
    return f"vllm_host_env.{name} (host {host})"


def host_env(written: t.Any, host: str, refusals: Refusals) -> dict[str, t.Any]:
    """The variables that a person gave the engines of one host."""
    if written is None:
        return {}
    if not isinstance(written, dict):
        fix = "write it as variables of that host, such as {NCCL_IB_HCA: mlx5_0}"
        refusals.add("wrong-type", f"vllm_host_env (host {host})", None, "must be a mapping", fix)
        return {}
    for name, value in written.items():
        _check_variable(name, value, host_env_path(host, str(name)), refusals, "vllm_services[].secrets")
    return dict(written)
