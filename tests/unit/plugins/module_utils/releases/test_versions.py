# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import tables, versions


def test_releases_stand_in_order():
    ordered = ["0.5.4", "0.8.5", "0.8.5.post1", "0.9.0", "0.9.0.1", "0.10.0", "0.32.0"]
    assert sorted(set(ordered), key=versions.parse) == ordered
    assert versions.parse("0.32.0+cpu") == versions.parse("0.32.0")


def test_every_release_of_the_tables_is_newer_than_the_one_before():
    for earlier, later in zip(tables.sampled(), tables.sampled()[1:]):
        assert versions.parse(earlier) < versions.parse(later), (earlier, later)


@pytest.mark.parametrize("text", ["latest", "0.32", "v0.32.0", "", "0.32.0rc1", "0.32.0.dev3", "0.32.0-1", "1.2.3.4.5"])
def test_what_is_no_release(text):
    with pytest.raises(ValueError, match="is not a vLLM release"):
        versions.parse(text)


@pytest.mark.parametrize(
    ("version", "wanted", "within"),
    [
        ("3.10", ">=3.11,<3.15", False),
        ("3.11.2", ">=3.11,<3.15", True),
        ("3.14.9", ">=3.11,<3.15", True),
        ("3.15.0", ">=3.11,<3.15", False),
        ("3.12", "<3.13", True),
        ("3.12", ">=3.12.1", True),
        ("3.11", ">=3.12.1", False),
        ("3.12.0", ">3.12", False),
        ("3.12.1", ">3.12", True),
        ("2.44.1", ">=2.43.0, !=2.44.*", False),
        ("2.60.0", ">=2.43.0, !=2.44.*", True),
        ("2.40.0", "==2.40.0", True),
        ("2.40.1", "==2.40.0", False),
        ("2.48.1", "<=2.48", False),
        ("3.12.1", "~=3.12.0", True),
        ("3.13.0", "~=3.12.0", False),
        ("2.13.0+cpu", "==2.13.0", True),
        ("3.9", "", True),
    ],
)
def test_ranges(version, wanted, within):
    assert versions.satisfies(version, wanted) is within


@pytest.mark.parametrize(("version", "wanted"), [("unknown", ">=3.9"), ("3.12", "about 3.9"), ("3.12", ">=three")])
def test_what_is_no_range(version, wanted):
    with pytest.raises(ValueError, match=r"is not a version clause|does not begin with a version"):
        versions.satisfies(version, wanted)
