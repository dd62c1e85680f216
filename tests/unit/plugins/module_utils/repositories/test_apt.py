# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What APT's files name."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.repositories import apt


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("deb [arch=amd64 signed-by=/k] http://a/b/ /\n# deb http://c /\n", ["http://a/b"]),
        ("Types: deb\nURIs: http://a/b/ http://c\nSuites: /\n", ["http://a/b", "http://c"]),
        ("Types: deb\nEnabled: no\nURIs: http://a\n", []),
        ("deb http://a stable main\ndeb-src http://b stable main\n", ["http://a"]),
    ],
)
def test_what_files_of_apt_name(text, urls):
    assert apt.named(text) == urls
