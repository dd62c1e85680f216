# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References to secrets: the plan carries these, never the values."""

from __future__ import annotations

import typing as t

from ..router import places
from .errors import PlanError, Refusal


def api_key_reference(service: str) -> str:
    """The key that clients of the service send."""
    return f"{service}.api_key"


def secret_reference(service: str, variable: str) -> str:
    """A secret environment variable of the service's engines."""
    return f"{service}.secrets.{variable}"


def api_keys(services: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """The keys that engines take, by service, and of front doors by the name of their unit.

    services: the templated ``vllm_services``.
    """
    found = {_name(item): str(item["api_key"]) for item in services if item.get("api_key")}
    for item in services:
        router = item.get("router")
        keys = router.get("api_keys") if isinstance(router, t.Mapping) else None
        if isinstance(keys, t.Mapping) and keys:
            found[places.door_unit(_name(item))] = str(next(iter(keys.values())))
    return found


def router_key_reference(service: str, name: str) -> str:
    """A key of ``router.api_keys``, which clients of the service send."""
    return f"{service}.router.api_keys.{name}"


def resolve(services: t.Sequence[t.Mapping[str, t.Any]], reference: str) -> str:
    """The value behind a reference of the plan.

    services: the templated ``vllm_services``; each item's ``name`` must be the plan's (given or derived).
    reference: ``<service>.api_key``, ``<service>.secrets.<VARIABLE>`` or ``<service>.router.api_keys.<name>``.
    Raises PlanError when the intent no longer holds it; the message never holds a value.
    """
    service, _dot, key = reference.partition(".")
    for index, item in enumerate(services):
        if _name(item) != service:
            continue
        value: t.Any = item
        for part in key.split("."):
            value = value.get(part) if isinstance(value, t.Mapping) else None
        if isinstance(value, str) and value:
            return value
        raise PlanError(
            Refusal(
                "secret-missing",
                f"vllm_services[{index}].{key}",
                None,
                "the plan needs this secret and it is empty",
                "set it, best from Ansible Vault",
            )
        )
    raise PlanError(
        Refusal("secret-missing", "vllm_services", None, f"no service is called {service!r} any more", "plan again")
    )


def _name(item: t.Mapping[str, t.Any]) -> str:
    from .intent import derive_name  # the name may be derived from the model

    return str(item.get("name") or derive_name(str(item.get("model", ""))))
