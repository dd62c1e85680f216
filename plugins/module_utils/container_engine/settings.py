# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's settings: what is wanted is merged into what is there."""

from __future__ import annotations

import json
import typing as t

#: What the daemon takes over on SIGHUP, by dockerd(8). Runtimes too, but containers that it started know the old ones.
RELOADABLE = frozenset(
    (
        *("debug", "insecure-registries", "labels", "live-restore", "max-concurrent-downloads"),
        *("max-concurrent-uploads", "max-download-attempts", "registry-mirrors", "shutdown-timeout"),
    )
)


class SettingsError(Exception):
    """A file that is none of settings. The message says why."""


def read(text: str | None) -> dict[str, t.Any]:
    """The settings of a file; empty without one. Raises SettingsError."""
    try:
        found = json.loads((text or "").strip() or "{}")
    except ValueError as error:
        raise SettingsError(f"is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise SettingsError("is not a JSON object")
    return found


def merged(there: t.Any, wanted: t.Any) -> t.Any:
    """Mappings key by key, lists by their items, those wanted last; of all else what is wanted."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        both = {key: merged(there[key], value) if key in there else value for key, value in wanted.items()}
        return {**there, **both}
    if isinstance(there, list) and isinstance(wanted, list):
        return [item for item in there if item not in wanted] + wanted
    return wanted


def text(settings: t.Mapping[str, t.Any]) -> str:
    """The file."""
    return json.dumps(settings, indent=4, sort_keys=True) + "\n"


def needs_restart(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> bool:
    """Whether a running daemon takes the difference over by a restart alone."""
    return any(before.get(key) != after.get(key) for key in {*before, *after} - RELOADABLE)


def wanted(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Docker's settings from the role's: registry_mirrors, insecure_registries, data_root, live_restore, log, ulimits.

    daemon, which a person writes in Docker's own words, comes over them.
    """
    found: dict[str, t.Any] = {}
    for option, name in (("registry_mirrors", "registry-mirrors"), ("insecure_registries", "insecure-registries")):
        found.update({name: list(options[option])} if options.get(option) else {})
    found.update({"data-root": options["data_root"]} if options.get("data_root") else {})
    if options.get("live_restore") in ("on", "off"):
        found["live-restore"] = options["live_restore"] == "on"
    if options.get("log"):
        found["log-opts"] = {key: str(value) for key, value in options["log"].items()}
    if options.get("ulimits"):
        found["default-ulimits"] = {
            name: {"Name": name, "Soft": int(value), "Hard": int(value)} for name, value in options["ulimits"].items()
        }
    return t.cast("dict[str, t.Any]", merged(found, dict(options.get("daemon") or {})))
