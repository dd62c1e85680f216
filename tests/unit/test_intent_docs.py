# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/intent.md tells every key of intent with its type, default and meaning, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import keys

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "intent.md").read_text()


def row(name, key):
    shown = str(key.default).lower() if isinstance(key.default, bool) else key.default
    default = "required" if key.required else "" if key.default in (None, (), {}) else f"`{shown}`"
    return f"| `{name}` | {key.kind} | {default} | {key.about} |"


@pytest.mark.parametrize(
    ("title", "schema"),
    [
        ("Variables of the fleet", keys.FLEET),
        ("Keys of a service", keys.SERVICE),
        ("Keys of an item of `vllm_downloads`", keys.DOWNLOAD),
        ("Keys of `kv_transfer`", keys.KV_TRANSFER),
        ("Keys of `router`", keys.ROUTER),
        ("Keys of `router.tls`", keys.TLS),
        ("Sizes of `parallel`", keys.PARALLEL),
        ("Keys of `ports`", keys.PORTS),
    ],
)
def test_the_table_is_the_schema(title, schema):
    section = DOCUMENT.partition(f"## {title}")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [row(name, key) for name, key in schema.items()]
