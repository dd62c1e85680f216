# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are network namespaces, joined by a bridge. They are real to TCP, to the firewall and to the MTU."""

from __future__ import annotations

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "vpf"


def tool(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def why_not():
    """Why this machine cannot make namespaces, None where it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need ip (iproute2)"
    trial = f"{PREFIX}-{os.getpid()}-t"
    try:
        tool("ip", "netns", "add", trial)
        tool("ip", "netns", "del", trial)
    except RuntimeError as error:
        return f"network namespaces cannot be made here: {error}"
    return None


class Network:
    """A switch and members gpu1, gpu2 … with address 10.88.0.<number> on eth0, each in a namespace."""

    def __init__(self, count):
        self.mark = f"{PREFIX}-{os.getpid()}"
        self.names = [f"gpu{number + 1}" for number in range(count)]
        self.spaces = []
        self.folders = []
        self.switch = self._space("sw")
        self.on_switch("ip", "link", "add", "br0", "type", "bridge")
        self.on_switch("ip", "link", "set", "br0", "up")
        for number, name in enumerate(self.names, 1):
            space = self._space(name)
            self.on_switch("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", space)
            self.on_switch("ip", "link", "set", name, "master", "br0", "up")
            self.on(name, "ip", "addr", "add", f"10.88.0.{number}/24", "dev", "eth0")
            self.on(name, "ip", "link", "set", "lo", "up")
            self.on(name, "ip", "link", "set", "eth0", "up")

    def _space(self, name):
        space = f"{self.mark}-{name}"
        tool("ip", "netns", "add", space)
        self.spaces.append(space)
        return space

    def space(self, name):
        return f"{self.mark}-{name}"

    def on(self, name, *words):
        return tool("ip", "netns", "exec", self.space(name), *words)

    def hosts(self, name, text):
        """What /etc/hosts says on a member."""
        folder = Path("/etc/netns") / self.space(name)
        folder.mkdir(parents=True)
        (folder / "hosts").write_text(text)
        self.folders.append(folder)

    def on_switch(self, *words):
        return self.on("sw", *words)

    def remove(self):
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], capture_output=True, timeout=20, check=False)
        for folder in self.folders:
            shutil.rmtree(folder)

    def members(self, *ports, **changes):
        """The option ``members``. changes: by member's name what differs."""
        return [
            {
                "name": name,
                "address": f"10.88.0.{number}",
                "interface": "eth0",
                "ports": list(ports or (20000,)),
                **changes.get(name, {}),
            }
            for number, name in enumerate(self.names, 1)
        ]

    def start(self, name, argv, environment=None):
        """A process on a member."""
        words = ["ip", "netns", "exec", self.space(name), *argv]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "playbooks" / "collections"), **(environment or {})}
        pipe = subprocess.PIPE
        return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)

    def run_module(self, module, arguments, environment=None, timeout=60):
        """What a module prints on members at once. arguments: by member's name."""
        program = str(ROOT / "plugins" / "modules" / f"{module}.py")

        def one(name):
            process = self.start(name, [sys.executable, program], environment)
            text = json.dumps({"ANSIBLE_MODULE_ARGS": arguments[name]})
            try:
                out, err = process.communicate(text, timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                raise
            assert "Traceback" not in err, err
            assert out, err
            return json.loads(out)

        with concurrent.futures.ThreadPoolExecutor(max_workers=len(arguments)) as pool:
            return dict(zip(arguments, pool.map(one, arguments)))


def network(count):
    """A fixture's value: a network that is removed afterwards. Skips aloud where there can be none."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    made = None
    try:
        made = Network(count)
    except RuntimeError as error:
        pytest.skip(f"no network of namespaces here: {error}")
    try:
        yield made
    finally:
        made.remove()
