# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two versions of a unit, in short and without a secret."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.units import notation
from ansible_collections.vllm.cluster.plugins.module_utils.units.changes import changes

TEXT = "[Unit]\nDescription=x\n[Service]\nUser=vllm\nExecStart=/bin/vllm serve /m \\\n    --port 8000 \\\n    --flag\n"


def env(**values):
    return "".join(f"{name}={notation.environment_value(value)}\n" for name, value in values.items())


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (("--port 8000", "--port 8001"), ["--port: 8000 -> 8001"]),
        ((" \\\n    --flag", ""), ["--flag: gone"]),
        (("--flag", "--flag \\\n    --more 1"), ["--more: new, 1"]),
        (("User=vllm", "User=root"), ["User: vllm -> root"]),
        (("serve /m", "serve /n"), ["ExecStart: /bin/vllm serve /m -> /bin/vllm serve /n"]),
        (("Description=x", "Description=y"), []),
        (("User=vllm\n", "User=vllm\nRestartSec=9\n"), []),
    ],
)
def test_options_and_settings(edit, told):
    assert changes(TEXT, TEXT.replace(*edit), "", "") == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (env(A="1"), env(A="1"), []),
        (env(A="1"), env(A='2 "x"$'), ['A: 1 -> 2 "x"$']),
        (env(A="1"), "", ["A: gone"]),
        ("", env(A="1"), ["A: new, 1"]),
        (env(A="1"), env(A="2" * 99), [f"A: 1 -> {'2' * 59}…"]),
        ("K=(hidden)\n", "K=(hidden, changed)\n", ["K: a secret, another"]),
        ("K=(hidden)\n", "K=(hidden)\n", []),
        ("", "K=(hidden)\n", ["K: a secret, new"]),
        ("K=(hidden)\n", "", ["K: a secret, gone"]),
    ],
)
def test_variables(before, after, told):
    assert changes(TEXT, TEXT, before, after) == told


def test_a_variable_that_holds_an_object_is_told_key_by_key():
    old = {"role": "head", "members": ["b"], "listen": {"address": "10.0.0.1", "port": 1}, "gone": 1}
    new = {"role": "head", "members": ["b", "c"], "listen": {"address": "10.0.0.2", "port": 1}, "made": True}
    assert changes(TEXT, TEXT, env(CONFIG=json.dumps(old)), env(CONFIG=json.dumps(new))) == [
        "CONFIG.members: b -> b, c",
        "CONFIG.listen.address: 10.0.0.1 -> 10.0.0.2",
        "CONFIG.gone: gone",
        "CONFIG.made: new, True",
    ]


@pytest.mark.parametrize("value", ["", "plain", 'a"b', "a\\b", "\\\\$`", '{"a": "b\\\\c"}'])
def test_what_was_written_for_systemd_is_read_again(value):
    assert notation.environment_text(notation.environment_value(value)) == value


def test_text_without_quotes_is_itself():
    assert notation.environment_text("(hidden)") == "(hidden)"
