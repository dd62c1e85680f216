# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that answer in time or are stopped."""

from __future__ import annotations

import typing as t

#: coreutils timeout: stopped, killed.
_STOPPED = (124, 137)


class Answer(t.NamedTuple):
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def stopped(self) -> bool:
        """It did not answer in time."""
        return self.status in _STOPPED

    @property
    def text(self) -> str:
        return self.out + "\n" + self.err


class Module(t.Protocol):
    """What is used of an AnsibleModule."""

    def get_bin_path(self, arg: str, required: bool = ...) -> str | None: ...

    def run_command(self, args: t.Sequence[str], **kwargs: t.Any) -> tuple[int, str, str]: ...


class Commands:
    """Runs commands of a host, one after another: run_command forks in a way that threads must not.

    ``run_command`` has no time-out, and nvidia-smi on a broken driver can hang for ever. timeout: seconds, of each.
    """

    def __init__(self, module: Module, timeout: int) -> None:
        self.module = module
        self.timeout = timeout

    def find(self, name: str) -> str | None:
        """The path of a program, None where there is none."""
        return self.module.get_bin_path(name)

    def run(self, *words: str, data: str | None = None) -> Answer:
        """The answer of a command; its messages are in English. data: what it reads from its standard input."""
        timeout = self.module.get_bin_path("timeout", required=True)
        argv = [str(timeout), "--kill-after=2", str(self.timeout), *words]
        environment = {"LANG": "C", "LC_ALL": "C"}
        status, out, err = self.module.run_command(argv, data=data, errors="replace", environ_update=environment)
        # timeout ends by the signal that it had to send; a shell tells it as here.
        return Answer(status if status >= 0 else 128 - status, out, err)
