# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests on real hosts share: run a playbook, look at a host, ask a service."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import testinfra
import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Run:
    """One finished ansible-playbook."""

    status: int
    output: str

    def recap(self, host, word):
        """The count that the recap gives for a host, for a word such as ok, changed or failed."""
        line = next(line for line in self.output.partition("PLAY RECAP")[2].splitlines() if line.startswith(f"{host} "))
        return int(re.search(rf"\b{word}=(\d+)", line).group(1))

    def changed(self, *hosts):
        return {host: self.recap(host, "changed") for host in hosts}


class Lab:
    """An inventory whose hosts are lab hosts."""

    def __init__(self, inventory):
        self.inventory = Path(inventory)
        variables = self.inventory / "group_vars" / "all"
        self.variables = yaml.safe_load((variables / "vllm.yml").read_text())
        self.lab = yaml.safe_load((variables / "lab.yml").read_text())

    def host(self, name):
        """A testinfra host. By its own ssh backend: the one for Ansible does not template connection variables."""
        config = ROOT / ".lab" / self.lab["lab_name"] / "ssh_config"
        return testinfra.get_host(f"ssh://{name}", ssh_config=str(config))

    def address(self, name):
        return next(host["address"] for host in self.lab["lab_hosts"] if host["name"] == name)

    def playbook(self, name, *arguments, extra=None, environment=None, interrupt_at=None, timeout=900):
        """Run one of our playbooks. interrupt_at: send SIGINT, as Ctrl-C does, when this text is printed."""
        words = [str(Path(sys.executable).with_name("ansible-playbook")), str(ROOT / "playbooks" / name)]
        words += ["-i", str(self.inventory), *arguments]
        if extra:  # in a file: a key on the command line would be the test's own leak
            with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
                json.dump(extra, file)
            words += ["-e", f"@{file.name}"]
        plain = {"ANSIBLE_NOCOLOR": "1", "COLUMNS": "250", "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **plain, **(environment or {})},
            start_new_session=True,  # so that the signal reaches Ansible and its workers, and not pytest
        ) as process:
            output, deadline = "", time.monotonic() + timeout
            for line in process.stdout:
                output += line
                print(line, end="", flush=True)
                if interrupt_at and interrupt_at in output:
                    time.sleep(1)
                    os.killpg(process.pid, signal.SIGINT)
                    interrupt_at = None
                if time.monotonic() > deadline:
                    os.killpg(process.pid, signal.SIGKILL)
            return Run(process.wait(), output)

    def ask(self, host, port, path, key=None, body=None, timeout=30):
        """HTTP status and text; status 0 when nobody answers."""
        request = urllib.request.Request(f"http://{self.address(host)}:{port}{path}")
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def completion(self, host, port, model, key=None):
        body = {"model": model, "prompt": "The quick brown fox", "max_tokens": 8, "temperature": 0}
        return self.ask(host, port, "/v1/completions", key=key, body=body)

    def token_ids(self, host, port, model, prompt, key=None):
        """The ids of the tokens that answer a prompt: texts may be the same where they are not."""
        body = {"model": model, "prompt": prompt, "max_tokens": 24, "temperature": 0, "return_token_ids": True}
        status, text = self.ask(host, port, "/v1/completions", key=key, body=body)
        assert status == 200, text
        ids = json.loads(text)["choices"][0]["token_ids"]
        assert ids
        return ids

    def wait_for_token(self, host, port, model, key=None, timeout=240):
        """Seconds until a completion came back."""
        start = time.monotonic()
        while time.monotonic() - start < timeout:
            status, text = self.completion(host, port, model, key)
            if status == 200 and json.loads(text)["usage"]["completion_tokens"] > 0:
                return time.monotonic() - start
            time.sleep(1)
        raise AssertionError(
            f"no token from {model} on {host}:{port} in {timeout} seconds; last answer: {status} {text}"
        )

    def wait_for_ssh(self, host, timeout=60):
        """Until the host can be logged in to."""
        end = time.monotonic() + timeout
        while True:
            with contextlib.suppress(RuntimeError):  # testinfra's word for ssh's own failure
                self.host(host).run_expect([0], "true")
                return
            assert time.monotonic() < end, f"no ssh to {host} in {timeout} seconds"
            time.sleep(1)

    def wait_for_guards(self, engine, *hosts, timeout=240):
        """Until the guards of an engine's members say that it serves: they look every few seconds."""
        end = time.monotonic() + timeout
        while True:
            files = [self.host(name).file(f"/run/vllm-guard/{engine}.status.json").content_string for name in hosts]
            phases = {name: json.loads(text)["phase"] for name, text in zip(hosts, files)}
            if set(phases.values()) == {"serving"}:
                return
            assert time.monotonic() < end, f"the guards of {engine} after {timeout} seconds: {phases}"
            time.sleep(1)


def main_pid(host, unit):
    return int(host.check_output("systemctl show --property=MainPID --value %s", unit))


def journal(host, unit):
    return host.check_output("journalctl --no-pager --output=cat --unit=%s", unit)
