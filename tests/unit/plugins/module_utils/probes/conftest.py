# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of files and programs made up for a test."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files


class Tree:
    """Files below a directory that stands for /."""

    def __init__(self, root):
        self.root = root
        self.files = Files(str(root))

    def write(self, texts):
        for path, text in texts.items():
            where = self.root / path.lstrip("/")
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_text(text)

    def link(self, path, target):
        """A link as those of sysfs: to another place of the tree."""
        where, to = self.root / path.lstrip("/"), self.root / target.lstrip("/")
        where.parent.mkdir(parents=True, exist_ok=True)
        to.mkdir(parents=True, exist_ok=True)
        where.symlink_to(os.path.relpath(to, where.parent))


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "root")


class Module:
    """What is used of an AnsibleModule. It finds the programs of one directory. ran: how they were called."""

    def __init__(self, tools):
        self.tools = tools
        self.ran = []

    def get_bin_path(self, arg, required=False):
        return shutil.which(arg, path=str(self.tools)) or (shutil.which(arg) if required else None)

    def run_command(self, args, data=None, errors="strict", environ_update=None):
        self.ran.append(list(args[3:]))
        environment = {**os.environ, **(environ_update or {})}
        done = subprocess.run(
            args, input=data or "", capture_output=True, check=False, text=True, errors=errors, env=environment
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def host(tmp_path):
    """Makes Commands of a host that has the programs of the given texts only."""

    def make(timeout=10, **programs):
        tools = tmp_path / "tools"
        tools.mkdir(exist_ok=True)
        for name, text in programs.items():
            path = tools / name.replace("_", "-")
            path.write_text("#!/bin/sh\n" + text)
            path.chmod(0o755)
        return Commands(Module(tools), timeout)

    return make
