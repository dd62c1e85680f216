# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tables and a release disagree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import typing as t
from pathlib import Path

from module_utils.releases import flags, timelines
from observation import FACTS, SECTIONS, Observation

_SAMPLES = {
    "boolean": ["true"],
    "int": ["1"],
    "float": ["0.5"],
    "string": ["k=1"],
    "json": ["{}"],
    "list": ["x"],
    "append": ["x"],
}


def from_sources(seen: Observation) -> list[str]:
    """Differences between the tables and what the sources of a release tell."""
    found = []
    for table, section in SECTIONS:
        listed = {name: line.at(seen.release) for name, line in timelines.timelines(table, section).items()}
        present = seen.columns[table, section]
        for name in sorted({*listed, *present}):
            ours, theirs = listed.get(name), present.get(name)
            untold = theirs is None and (table, section) == FACTS and not seen.told
            if ours != theirs and not untold:
                found.append(f"{table} {section}: {name}: table {_said(ours)}, sources {_said(theirs)}")
    return found


def from_parser(python: Path) -> tuple[str, int, list[str]]:
    """(release, number of options tried, differences) of the vLLM that a Python holds.

    Every option that the tables list, with its twins, must be one of the parser's, be taken by it in earnest and be of
    the same kind; every option of the parser and of ``vllm serve --help=all`` must be in the tables.
    """
    first = _run_live(python, {})
    release = str(first["release"]).partition("+")[0]
    listed = {f"--{spelling}": name for name in flags.names(release) for spelling in flags.spellings(name, release)}
    tries = {option: [option, *_sample(option, name, release)] for option, name in listed.items() if option != "--help"}
    said = _run_live(python, tries)
    options: dict[str, str] = {name: kind for name, kind in said["options"].items() if name.startswith("--")}
    found = [f"{option}: in the tables, not an option" for option in sorted(set(listed) - set(options))]
    found += [f"{option}: an option, not in the tables" for option in sorted(set(options) - set(listed))]
    found += [f"{option}: refused: {error}" for option, error in said["tries"].items() if error]
    for option, kind in options.items():
        ours = flags.kind(listed[option], release) if option in listed else kind
        if ours != kind:
            found.append(f"{option}: table {ours}, parser {kind}")
    found += _limits(said, listed, release)
    found += [f"{option}: in --help=all, not in the tables" for option in sorted(_helped(python) - set(listed))]
    return release, len(tries), found


def _limits(said: t.Mapping[str, t.Any], listed: t.Mapping[str, str], release: str) -> list[str]:
    """Words that options are limited to, as far as the table tells them, and numbers that need not be digits."""
    found = []
    for option, name in listed.items():
        ours, theirs = flags.choices(name, release), tuple(said["choices"].get(option, ()))
        if option == f"--{name}" and ours and ours != theirs:
            found.append(f"{option}: table limits it to {ours}, parser to {theirs}")
        if option == f"--{name}" and bool(flags.readable(name, release)) != (option in said["readable"]):
            found.append(f"{option}: table {flags.readable(name, release)!r}, parser {option in said['readable']}")
    return found


def _sample(option: str, name: str, release: str) -> list[str]:
    """A value to try an option with; a twin takes none."""
    return _SAMPLES.get(flags.kind(name, release) or "", []) if option == f"--{name}" else []


def _run_live(python: Path, tries: t.Mapping[str, t.Sequence[str]]) -> dict[str, t.Any]:
    with tempfile.TemporaryDirectory() as folder:
        output, wanted = Path(folder, "output.json"), Path(folder, "tries.json")
        wanted.write_text(json.dumps(tries), encoding="utf-8")
        script = Path(__file__).with_name("live_parser.py")
        _run([python, "-B", script, output, wanted], folder)
        said: dict[str, t.Any] = json.loads(output.read_text(encoding="utf-8"))
        return said


def _helped(python: Path) -> set[str]:
    """The options that ``vllm serve --help=all`` lists, from the lines that begin with an option."""
    code = "import sys; sys.argv[0] = 'vllm'; from vllm.entrypoints.cli.main import main; main()"
    with tempfile.TemporaryDirectory() as folder:
        text = _run([python, "-B", "-c", code, "serve", "--help=all"], folder)
    lines = [line for line in text.splitlines() if re.match(r"\s+-", line)]
    helped = {option for line in lines for option in re.findall(r"(?:^|[\s,])(--[a-z0-9][a-z0-9-]*)", line)}
    helped -= {"--json-arg"}  # an example of how to write JSON
    if len(helped) < 100:
        raise SystemExit(f"vllm serve --help=all shows only {len(helped)} options: is it the help?")
    return helped


def _run(command: t.Sequence[str | Path], home: str) -> str:
    environment = {**os.environ, "HOME": home, "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1"}
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _said(value: t.Any) -> str:
    return "has none" if value is None else "has it" if value is True else repr(value)
