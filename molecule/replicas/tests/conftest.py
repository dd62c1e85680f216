# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's lab, its front door and its engines, as its tests use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testinfra.door import Door, Engine
from tests.testinfra.lab import Lab


@pytest.fixture(scope="session")
def lab():
    return Lab(Path(__file__).resolve().parents[1] / "inventory")


@pytest.fixture(scope="session")
def door(lab):
    return Door(lab, lab.variables["vllm_services"][0])


@pytest.fixture(scope="session")
def engines(lab, door):
    hosts = [host["name"] for host in lab.lab["lab_hosts"] if host["name"] != door.host_name]
    return [Engine(lab, f"{door.service}-{index}", host) for index, host in enumerate(hosts)]
