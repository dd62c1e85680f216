# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock, read from its file on the controller."""

from __future__ import annotations

import os
import typing as t

import yaml
from ansible_collections.vllm.cluster.plugins.module_utils.lock import pins
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import Refusals


def read(path: str) -> dict[str, t.Any]:
    """Raises PlanError."""
    refusals, found = Refusals(), None
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            found = yaml.safe_load(file)
    except OSError as error:
        refusals.add("lock-form", "vllm_lock", path, f"cannot be read: {error.strerror}", "name a file of this machine")
    except (yaml.YAMLError, UnicodeDecodeError):
        refusals.add("lock-form", "vllm_lock", path, "is no YAML", "write it with playbooks/lock.yml")
    else:
        pins.check_form(found, path, refusals)
    refusals.raise_if_any()
    return t.cast("dict[str, t.Any]", found)
