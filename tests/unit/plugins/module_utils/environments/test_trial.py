# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a vLLM that does not start; that one is tried at all is a test of the module."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments import trial


@pytest.fixture
def environment(tmp_path):
    program = tmp_path / "e" / "bin" / "vllm"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    return tmp_path / "e"


def fault(environment, rc, err):
    return trial.fault(lambda _argv, _variables: (rc, "", err), environment, environment, 60)


@pytest.mark.parametrize(
    ("rc", "err", "told"),
    [
        (1, "OSError: libnuma.so.1: cannot open shared object file: No such file", "vllm_python_env_packages"),
        (1, "ImportError: libcuda.so.1: cannot open shared object file", "playbooks/prepare.yml"),
        (1, "RuntimeError: Failed to infer device type", "make the driver of the GPUs work"),
        (1, "ValueError: 'aimv2' is already used by a Transformers config", "in vllm_env_packages"),
        (124, "", "it was stopped after 60 s"),
        (139, "", "exit status 139"),
    ],
)
def test_a_fault_tells_what_to_do(environment, rc, err, told):
    said = fault(environment, rc, err)
    assert told in said
    assert "Fix: " in said


def test_a_warning_is_no_fault(environment):
    assert fault(environment, 0, "UserWarning: old") == ""


def test_an_environment_without_vllm_is_not_tried(tmp_path):
    assert trial.fault(None, tmp_path, tmp_path, 60) == ""
