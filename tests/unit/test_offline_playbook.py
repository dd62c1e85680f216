# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning without hosts, saving probes and drawing, by the real ansible-playbook."""

from __future__ import annotations

import json
import stat
import sys

import pytest

from tests.unit import model_hub
from tests.unit.plugins.module_utils.models import samples
from tests.unit.test_plan_playbook import SECRET, SERVICE, changed, document, run

NOBODY = {"ansible_ssh_common_args": "-o ConnectTimeout=1"}  # a host of a name that nobody resolves
GPUS = [
    {"index": index, "name": "NVIDIA H100 80GB HBM3", "uuid": f"GPU-{index}", "memory_bytes": 85520809984}
    for index in range(2)
]
CUDA = {"name": "big", "model": "org/big", "hosts": "here", "port": 18232, "api_key": SECRET, "gpus": 2}
CONFIG = samples.QWEN_32B


hub = pytest.fixture(model_hub.serve, name="hub")


def offline(tmp_path, services, path, *arguments, playbook="plan.yml", **variables):
    """The playbook with nobody to connect to."""
    arguments = ("-e", f"vllm_probes_file={path}", *arguments)
    return run(tmp_path, services, *arguments, playbook=playbook, here=NOBODY, **variables)


@pytest.fixture
def probes(tmp_path):
    path = tmp_path / "kept.json"
    probe = {"machine": "x86_64", "cpus": 8, "driver": "580.95.05", "gpus": GPUS, "listeners": []}
    models = {"org/big": {"config": json.dumps(CONFIG), "quantization": None, "tensor_bytes": None, "problems": []}}
    hosts = {"here": {"address": "192.0.2.77", "probe": probe}}
    path.write_text(json.dumps({"schema_version": 1, "hosts": hosts, "models": models}))
    return path


def test_probes_are_saved_and_planned_from_later_without_the_hosts(tmp_path):
    status, output = run(tmp_path, [SERVICE], playbook="probe.yml")
    assert status == 0, output
    path = tmp_path / "vllm-probes.json"
    saved = json.loads(path.read_text())
    assert list(saved["hosts"]) == ["here"]
    assert saved["hosts"]["here"]["probe"]["cpus"] >= 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert f"Wrote {path.name} (probes of 1 host)" in output
    assert changed(output)["here"] == 1
    assert "Not saved" not in output
    assert SECRET not in path.read_text()

    status, output = offline(tmp_path, [SERVICE], path.name, "-e", "vllm_plan_format=json")
    assert status == 0, output
    assert "UNREACHABLE" not in output
    assert "Probe the host" not in output
    plan = document(output)
    assert plan["services"][0]["endpoints"][0]["unit"] == "vllm-chat-0.service"
    status, output = run(tmp_path, [SERVICE], "-e", "vllm_plan_format=json")
    assert document(output) == plan


def test_every_host_is_saved_where_there_is_no_service(tmp_path):
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    path = tmp_path / "kept" / "probes.json"
    arguments = ("--limit", "here", "-e", f"vllm_probes_file={path}")
    status, output = run(tmp_path, None, *arguments, playbook="probe.yml", here=local)
    assert status == 0, output
    assert list(json.loads(path.read_text())["hosts"]) == ["here"]


def test_a_host_that_nobody_reaches_is_left_out_and_told(tmp_path):
    service = {**SERVICE, "hosts": "all", "replicas": 2}
    status, output = run(tmp_path, [service], playbook="probe.yml")
    assert status != 0
    assert "UNREACHABLE" in output
    assert list(json.loads((tmp_path / "vllm-probes.json").read_text())["hosts"]) == ["here"]
    assert "Not saved, because they were not probed: away" in " ".join(output.split())


def test_saved_probes_and_models_give_the_memory_of_gpus(tmp_path, probes):
    status, output = offline(tmp_path, [CUDA], probes, vllm_accelerator="auto")
    assert status == 0, output
    assert "32.8 B parameters" in output
    assert "here GPU 0-1" in output
    assert "[WWWWW" in output
    assert "requests of 32,768 tokens at once" in output


@pytest.mark.parametrize(("written", "address"), [({}, "192.0.2.77"), ({"ansible_host": "192.0.2.2"}, "192.0.2.2")])
def test_the_inventory_knows_an_address_better_than_the_file(tmp_path, probes, written, address):
    arguments = ("-e", f"vllm_probes_file={probes}")
    status, output = run(tmp_path, [CUDA], *arguments, here={**NOBODY, **written}, vllm_accelerator="auto")
    assert status == 0, output
    assert f"Front door  http://{address}:18232" in output


