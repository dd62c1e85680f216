# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From units of the plan to the texts that a host gets: the role's own templates, Ansible's own templating."""

from __future__ import annotations

import types
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.vllm.cluster.plugins.action.host_units import ActionModule
from ansible_collections.vllm.cluster.plugins.module_utils.units import texts
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError

TEMPLATES = Path(__file__).resolve().parents[4] / "roles" / "engine" / "templates"
NAME = "vllm-chat-0.service"
KEY = "sk-{{ never }} \"'$x"


def unit(**changes):
    return {
        "name": NAME,
        "description": "vLLM engine chat-0",
        "runtime": "env",
        "user": "vllm",
        "exec": ["/opt/vllm/bin/vllm", "serve", "/models/a b", "--port", "8000"],
        "exec_stop": [],
        "environment": {"OMP_NUM_THREADS": "2", "ODD": "{{ never }} %n"},
        "secrets": {"VLLM_API_KEY": "chat.api_key"},
        "limits": {"memlock": "infinity", "nofile": "1048576", "stack": "67108864"},
        "stop_timeout_s": 60,
        "restart_with": [],
        "devices": [],
        **changes,
    }


def render(units, arguments=None, services=None):
    variables = {
        "vllm_restart_delay_s": 5,
        "my_key": KEY,
        "vllm_services": services or [{"name": "chat", "api_key": trust_as_template("{{ my_key }}")}],
    }
    loader = DataLoader()
    action = ActionModule(
        task=types.SimpleNamespace(args={}, async_val=0),
        connection=None,
        play_context=None,
        loader=loader,
        templar=Templar(loader=loader, variables=variables),
        shared_loader_obj=None,
    )
    action._find_needle = lambda _kind, name: str(TEMPLATES / name)
    return action._texts(units, arguments or {}, variables)


def settings(text):
    """Section -> list of (key, value) of a unit's text; continued lines are joined."""
    found, section = {}, None
    for line in text.replace(" \\\n    ", " ").splitlines():
        if line.startswith("["):
            section = found.setdefault(line, [])
        elif line and not line.startswith("#"):
            key, _equals, value = line.partition("=")
            section.append((key, value))
    return found


def test_an_engine_in_an_environment():
    handed = render([unit()])
    assert [item["name"] for item in handed["units"]] == [NAME]
    found = settings(handed["units"][0]["text"])
    assert ("PartOf", "vllm.target") in found["[Unit]"]
    assert ("StartLimitIntervalSec", "0") in found["[Unit]"]
    assert found["[Install]"] == [("WantedBy", "vllm.target")]
    service = dict(found["[Service]"])
    assert len(service) == len(found["[Service]"]), "a setting is written twice"
    expected = {
        "Type": "exec",
        "User": "vllm",
        "Group": "vllm",
        "WorkingDirectory": "~",
        "RemoveIPC": "yes",
        "EnvironmentFile": "/etc/vllm/units/vllm-chat-0.env",
        "ExecStart": '/opt/vllm/bin/vllm serve "/models/a b" --port 8000',
        "Restart": "always",
        "RestartSec": "5",
        "TimeoutStopSec": "60",
        "KillMode": "control-group",
        "TasksMax": "infinity",
        "LimitMEMLOCK": "infinity",
        "LimitNOFILE": "1048576",
        "LimitSTACK": "67108864",
        "NoNewPrivileges": "yes",
    }
    assert {key: service.get(key) for key in expected} == expected
    assert not {"ExecStop", "ExecStartPre", "PrivateTmp", "PrivateDevices"} & set(service)


def test_values_reach_the_environment_file_alone_and_untemplated():
    handed = render([unit()])
    lines = handed["environments"][NAME].splitlines()
    mark = lines.index(texts.SECRETS_MARK)
    assert lines[1:mark] == ['ODD="{{ never }} %n"', 'OMP_NUM_THREADS="2"']
    assert lines[mark + 1 :] == ['VLLM_API_KEY="sk-{{ never }} \\"\'\\$x"']
    assert "sk-" not in str(handed["units"]) + handed["target"]


def test_environment_files_differ_even_when_their_variables_do_not():
    # Ansible blots out one no_log value wherever it finds it, in another unit's diff too.
    other = "vllm-chat-1.service"
    handed = render([unit(secrets={}), unit(name=other, secrets={})])
    first, second = list(handed["environments"].values())
    assert first not in second
    assert second not in first


def test_an_engine_in_a_container():
    name = "vllm-chat-0"
    container = unit(
        runtime="container",
        user=None,
        exec_start_pre=[["/usr/bin/docker", "rm", "--force", name]],
        exec=["/usr/bin/docker", "run", "--rm", "--name", name, "--env", "VLLM_API_KEY", "image"],
        exec_stop=["/usr/bin/docker", "stop", "--time", "60", name],
        devices=[0, 1],
    )
    found = settings(render([container])["units"][0]["text"])
    assert ("Wants", "docker.service") in found["[Unit]"]
    assert ("After", "docker.service") in found["[Unit]"]
    assert ("After", "nvidia-persistenced.service nvidia-fabricmanager.service") in found["[Unit]"]
    service = dict(found["[Service]"])
    assert service["ExecStartPre"] == f"-/usr/bin/docker rm --force {name}"
    assert service["ExecStart"] == f"/usr/bin/docker run --rm --name {name} --env VLLM_API_KEY image"
    assert service["ExecStop"] == f"/usr/bin/docker stop --time 60 {name}"
    assert int(service["TimeoutStopSec"]) > 60, "the stop command itself may take that long"
    assert not {"User", "Group", "WorkingDirectory", "RemoveIPC"} & set(service)


def test_gpus_get_their_device_nodes_before_privileges_go():
    pre = [
        value
        for key, value in settings(render([unit(devices=[0])])["units"][0]["text"])["[Service]"]
        if key == "ExecStartPre"
    ]
    assert pre == ["-+/usr/bin/nvidia-modprobe --unified-memory --create=0"]


def test_units_that_restart_with_another_are_bound_to_it():
    ray = "vllm-chat-0-ray.service"
    handed = render([unit(restart_with=[ray])])
    assert handed["units"][0]["restart_with"] == [ray]
    bound = settings(handed["units"][0]["text"])["[Unit]"]
    assert [key for key, value in bound if value == ray] == ["Wants", "After", "PartOf"]


def test_a_directory_of_ones_own():
    text = render([unit()], {"environment_dir": "/srv/units"})["units"][0]["text"]
    assert "EnvironmentFile=/srv/units/vllm-chat-0.env" in text


def test_a_secret_that_is_gone_is_refused():
    with pytest.raises(AnsibleActionFail, match=r"vllm_services\[0\].secrets.HF_TOKEN"):
        render([unit(secrets={"HF_TOKEN": "chat.secrets.HF_TOKEN"})])


def test_a_secret_with_a_line_end_is_named_and_not_told():
    with pytest.raises(UnitError, match=f"{NAME}: render: VLLM_API_KEY: holds a line break") as caught:
        render([unit()], services=[{"name": "chat", "api_key": "s3cret\n"}])
    assert "s3cret" not in str(caught.value)
