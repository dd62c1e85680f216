# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of one machine for the guard as a real process: a systemctl of files, an engine of HTTP, loopback addresses.

Everything of the guard is real here: the packed program, its links, its files. systemd itself is met in the lab.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from ansible_collections.vllm.cluster.plugins.module_utils.guard import pack

#: The guard's: an old one of a target, where this machine has one. The guard needs the standard library alone.
PYTHON = os.environ.get("VLLM_TEST_TARGET_PYTHON", sys.executable)

SYSTEMCTL = """#!{python} -IS
import json, os, sys, time, uuid
arguments = sys.argv[1:]
units = [argument for argument in arguments if argument.endswith(".service")]
folder = os.environ["FAKE_UNITS"]
def path(unit): return os.path.join(folder, unit)
def read(unit):
    with open(path(unit)) as file: return json.load(file)
def write(unit, state):
    with open(path(unit) + ".new", "w") as file: json.dump(state, file)
    os.replace(path(unit) + ".new", path(unit))
if os.path.exists(path("broken")): sys.exit("Failed to connect to bus")
if "is-system-running" in arguments: print(open(path("system")).read())
elif "show" in arguments:
    for unit in units:
        state = read(unit)
        print("Id=" + unit, "LoadState=loaded", *(f"{{key}}={{value}}" for key, value in state.items()), "", sep="\\n")
elif "try-restart" in arguments:
    with open(path("restarts"), "a") as file: file.write(" ".join(units) + "\\n")
    for unit in units:
        if read(unit)["ActiveState"] in ("active", "activating"):
            write(unit, dict(InvocationID=uuid.uuid4().hex, ActiveState="active", SubState="running", MainPID="4711",
                             ActiveEnterTimestampMonotonic=int(time.monotonic() * 1e6)))
elif "kill" in arguments: pass
else: sys.exit("what?")
"""


class Systemd:
    """The units of one host."""

    def __init__(self, folder: Path, *units: str, age: float = 100.0):
        self.folder, self.units = folder, units
        (folder / "bin").mkdir(parents=True)
        program = folder / "bin" / "systemctl"
        program.write_text(SYSTEMCTL.format(python=sys.executable))
        program.chmod(0o755)
        (folder / "system").write_text("running")
        for unit in units:
            self.put(unit, age=age)

    def put(self, unit, active="active", sub="running", age=0.0):
        """A new invocation."""
        begun = int((time.monotonic() - age) * 1e6)
        state = {"InvocationID": os.urandom(16).hex(), "ActiveState": active, "SubState": sub, "MainPID": "4711"}
        fresh = self.folder / (unit + ".new")
        fresh.write_text(json.dumps({**state, "ActiveEnterTimestampMonotonic": begun}))
        fresh.replace(self.folder / unit)

    def restarts(self):
        asked = self.folder / "restarts"
        return asked.read_text().splitlines() if asked.exists() else []

    def broken(self, yes=True):
        if yes:
            (self.folder / "broken").touch()
        else:
            (self.folder / "broken").unlink()


class Engine:
    """The API of a unit: it loads for some seconds, then answers. hangs: requests do, health does not."""

    def __init__(self, systemd: Systemd, load_s: float = 6.0):
        self.systemd, self.load_s = systemd, load_s
        self.tokens, self.canaries, self.hangs, self.keys = 0, 0, False, []
        engine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def say(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the guard that asked is gone
                    self.wfile.write(body)

            def do_GET(self):
                page = f'vllm:generation_tokens_total{{engine="0"}} {engine.tokens}\nvllm:num_requests_running 0\n'
                self.say(200 if engine.loaded() else 503, page.encode())

            def do_POST(self):
                engine.keys.append(self.headers.get("Authorization"))
                json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                while engine.hangs:
                    time.sleep(0.05)
                engine.canaries += 1
                engine.tokens += 1
                self.say(200 if engine.loaded() else 503, b'{"usage": {"completion_tokens": 1}}')

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def loaded(self):
        shown = json.loads((self.systemd.folder / self.systemd.units[0]).read_text())
        return time.monotonic() - shown["ActiveEnterTimestampMonotonic"] / 1e6 > self.load_s

    def close(self):
        self.hangs = False
        self.server.shutdown()
        self.server.server_close()


class Guard:
    """One guard's process, its configuration and what it says."""

    def __init__(self, folder: Path, systemd: Systemd, **config):
        self.folder, self.systemd = folder, systemd
        folder.mkdir(parents=True, exist_ok=True)
        self.program = folder / "vllm-guard.pyz"
        self.program.write_bytes(pack.packed())
        self.state = folder / "run"
        document = {
            "engine": "e-0",
            "service": "e",
            "units": list(systemd.units),
            "state_dir": str(self.state),
            **config,
        }
        self.config = folder / "guard.json"
        self.config.write_text(json.dumps(document))
        self.log = folder / "journal"
        self.process = None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        self.socket.settimeout(10)

    def start(self):
        variables = {
            "PATH": f"{self.systemd.folder / 'bin'}:/usr/bin:/bin",
            "FAKE_UNITS": str(self.systemd.folder),
            "NOTIFY_SOCKET": str(self.folder / "notify"),
            "WATCHDOG_USEC": "2000000",
            "VLLM_GUARD_CONFIG": self.config.read_text(),
            "VLLM_API_KEY": "sk-canary",
        }
        argv = [PYTHON, "-I", str(self.program), "run"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(argv, env=variables, stdout=log, stderr=log)
        return self

    def stop(self):
        self.process.terminate()
        return self.process.wait(5)

    def said(self):
        return self.log.read_text()

    def status(self):
        return json.loads((self.state / "e-0.status.json").read_text())


def until(condition, seconds=20.0):
    """Wait for a condition; the seconds it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not come about"
        time.sleep(0.05)
    return time.monotonic() - began


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
