# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts of a play hold of the same models, seen together."""

from __future__ import annotations

import json
import typing as t

from . import huggingface, sources

#: The module's results by host.
Found = t.Mapping[str, t.Mapping[str, t.Any]]


def commits(found: Found) -> tuple[dict[str, str], list[dict[str, t.Any]]]:
    """Commits by name that a host has already, and the models whose commit somebody must ask for.

    Models of the hub alone: they have a lasting name for what they were at one moment. Those that name a commit, and
    those that nobody lacks, are left out.
    """
    lacked: dict[str, dict[str, t.Any]] = {}
    have: dict[str, str] = {}
    for result in found.values():
        for model in result["models"]:
            wanted, name = model["wanted"], model["wanted"]["name"]
            if wanted["kind"] != sources.HUB or huggingface.is_commit(wanted["revision"]):
                continue
            if model["changed"]:
                options = ("source", "kind", "revision", "dataset", "token")
                lacked.setdefault(name, {**{key: wanted[key] for key in options}, "path": model["path"]})
            elif model["commit"]:
                have.setdefault(name, model["commit"])
    known = {name: commit for name, commit in have.items() if name in lacked}
    return known, [item for name, item in lacked.items() if name not in have]


def fault(found: Found) -> str | None:
    """What is to be told where hosts hold different files of one source; None where they agree."""
    digests: dict[str, dict[str, list[str]]] = {}
    for host, result in found.items():
        for model in result["models"]:
            if model["digest"]:
                by_digest = digests.setdefault(json.dumps(model["wanted"], sort_keys=True), {})
                by_digest.setdefault(model["digest"], []).append(f"{host} {model['path']}")
    for wanted, by_digest in digests.items():
        if len(by_digest) > 1:
            told = "; ".join(f"{', '.join(places)}: {digest}" for digest, places in by_digest.items())
            fix = "name a revision, or remove the directory where it is old and run it again"
            return f"{json.loads(wanted)['name']}: hosts hold different files of it ({told}). Fix: {fix}."
    return None
