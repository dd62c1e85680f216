# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few calls of systemctl that a transaction makes, each for all of its units at once."""

from __future__ import annotations

import typing as t

from .errors import UnitError

#: Runs a command and returns exit status, standard output and standard error.
Run = t.Callable[[list[str]], tuple[int, str, str]]

_PROPERTIES = (
    "Id",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "FragmentPath",
    "NeedDaemonReload",
    "Result",
    "ExecMainStatus",
)


class Systemctl:
    """systemctl's verbs. Each raises UnitError with the verb as its step when systemctl fails."""

    def __init__(self, run: Run, program: str = "systemctl") -> None:
        self._run = run
        self._program = program

    def show(self, names: t.Sequence[str]) -> dict[str, dict[str, str]]:
        """Properties of each unit, one call for all; a unit systemd does not know is ``inactive``, with no path."""
        if not names:
            return {}
        output = self._call("show", ["--property", ",".join(_PROPERTIES), *names])
        blocks = parse_blocks(output)
        if len(blocks) != len(names):
            raise UnitError(f"systemctl told of {len(blocks)} units, asked for {len(names)}", step="show")
        return dict(zip(names, blocks))

    def daemon_reload(self) -> None:
        self._call("daemon-reload", [])

    def enable(self, names: t.Sequence[str]) -> None:
        """Makes the links of [Install]; the caller reloads."""
        self._on("enable", names, "--no-reload")

    def disable(self, names: t.Sequence[str]) -> None:
        self._on("disable", names, "--no-reload")

    def stop(self, names: t.Sequence[str]) -> None:
        self._on("stop", names)

    def start(self, names: t.Sequence[str]) -> None:
        self._on("start", names)

    def restart(self, names: t.Sequence[str]) -> None:
        self._on("restart", names)

    def reset_failed(self, names: t.Sequence[str]) -> None:
        """Forgets that units failed: a removed unit that had would stay in systemd's list."""
        self._on("reset-failed", names)

    def _on(self, verb: str, names: t.Sequence[str], *options: str) -> None:
        if names:
            self._call(verb, [*options, *names], unit=names[0] if len(names) == 1 else "")

    def _call(self, verb: str, arguments: t.Sequence[str], unit: str = "") -> str:
        code, output, errors = self._run([self._program, verb, *arguments])
        if code != 0:
            problem = errors.strip() or output.strip() or f"exit status {code}"
            raise UnitError(problem, unit=unit, step=f"systemctl {verb}")
        return output


def parse_blocks(output: str) -> list[dict[str, str]]:
    """``systemctl show`` of several units: a block of ``Name=value`` lines each, in the order asked for."""
    blocks = []
    for block in output.strip().split("\n\n"):
        pairs = (line.partition("=") for line in block.split("\n"))
        blocks.append({name: value for name, _equals, value in pairs})
    return blocks
