# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that differ from member to member: what a person writes for a host, and what Ray must not carry."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import ray

from .cases import assert_said as assert_case
from .cases import refuses, table, warns
from .fleets import LATENT, planned, said, service

RAY = {"executor": "ray"}
HCA = {"gpu1": {"NCCL_IB_HCA": "mlx5_0"}, "gpu2": {"NCCL_IB_HCA": "mlx5_4", "MY_RAIL": 2}}


def of(host_env, hosts=2, **keys):
    return lambda: said(service(LATENT if hosts == 2 else "org/dense-32b", **keys), hosts=hosts, host_env=host_env)


def at(name, host="gpu2"):
    return f"vllm_host_env.{name} (host {host})"


CASES = [
    refuses(
        "wrong-type", of({"gpu2": "NCCL_IB_HCA=mlx5_0"}), "vllm_host_env (host gpu2)", ["a mapping"], "NCCL_IB_HCA"
    ),
    refuses("variable-form", of({"gpu2": {"A-B": 1}}), at("A-B"), ["name"], "letters"),
    refuses("variable-form", of({"gpu2": {"AB": ["x"]}}), at("AB"), ["must be text"], "one value"),
    refuses("variable-form", of({"gpu2": {"AB": "x\ny"}}), at("AB"), ["line break"], "one line"),
    refuses("secret-in-env", of({"gpu2": {"HF_TOKEN": "x"}}), at("HF_TOKEN"), ["secret"], "secrets.HF_TOKEN"),
    refuses(
        "variable-owned", of({"gpu2": {"VLLM_HOST_IP": "10.9.0.2"}}), at("VLLM_HOST_IP"), ["10.9.0.2"], "interface"
    ),
    refuses(
        "variable-owned", of({"gpu2": {"NCCL_SOCKET_IFNAME": "ib0"}}), at("NCCL_SOCKET_IFNAME"), ["ib0"], "interface"
    ),
    refuses(
        "variable-owned", of({"gpu1": {"CUDA_VISIBLE_DEVICES": "1"}}, 1), at("CUDA_VISIBLE_DEVICES", "gpu1"), ["'1'"]
    ),
    refuses(
        "development-mode",
        of({"gpu1": {"VLLM_SERVER_DEV_MODE": 1}}, 1, listen="0.0.0.0"),
        at("VLLM_SERVER_DEV_MODE", "gpu1"),
        ["control routes"],
    ),
    warns("variable-unknown", of({"gpu2": {"VLLM_NO_SUCH": 1}}), at("VLLM_NO_SUCH"), ["does not read"]),
]


@table(CASES)
def test_what_is_said(case):
    assert_case(case)


def test_a_value_is_never_shown_where_it_looks_like_a_secret():
    assert "hunter2" not in str(of({"gpu2": {"HF_TOKEN": "hunter2"}})()._found)


def environments(document, kind="engine"):
    return {
        host: next(unit["environment"] for unit in item["units"] if unit["kind"] == kind)
        for host, item in document["hosts"].items()
    }


@pytest.mark.parametrize("executor", ["mp", "ray"])
def test_each_host_has_its_own_in_every_unit_and_the_plan_says_why(executor):
    document = planned(service(LATENT, executor=executor, env={"MY_RAIL": 1}), hosts=2, host_env=HCA)
    found = environments(document, "ray" if executor == "ray" else "engine")
    assert [found[host]["NCCL_IB_HCA"] for host in ("gpu1", "gpu2")] == ["mlx5_0", "mlx5_4"]
    assert [found[host]["MY_RAIL"] for host in ("gpu1", "gpu2")] == ["1", "2"]
    why = {(item["path"], str(item["value"])): item["why"] for item in document["decisions"]}
    assert why["vllm_services[0].env.NCCL_IB_HCA", "mlx5_4"] == "vllm_host_env of gpu2"
    assert why["vllm_services[0].env.MY_RAIL", "2"] == "vllm_host_env of gpu2, instead of 1"


def test_a_host_may_change_what_the_planner_chose():
    document = planned(service(LATENT), hosts=2, host_env={"gpu2": {"VLLM_NO_USAGE_STATS": 0}})
    assert [item["VLLM_NO_USAGE_STATS"] for item in environments(document).values()] == ["1", "0"]


def groups(document):
    return {host: item["groups"] for host, item in document["hosts"].items()}