def test_dumps_alone_are_enough(tmp_path, probes):
    rows = [f"{gpu['index']}, {gpu['name']}, {gpu['uuid']}, 81559 MiB, 580.95.05" for gpu in GPUS]
    head = "index, name, uuid, memory.total [MiB], driver_version"
    (tmp_path / "smi.csv").write_text("\n".join([head, *rows]))
    document_ = json.loads(probes.read_text())
    document_["hosts"]["here"] = {"dumps": ["smi.csv"]}
    probes.write_text(json.dumps(document_))
    status, output = offline(tmp_path, [CUDA], probes, vllm_accelerator="auto")
    assert status == 0, output
    assert "here GPU 0-1" in output


def test_the_config_of_a_model_is_read_from_the_controller(tmp_path, probes):
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "num_hidden_layers": 32}))
    service = {**CUDA, "model_config": str(tmp_path)}
    status, output = offline(tmp_path, [service], probes, vllm_accelerator="auto")
    assert status == 0, output
    assert "17.2 B parameters" in output


def test_a_hub_that_does_not_know_the_model_is_told_without_the_token(tmp_path, probes, hub):
    service = {**CUDA, "model": "org/gated", "secrets": {"HF_TOKEN": SECRET}}
    hub.serve("org/gated", {"config.json": 401})
    status, output = offline(tmp_path, [service], probes, "-vvvv", vllm_accelerator="auto", vllm_hub_endpoint=hub.url)
    assert status == 0, output
    assert "config.json of org/gated could not be read from the hub: HTTP 401" in " ".join(output.split())
    assert hub.seen == [("/org/gated/resolve/main/config.json", f"Bearer {SECRET}")]
    assert SECRET not in output


def test_a_page_is_written_once(tmp_path, probes):
    arguments = ("-e", "vllm_plan_page=pages/plan.html", "--diff")
    status, output = offline(tmp_path, [CUDA], probes, *arguments, "--check", vllm_accelerator="auto")
    assert status == 0, output
    assert "Check mode: pages/plan.html is not written (page)" in output
    assert not (tmp_path / "pages").exists()
    counts = []
    for _run in range(2):
        status, output = offline(tmp_path, [CUDA], probes, *arguments, vllm_accelerator="auto")
        assert status == 0, output
        counts.append(sum(changed(output).values()))
    assert counts == [1, 0]
    page = (tmp_path / "pages" / "plan.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "big-0" in page
    assert SECRET not in page


def test_a_page_is_written_from_living_hosts_too(tmp_path):
    status, output = run(tmp_path, [SERVICE], "-e", "vllm_plan_page=plan.html")
    assert status == 0, output
    assert "chat-0" in (tmp_path / "plan.html").read_text()
    status, output = run(tmp_path, [SERVICE])
    assert status == 0, output
    assert sum(changed(output).values()) == 0


def test_the_page_can_be_printed(tmp_path, probes):
    status, output = offline(tmp_path, [CUDA], probes, "-e", "vllm_plan_format=html", vllm_accelerator="auto")
    assert status == 0, output
    assert "<!DOCTYPE html>" in output
    assert "</html>" in output


@pytest.mark.parametrize("playbook", ["site.yml", "verify.yml"])
def test_nothing_is_done_to_hosts_by_what_they_once_were(tmp_path, probes, playbook):
    status, output = offline(tmp_path, [CUDA], probes, playbook=playbook)
    assert status != 0
    assert "what is done to hosts is planned from what they are now" in " ".join(output.split())
    assert "UNREACHABLE" not in output
    assert "TASK [Check the intent]" not in output


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "vllm_probes_file = 'kept.json': does not exist [probes-file-form]"),
        ("{", "vllm_probes_file = 'kept.json': is no JSON"),
        ({"schema_version": 1, "hosts": {"hare": {}}}, "vllm_probes_file.hosts = 'here': is named by a service"),
        (
            {"schema_version": 1, "hosts": {"here": {"probe": {"gpus": [{"index": "x", "memory_bytes": []}]}}}},
            "vllm_probes_file.hosts.here.probe.gpus[0].index: must be a number",
        ),
    ],
)
def test_a_wrong_file_is_told_in_a_line(tmp_path, probes, content, words):
    if content is None:
        probes.unlink()
    else:
        probes.write_text(content if isinstance(content, str) else json.dumps(content))
    status, output = offline(tmp_path, [CUDA], "kept.json", vllm_accelerator="auto")
    assert status != 0
    assert words in " ".join(output.split())
    assert "Traceback" not in output
    assert "UNREACHABLE" not in output
