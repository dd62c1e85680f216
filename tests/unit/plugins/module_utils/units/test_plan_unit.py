# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError
from ansible_collections.vllm.cluster.plugins.module_utils.units.plan_unit import template_variables

NAME = "vllm-chat-0.service"


def unit(**changes):
    return {
        "name": NAME,
        "description": "vLLM engine chat-0",
        "runtime": "env",
        "user": "vllm",
        "exec": ["/opt/vllm/bin/vllm", "serve", "/models/a b"],
        "exec_stop": [],
        "environment": {"OMP_NUM_THREADS": "2"},
        "limits": {"memlock": "infinity", "nofile": "1048576"},
        "stop_timeout_s": 60,
        "restart_with": [],
        "devices": [],
        **changes,
    }


def test_the_templates_get_systemds_notation():
    seen = template_variables(
        unit(
            kind="engine",
            description="100%",
            exec_start_pre=[["/usr/bin/docker", "rm", "x"]],
            exec_stop=["/usr/bin/docker", "stop", "x"],
            environment={"B": "$x", "A": "1"},
            restart_with=["vllm-chat-ray.service"],
            devices=[0, 1],
        ),
        {"KEY": 'a"b'},
    )
    assert seen == {
        "name": NAME,
        "kind": "engine",
        "description": "100%%",
        "runtime": "env",
        "user": "vllm",
        "exec_start_pre": ["/usr/bin/docker rm x"],
        "exec": '/opt/vllm/bin/vllm serve "/models/a b"',
        "exec_stop": "/usr/bin/docker stop x",
        "environment": {"A": '"1"', "B": '"\\$x"'},
        "secrets": {"KEY": '"a\\"b"'},
        "limits": {"LimitMEMLOCK": "infinity", "LimitNOFILE": "1048576"},
        "stop_timeout_s": 60,
        "restart_with": ["vllm-chat-ray.service"],
        "devices": [0, 1],
        "marks": {"Kind": "engine", "Program": "/opt/vllm/bin/vllm"},
    }
    assert list(seen["environment"]) == ["A", "B"]


def test_what_a_unit_may_leave_out():
    seen = template_variables({"name": NAME, "exec": ["/bin/x"], "stop_timeout_s": 1}, {})
    assert seen["user"] is None
    assert seen["description"] == NAME
    assert seen["exec_stop"] == ""
    assert seen["environment"] == seen["secrets"] == seen["limits"] == {}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": None}, "cannot be a unit's name"),
        ({"name": "sshd.service"}, "cannot be a unit's name"),
        ({"name": "vllm-../../x.service"}, "cannot be a unit's name"),
        ({"name": "vllm-a b.service"}, "cannot be a unit's name"),
        ({"name": "vllm-a.service\n"}, "cannot be a unit's name"),
        ({"name": "vllm-a.timer"}, "cannot be a unit's name"),
        ({"restart_with": ["dbus.service"]}, "cannot be a unit's name"),
        ({"runtime": "podman"}, f"{NAME}: render: runtime"),
        ({"user": "vllm\nExecStartPre=+/bin/sh"}, f"{NAME}: render: user"),
        ({"user": ""}, f"{NAME}: render: user"),
        ({"stop_timeout_s": None}, f"{NAME}: render: stop_timeout_s"),
        ({"stop_timeout_s": 0}, f"{NAME}: render: stop_timeout_s"),
        ({"stop_timeout_s": True}, f"{NAME}: render: stop_timeout_s"),
        ({"stop_timeout_s": "60\nUser=root"}, f"{NAME}: render: stop_timeout_s"),
        ({"exec": []}, f"{NAME}: render: exec: the command is empty"),
        ({"exec": "/bin/x"}, f"{NAME}: render: exec: must be a list"),
        ({"exec": ["/bin/x", 1]}, f"{NAME}: render: exec: must be a list of texts"),
        ({"exec": ["x"]}, f"{NAME}: render: exec: the program"),
        ({"exec_stop": ["x"]}, f"{NAME}: render: exec_stop: the program"),
        ({"exec_start_pre": ["/bin/x"]}, f"{NAME}: render: exec_start_pre: must be a list of texts"),
        ({"description": "a\nb"}, f"{NAME}: render: description"),
        ({"environment": ["A=1"]}, f"{NAME}: render: environment: must be a mapping"),
        ({"environment": {"A": 1}}, f"{NAME}: render: A: must be text, not int"),
        ({"environment": {"A B": "1"}}, f"{NAME}: render: 'A B' is no name"),
        ({"environment": {"1A": "1"}}, f"{NAME}: render: '1A' is no name"),
        ({"environment": {"A": "x\ny"}}, f"{NAME}: render: A: holds a line break"),
        ({"limits": {"memory": "1"}}, f"{NAME}: render: limits.memory: no such limit"),
        ({"limits": {"nofile": "1\nUser=root"}}, f"{NAME}: render: limits.nofile"),
        ({"limits": {"nofile": "lots"}}, f"{NAME}: render: limits.nofile"),
        ({"environment": {"KEY": "1"}}, f"{NAME}: render: KEY: both in environment and in secrets"),
    ],
)
def test_refused_with_unit_and_key(changes, told):
    with pytest.raises(UnitError) as caught:
        template_variables(unit(**changes), {"KEY": "value-of-key"})
    assert told in str(caught.value)
    assert "value-of-key" not in str(caught.value)


def test_a_bad_secret_is_named_and_not_told():
    with pytest.raises(UnitError) as caught:
        template_variables(unit(), {"HF_TOKEN": "hf-sec\nret"})
    assert str(caught.value) == f"{NAME}: render: HF_TOKEN: holds a line break or another control character"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("value", ["infinity", "65536", "8M", "1024:infinity"])
def test_limits_in_systemds_forms(value):
    assert template_variables(unit(limits={"stack": value}), {})["limits"] == {"LimitSTACK": value}


def test_a_unit_says_what_it_is():
    named = {"kind": "engine", "service": "chat", "engine": "chat-0", "served_model_name": "50%"}
    marks = template_variables(unit(**named, listen="0.0.0.0", ports={"api": 8000}, image="r/vllm:v1"), {})["marks"]
    expected = {"Kind": "engine", "Service": "chat", "Engine": "chat-0", "Program": "r/vllm:v1"}
    assert marks == {**expected, "Listen": "0.0.0.0", "Port": "8000", "Model": "50%%"}
    several = template_variables(unit(**named, listen="::", ports={"api": [8000, 8003]}), {})["marks"]
    assert several["Port"] == "8000-8003"
    assert template_variables(unit(**named, listen=None, ports={}), {})["marks"].keys() == expected.keys()
    door = template_variables(unit(kind="door", listen="::", ports={"door": 443}, scheme="https"), {})["marks"]
    assert (door["Kind"], door["Listen"], door["Port"], door["Scheme"]) == ("door", "::", "443", "https")
    router = template_variables(unit(kind="router", ports={"router": 8900, "metrics": 8950}), {})["marks"]
    assert "Port" not in router  # no client calls it
    with pytest.raises(UnitError, match="Model: holds a line break"):
        template_variables(unit(**{**named, "served_model_name": "a\nb"}, ports={"api": 1}), {})
