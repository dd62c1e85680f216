# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the release tables with vLLM itself, or write them anew.

check    compares with unpacked sources: source distributions, wheels, or a site-packages folder
parser   compares with the argument parser of installed vLLMs, each given by its Python
update   takes releases into the tables; the files are written anew
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "plugins"), str(Path(__file__).resolve().parent)]

import differences  # noqa: E402
from module_utils.releases import tables  # noqa: E402
from observation import observe  # noqa: E402
from source_tree import SourceTree  # noqa: E402
from table_files import Columns  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0, or 1 where something differs."""
    parser = argparse.ArgumentParser("release_table", None, __doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check").add_argument("trees", nargs="+", type=Path, metavar="FOLDER")
    commands.add_parser("parser").add_argument("pythons", nargs="+", type=Path, metavar="PYTHON")
    update = commands.add_parser("update")
    update.add_argument("trees", nargs="*", type=Path, metavar="FOLDER", help="none: write what is known as it is")
    update.add_argument("--into", type=Path, default=tables.FOLDER, metavar="FOLDER", help="where the files go")
    given = parser.parse_args(arguments)
    if given.command == "update":
        return _update(given.trees, given.into)
    if given.command == "check":
        failed = [_check_tree(tree) for tree in given.trees]
    else:
        failed = [_check_parser(python) for python in given.pythons]
    return int(any(failed))


def _update(trees: list[Path], folder: Path) -> int:
    columns = Columns.read()
    for tree in trees:
        columns.put(observe(SourceTree(tree)))
    columns.write(folder)
    print(f"{len(columns.releases())} releases, {columns.releases()[0]} to {columns.releases()[-1]}")
    return 0


def _check_tree(folder: Path) -> bool:
    seen = observe(SourceTree(folder))
    names = sum(len(column) for column in seen.columns.values())
    return _report(f"{seen.release}: {names} names in its sources", differences.from_sources(seen))


def _check_parser(python: Path) -> bool:
    release, tried, found = differences.from_parser(python)
    return _report(f"{release}: {tried} options tried on its parser", found)


def _report(title: str, found: list[str]) -> bool:
    print(f"{title}, {len(found)} differences")
    for line in found:
        print(f"  {line}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
