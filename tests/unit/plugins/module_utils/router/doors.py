# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Front doors to test with."""

from __future__ import annotations

import copy
import typing as t

REPLICAS: dict[str, t.Any] = {
    "service": "chat",
    "mode": "replicas",
    "address": "0.0.0.0",
    "port": 8000,
    "ports": {"router": 8101, "metrics": 8102},
    "environment": "/opt/vllm/envs/vllm-router-0.1.17",
    "workers": [
        {"url": "http://10.0.0.1:8100", "kind": "serve", "engine": "chat-0"},
        {"url": "http://10.0.0.2:8100", "kind": "serve", "engine": "chat-1"},
    ],
    "api_keys": [{"name": "one", "secret": "chat.api_key"}],
    "engine_key": "chat.secrets.ENGINE",
}

PAIRS: dict[str, t.Any] = {
    **REPLICAS,
    "mode": "pd",
    "connector": "nixl",
    "workers": [
        {"url": "http://10.0.0.1:8100", "kind": "prefill"},
        {"url": "http://10.0.0.2:8100", "kind": "prefill"},
        {"url": "http://10.0.0.3:8100", "kind": "decode"},
        {"url": "http://10.0.0.4:8100", "kind": "decode"},
    ],
}


def changed(item: dict[str, t.Any], path: str, value: t.Any) -> dict[str, t.Any]:
    """A copy of item with another value at a path such as ``workers.0.url``."""
    copied = copy.deepcopy(item)
    place: t.Any = copied
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
    place[last] = value
    return copied