def test_what_differs_stays_on_its_host_and_the_head_alone_is_told():
    document = planned(service(LATENT, **RAY, env={"SAME": "x"}), hosts=2, host_env=HCA)
    (head,), (worker,) = groups(document).values()
    assert head["not_carried"]["path"] == "/etc/vllm/groups/a-0.config/ray_non_carry_over_env_vars.json"
    names = head["not_carried"]["names"]
    assert {"NCCL_IB_HCA", "MY_RAIL", "VLLM_HOST_IP", "VLLM_PORT", "VLLM_API_KEY", "RAY_ADDRESS"} <= set(names)
    assert "SAME" not in names
    assert names == sorted(set(names))
    assert worker["not_carried"] is None
    assert environments(document, "ray")["gpu2"].get("VLLM_CONFIG_ROOT") is None
    (engine,) = [unit for unit in document["hosts"]["gpu1"]["units"] if unit["kind"] == "engine"]
    assert engine["environment"]["VLLM_CONFIG_ROOT"] == "/etc/vllm/groups/a-0.config"


def test_whatever_differs_between_members_is_named():
    """The rule itself: no variable whose value is not the same on all members may be left out."""
    wanted = service("org/dense-32b", **RAY, parallel={"tensor": 8, "pipeline": 3})
    document = planned(wanted, hosts=3, host_env={"gpu3": {"ODD": "1"}})
    found = list(environments(document, "ray").values())
    differing = {name for given in found for name in given if len({other.get(name) for other in found}) > 1}
    assert {"ODD", "VLLM_HOST_IP", "VLLM_CONFIG_ROOT"} <= differing
    assert differing <= set(groups(document)["gpu1"][0]["not_carried"]["names"])


def test_a_persons_own_configuration_folder_is_left_alone():
    document = planned(service(LATENT, **RAY, env={"VLLM_CONFIG_ROOT": "/srv/mine"}), hosts=2)
    assert groups(document)["gpu1"][0]["not_carried"]["path"] is None
    assert environments(document, "ray")["gpu1"]["VLLM_CONFIG_ROOT"] == "/srv/mine"


@pytest.mark.parametrize("keys", [{"hosts": 1, "gpus": 8}, {"hosts": 2, "executor": "mp"}])
def test_where_ray_carries_nothing_nothing_is_named(keys):
    wanted = service(
        "org/dense-32b", parallel={"tensor": 8, "pipeline": keys["hosts"]}, executor=keys.pop("executor", "ray")
    )
    document = planned(wanted, **keys)
    assert groups(document)["gpu1"][0]["not_carried"] is None
    assert "VLLM_CONFIG_ROOT" not in environments(document)["gpu1"]


@pytest.fixture
def state_dir():
    """A folder whose name is short enough for Ray's sockets, which pytest's own is not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield name


def test_of_earlier_sessions_only_the_last_is_kept(state_dir):
    """The commands are run for real: in the folder of Ray's sessions, as the unit does before Ray starts."""
    folder = Path(state_dir) / "ray" / "a-0"
    for name in ("session_2026-11-20_1", "session_2026-11-21_2", "session_2026-11-21_3", "mine"):
        (folder / name / "logs").mkdir(parents=True)
    (command,) = ray.clean_up("a-0", state_dir)
    assert subprocess.run(command, check=False, capture_output=True).returncode != 0
    assert len(os.listdir(folder)) == 4, "without a link nobody knows which is the last"
    (folder / "session_latest").symlink_to(folder / "session_2026-11-21_3")
    subprocess.run(command, check=True)
    assert sorted(os.listdir(folder)) == ["mine", "session_2026-11-21_3", "session_latest"]


def test_ray_cleans_up_before_it_starts_and_is_not_waited_for_long():
    document = planned(service(LATENT, **RAY), hosts=2)
    for item in document["hosts"].values():
        (unit,) = [unit for unit in item["units"] if unit["kind"] == "ray"]
        assert unit["exec_start_pre"] == ray.clean_up("a-0", "/var/lib/vllm")
        assert unit["stop_timeout_s"] == 5


def test_ray_keeps_its_files_below_the_state_directory_whatever_the_engines_name():
    """Ray lets everyone write into its folders: in /tmp another user may make them first."""
    folders = {ray.temp_dir("x" * length + "-0", "/var/lib/vllm") for length in range(1, 63)}
    assert len(folders) == 62
    assert {Path(folder).parent for folder in folders} == {Path("/var/lib/vllm/ray")}
    assert max(map(len, folders)) == 43
