# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the vLLM that this Python holds, from its own parser. It is run by that Python and needs nothing else.

Usage: live_parser.py OUTPUT.json [TRIES.json]

TRIES.json maps a name to the command line that follows ``vllm serve MODEL``. OUTPUT.json then holds ``release``,
``options`` (each option string -> its kind, as value_kinds names them), ``choices`` (option string -> the words that it
is limited to), ``readable`` (those that take 32k for a number) and ``tries`` (name -> null, or what the parser said
against it).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import re
import sys
import typing as t
from pathlib import Path


class _Found(Exception):
    """The parser of ``vllm serve``, carried out of vLLM's own main()."""


def serve_parser() -> argparse.ArgumentParser:
    """Let vLLM build its command line, and stop it where it would read the arguments."""

    def stop(parser: argparse.ArgumentParser, *_args: t.Any, **_kwargs: t.Any) -> t.NoReturn:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                raise _Found(action.choices["serve"])
        raise SystemExit("the command line of this vLLM has no subcommands")

    sys.argv = ["vllm", "serve", "model"]
    try:
        main = importlib.import_module("vllm.entrypoints.cli.main")
    except ModuleNotFoundError:  # before 0.7.3
        main = importlib.import_module("vllm.scripts")
    kept = argparse.ArgumentParser.parse_args
    argparse.ArgumentParser.parse_args = stop  # type: ignore[method-assign, assignment]
    try:
        main.main()
    except _Found as found:
        parser: argparse.ArgumentParser = found.args[0]
        return parser
    finally:
        argparse.ArgumentParser.parse_args = kept  # type: ignore[method-assign]
    raise SystemExit("vLLM's main() did not read its arguments")


def kind(action: argparse.Action) -> str:
    """The kind of an option, by its action and by what its type makes of samples."""
    if isinstance(action, (argparse._StoreTrueAction, argparse._HelpAction)):
        return "switch"
    if isinstance(action, argparse.BooleanOptionalAction):
        return "pair"
    if isinstance(action, argparse._AppendAction):
        return "append"
    if type(action).__name__ == "StoreBoolean":
        return "boolean"
    if action.nargs:
        return "optional" if action.nargs == "?" else "list"
    if action.type is None:
        return "string"
    made = {sample: _made(action.type, sample) for sample in ("{}", "7", "0.5", "k=1")}
    if made["{}"] is None:
        if isinstance(made["7"], int):
            return "int"
        if isinstance(made["0.5"], float):
            return "float"
        return "string" if made["k=1"] is not None else "json"
    return "string" if isinstance(made["{}"], (str, list, bool)) else "json"


def limits(action: argparse.Action) -> list[str] | None:
    """The words that an option of one text is limited to."""
    words = [word for word in action.choices or () if word is not None and word != "None"]
    texts = kind(action) == "string" and all(isinstance(word, str) for word in words)
    return sorted(words) if words and texts else None


def _made(convert: t.Any, sample: str) -> t.Any:
    try:
        return convert(sample)
    except Exception:
        return None


def complaint(parser: argparse.ArgumentParser, arguments: list[str]) -> str | None:
    """What the parser says against a command line; None: it takes it, or only minds a value that was made up."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(["model", *arguments])
    except SystemExit as end:
        error = said.getvalue().strip().rpartition("error: ")[2]
        minds_value = re.search(r"(?i)invalid (choice|json|\S+ value)|ValidationError|cannot be converted", error)
        return None if minds_value or not end.code else error
    except (ValueError, TypeError, AssertionError, KeyError):
        return None  # it was past the option's name and found fault with the sample
    return None


def main(output: str, tries: str | None = None) -> None:
    parser = serve_parser()
    wanted: dict[str, list[str]] = json.loads(Path(tries).read_text(encoding="utf-8")) if tries else {}
    actions = parser._option_string_actions
    report = {
        "release": importlib.import_module("vllm").__version__,
        "options": {string: kind(action) for string, action in actions.items()},
        "choices": {string: limits(action) for string, action in actions.items() if limits(action)},
        "readable": [
            string for string, action in actions.items() if action.type and _made(action.type, "32k") == 32000
        ],
        "tries": {name: complaint(parser, arguments) for name, arguments in wanted.items()},
    }
    Path(output).write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
