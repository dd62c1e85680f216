# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table's text; tests/processes/fence has it in real namespaces."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.fence import ruleset
from ansible_collections.vllm.cluster.plugins.module_utils.fence.errors import FenceError

from .samples import ANYONE, FENCE, item, read


def test_a_fence_that_would_close_ssh_is_no_fence():
    with pytest.raises(FenceError, match="port 40022 would be closed"):
        ruleset.text(read(*FENCE), [22, 40022])


def test_a_fence_that_closes_nothing_is_no_table():
    assert ruleset.text(read(item(None, "10.0.0.2"), item([8000], *ANYONE)), [22]) == ""


def test_a_reason_cannot_leave_its_quotes():
    text = ruleset.text(read(item([9000], "10.0.0.2", why='x" ; flush ruleset ; "\n\\')), [])
    assert text.count('"') % 2 == 0
    assert "x' ; flush ruleset ; ' /" in text
