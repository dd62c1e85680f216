# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module decides before it looks at the host. The rest is Molecule's: it needs systemd."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.vllm.cluster.plugins.module_utils.units import texts
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError
from ansible_collections.vllm.cluster.plugins.modules import host_units

A, B = "vllm-a-0.service", "vllm-b-0.service"


def item(name, **changes):
    return {
        "name": name,
        "text": "[Service]\nExecStart=/bin/x\n",
        "restart_with": [],
        "restart_freely": False,
        **changes,
    }


def params(**changes):
    return {"units": [item(A)], "environments": {A: 'K="s3cret"\n'}, "target": "[Unit]\n", **changes}


def fail(capsys, **arguments):
    with patch_module_args(arguments), pytest.raises(SystemExit):
        host_units.main()
    result = json.loads(capsys.readouterr().out)
    assert result["failed"]
    return result


def test_the_options_become_stamped_units_behind_their_target():
    wanted = host_units.wanted_units(params(units=[item(A, restart_with=[B]), item(B)], environments={A: "a", B: "b"}))
    assert [(unit.name, unit.environment, unit.restart_with) for unit in wanted] == [
        (texts.TARGET, None, ()),
        (A, "a", (B,)),
        (B, "b", ()),
    ]
    assert all(texts.is_stamped(unit.name, unit.text) for unit in wanted)


def test_without_units_the_target_is_not_wanted_either():
    assert host_units.wanted_units({"units": [], "environments": None, "target": "[Unit]\n"}) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"units": [item("../x.service")]}, "cannot be a unit's name"),
        ({"units": [item("ssh.service")]}, "cannot be a unit's name"),
        ({"environments": None}, f"{A}: environments has no text for it"),
        ({"environments": {A: {"K": "s3cret"}}}, f"{A}: environments has no text for it"),
        ({"environments": {A: "", B: "s3cret"}}, f"environments names {B}, and units does not"),
        ({"target": None}, "vllm.target: the text of the target"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(changes, told, capsys):
    with pytest.raises(UnitError) as caught:
        host_units.wanted_units(params(**changes))
    assert told in str(caught.value)
    result = fail(capsys, **params(**changes))
    assert told in result["msg"]
    assert "s3cret" not in json.dumps(result)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "plan, units"),
        ({"plan": [], "units": []}, "mutually exclusive: plan|units"),
        ({"plan": [{"name": A}]}, "plan is read on the controller"),
        ({"units": [{"name": A}]}, "text found in units"),
    ],
)
def test_wrong_arguments_are_refused(arguments, told, capsys):
    assert told in fail(capsys, **arguments)["msg"]
