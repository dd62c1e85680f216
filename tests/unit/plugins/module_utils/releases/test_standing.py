# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import standing, tables
from ansible_collections.vllm.cluster.plugins.module_utils.releases.timelines import Span, Timeline

LINES = {
    "passing": Timeline([Span("0.9.0", "0.10.0", True), Span("0.20.0", "0.30.0", True)]),
    "single": Timeline([Span("0.9.0", "0.9.0.1", True)]),
    "present": Timeline([Span("0.9.0", None, True)]),
}
ADVICE = {
    "passing": [
        {"since": "0.10.0", "until": "0.11.0", "say": "first", "now": {"names": ["present"]}},
        {"since": "0.11.0", "until": "0.12.0", "say": "second"},
    ],
    "Owner key": [{"say": "third"}],
}


@pytest.fixture
def judge(monkeypatch):
    load = tables.load
    monkeypatch.setattr(tables, "load", lambda name: {"names": ADVICE} if name == "advice" else load(name))
    return lambda name, version, **more: standing.standing(name, version, LINES, "names", "nowhere", **more)


@pytest.mark.parametrize(
    ("name", "version", "advice"),
    [
        ("passing", "0.8.0", "leave it out, or use release 0.9.0 to 0.29.0"),
        ("passing", "0.9.0", ""),
        ("passing", "0.10.0", "first"),
        ("passing", "0.11.0", "second"),
        ("passing", "0.12.0", "leave it out, or use a release that has it (0.9.0 to 0.9.2, 0.20.0 to 0.29.0)"),
        ("passing", "0.20.0", ""),
        ("single", "0.10.0", "leave it out, or use a release that has it (0.9.0)"),
        ("present", "0.8.0", "leave it out, or use release 0.9.0 or later"),
        ("presemt", "0.9.0", "did you mean present?"),
        ("presemt", "0.8.0", "nowhere"),
        ("other", "0.9.0", "nowhere"),
    ],
)
def test_advice(judge, name, version, advice):
    found = judge(name, version)
    assert found.advice == advice
    assert found.valid is (not advice)
    assert found.known is (name in LINES)


def test_what_it_is_called_now(judge):
    assert judge("passing", "0.10.0").now == {"names": ("present",)}
    assert judge("passing", "0.11.0").now == {}


def test_bounds(judge):
    assert (judge("passing", "0.9.1").since, judge("passing", "0.9.1").until) == ("0.9.0", "0.10.0")
    assert (judge("present", "0.33.0").since, judge("present", "0.33.0").until) == ("0.9.0", None)
    assert (judge("passing", "0.15.0").since, judge("passing", "0.15.0").until) == (None, None)


def test_names_as_people_write_them(judge):
    assert judge("presemt", "0.9.0", shown=str.upper).advice == "did you mean PRESENT?"
    assert judge("key", "0.9.0", advised_as="Owner key").advice == "third"
