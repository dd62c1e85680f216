# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: each subject is a set of processes that listens on a port."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ansible_collections.vllm.cluster.plugins.module_utils.router import command, keys, nginx, reading, settings

HERE = Path(__file__).parent
KEY = "bench-key"
#: Two engines for replicas, or one prefill and one decode.
ENGINES = (18701, 18702)
DOOR, ROUTER, METRICS, DEMO = 18710, 18711, 18712, 18713
_REFERENCE = "bench.api_key"


class Programs(t.NamedTuple):
    """Paths of what is run: nginx, the environment with vllm-router, and vLLM's demo proxy or None."""

    nginx: str
    environment: str
    demo: str | None


class Subject(t.NamedTuple):
    """name: in the table. port: where it listens. pids: of its processes; their children count too."""

    name: str
    port: int
    pids: tuple[int, ...]


def item(mode: str, environment: str) -> settings.Router:
    """The front door before the stand-ins. mode: ``replicas`` or ``pd``."""
    kinds = ("serve", "serve") if mode == "replicas" else ("prefill", "decode")
    return reading.parse(
        {
            "service": "bench",
            "mode": mode,
            "connector": "nixl" if mode == "pd" else None,
            "address": "127.0.0.1",
            "port": DOOR,
            "ports": {"router": ROUTER, "metrics": METRICS},
            "environment": environment,
            "policy": "round_robin",
            "workers": [{"url": f"http://127.0.0.1:{port}", "kind": kind} for port, kind in zip(ENGINES, kinds)],
            "api_keys": [{"name": "bench", "secret": _REFERENCE}],
            "user": "nobody",
        }
    )


def nginx_text(router: settings.Router, alone: bool) -> str:
    """The door's own configuration; alone: without vllm-router, straight to the engines that answer."""
    text = nginx.text(router).replace("user nobody;", "user nobody nogroup;")
    return text.replace("http://router/v1/", "http://engines/v1/") if alone else text


@contextlib.contextmanager
def running(*argv: str, port: int, log: Path, environment: t.Mapping[str, str] | None = None) -> t.Iterator[int]:
    """A process that listens on a port, and its end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, stdout=output, stderr=output, start_new_session=True, env={**os.environ, **(environment or {})}
        )
        try:
            _wait(process, port, log)
            yield process.pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, timeout: float = 60) -> None:
    end = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"nothing listens on port {port}: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


@contextlib.contextmanager
def subjects(mode: str, programs: Programs, scratch: Path) -> t.Iterator[list[Subject]]:
    """Everything of a mode at once, so that rounds can take turns."""
    router = item(mode, programs.environment)
    with contextlib.ExitStack() as stack:

        def run(name: str, *argv: str, port: int, **more: t.Any) -> int:
            return stack.enter_context(running(*argv, port=port, log=scratch / f"{name}.log", **more))

        for port in ENGINES:
            run(f"engine-{port}", sys.executable, str(HERE / "upstream.py"), str(port), port=port)
        bare = run("vllm-router", *command.argv(router), port=ROUTER)
        found = [Subject("direct", ENGINES[-1], ()), Subject("vllm-router", ROUTER, (bare,))]
        alone = _nginx(run, router, programs, scratch / "alone", DOOR + 10, alone=True)
        found.append(Subject("nginx alone", DOOR + 10, (alone,)))
        door = _nginx(run, router, programs, scratch / "door", DOOR, alone=False)
        found.append(Subject("front door", DOOR, (door, bare)))
        if mode == "pd" and programs.demo:
            urls = [f"127.0.0.1:{port}" for port in ENGINES]
            words = ["--model", "m", "--prefill", urls[0], "--decode", urls[1], "--port", str(DEMO)]
            python = str(Path(programs.environment) / "bin" / "python")
            demo = run("demo", python, programs.demo, *words, port=DEMO)
            found.append(Subject("demo proxy", DEMO, (demo,)))
        yield found


def _nginx(run: t.Any, router: settings.Router, programs: Programs, folder: Path, port: int, alone: bool) -> int:
    folder.mkdir()
    text = nginx_text(router, alone).replace(f"127.0.0.1:{DOOR} ", f"127.0.0.1:{port} ")
    if not Path("/dev/log").exists():
        text = text.replace("syslog:server=unix:/dev/log,nohostname,tag=vllm_door", str(folder / "access.log"))
    (folder / "nginx.conf").write_text(text)
    (folder / "keys.conf").write_text(keys.text(router, {_REFERENCE: KEY}))
    shutil.chown(folder, "nobody")
    argv = [
        programs.nginx,
        "-p",
        f"{folder}/",
        "-c",
        str(folder / "nginx.conf"),
        "-g",
        f"pid {folder}/pid; daemon off;",
    ]
    pid: int = run(folder.name, *argv, port=port)
    return pid
