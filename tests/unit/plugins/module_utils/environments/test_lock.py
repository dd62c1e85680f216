# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments.lock import hold_lock
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import EnvironmentFailure


def test_the_lock_is_held_by_one_and_free_afterwards(tmp_path):
    path = tmp_path / "below" / "lock"
    first = hold_lock(path, 0)
    with pytest.raises(EnvironmentFailure, match=r"still at work.*Fix:"):
        hold_lock(path, 0)
    os.close(first)
    os.close(hold_lock(path, 0))


def test_a_child_that_outlives_its_parent_holds_it_on(tmp_path):
    path = tmp_path / "lock"
    lock = hold_lock(path, 0)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock]) as orphan:
        os.close(lock)
        with pytest.raises(EnvironmentFailure):
            hold_lock(path, 0)
        orphan.communicate(b"\n", timeout=30)
    os.close(hold_lock(path, 5))
