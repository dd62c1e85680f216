# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself, run as Ansible runs it: a process that reads arguments and prints JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"


@pytest.fixture
def gather(tmp_path):
    """Runs the module for a person whose home is tmp_path and whose apt is what tmp_path/bin holds."""
    tools = tmp_path / "bin"
    tools.mkdir()

    def program(name, text):
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)

    def run(apt=True, **environment):
        if apt:
            program("apt-config", """echo 'Acquire::http::Proxy "http://proxy.example.org:3128";'""")
            program("apt-get", """[ "$1" = indextargets ] && echo bookworm http://mirror.example.org/debian/""")
        done = subprocess.run(
            [sys.executable, str(ROOT / "plugins" / "modules" / "package_sources_info.py")],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": {"environment": {"HOME": str(tmp_path), **environment}}}),
            env={"PATH": f"{tools}", "HOME": "/nonexistent", "PYTHONPATH": str(ROOT / "playbooks" / "collections")},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return json.loads(done.stdout)

    return run


def test_the_persons_own_settings(gather, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text(f"[global]\nfind-links = {wheels} /nonexistent/wheels\n")
    (tmp_path / "bundle.crt").write_text(CERTIFICATE)
    found = gather(
        SSL_CERT_FILE=str(tmp_path / "bundle.crt"), PIP_INDEX_URL="https://i.example.org/simple", PIP_TRUSTED_HOST=""
    )
    assert found["python"]["find_links"] == [str(wheels), "/nonexistent/wheels"]
    assert found["python"]["index_url"] == "https://i.example.org/simple"
    assert found["python"]["trusted_hosts"] == []
    assert found["folders"] == [str(wheels)]
    assert found["certificates"] == [CERTIFICATE]
    assert found["apt_settings"] == {"Acquire::http::Proxy": "http://proxy.example.org:3128"}
    assert found["apt_repositories"] == {"bookworm": "http://mirror.example.org/debian"}
    assert found["credentials"] is False
    assert found["changed"] is False


def test_a_password_in_an_address_is_told(gather):
    assert gather(https_proxy="http://me:secret@proxy.example.org:3128")["credentials"] is True


def test_a_machine_without_apt(gather):
    found = gather(apt=False)
    assert found["apt_settings"] == {}
    assert found["apt_repositories"] == {}
