# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action: refuses before it asks the host, asks for consent, and warns only in check mode."""

from __future__ import annotations

import pytest

NEED = {
    "path": "vllm_services[0]",
    "release": "0.32.0",
    "cuda": "13.0",
    "minimum": "580.65.06",
    "required": True,
    "container": False,
}


@pytest.fixture
def root(tmp_path):
    """A PCI bus with an H100, of a host that is no container."""
    folder = tmp_path / "root/sys/bus/pci/devices/0000:19:00.0"
    folder.mkdir(parents=True)
    for name, text in (("vendor", "0x10de"), ("device", "0x2330"), ("class", "0x030200")):
        (folder / name).write_text(text)
    return str(tmp_path / "root")


def arguments(root, **more):
    return {"needs": [NEED], "root": root, "settings": {"source": "network", "key_fingerprint": "A" * 40}, **more}


def test_consent_is_asked_for_and_the_reasons_are_shown(play, root):
    status, output, done = play("nvidia_plan", arguments(root))
    assert status != 0
    assert done["refusals"][0]["path"] == "vllm_nvidia_allow_install"
    assert "The NVIDIA driver of host1 is not as it must be: vllm_nvidia_allow_install = False" in done["msg"]
    assert "host1: to do: install driver 580.* (open)" in output
    assert "host1: GPUs by PCI: 1 x hopper" in output
    assert done["plan"]["action"] == "install"


def test_check_mode_only_warns_of_consent(play, root):
    status, output, done = play("nvidia_plan", arguments(root), options=["--check"])
    assert (status, done["changed"]) == (0, False)
    assert "vllm_nvidia_allow_install" in output


def test_at_the_end_a_driver_that_is_not_there_is_refused(play, root):
    _status, _output, done = play("nvidia_plan", arguments(root, stage="after"))
    assert {item["id"] for item in done["refusals"]} == {"nvidia-consent", "nvidia-broken"}
    _status, _output, done = play("nvidia_plan", arguments(root, stage="changed"))
    assert not done.get("failed")


def test_settings_are_refused_before_the_host_is_asked(play, root):
    status, _output, done = play("nvidia_plan", arguments(root, settings={"branch": "newest", "source": "x"}))
    assert status != 0
    assert "found" not in done
    assert [item["path"] for item in done["refusals"]] == ["vllm_nvidia_source", "vllm_nvidia_branch"]
    assert "Traceback" not in done["msg"]
