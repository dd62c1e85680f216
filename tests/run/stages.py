# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make test` runs, cheapest first; what has no clock runs beside the rest.

Usage: stages.py [STAGE...]
"""

from __future__ import annotations

import subprocess
import sys
import typing as t

import runner
import sanity
import tarball
import units
from checkout import CACHE, LINK, ROOT, VENV
from runner import Skip, Stage, Step

Steps = t.Generator[t.Union[Step, Skip], None, None]


def tool(name: str, *arguments: str) -> Step:
    return Step(name, [VENV / name, *arguments], ROOT)


def lint() -> Steps:
    scripts = [str(path.relative_to(ROOT)) for path in [*sorted(ROOT.glob("tests/run/*.sh")), ROOT / ".ci" / "run"]]
    # It imports our modules in its own process, to check the options that tasks give them.
    modules = {"PYTHONPATH": str(ROOT / LINK)}
    yield Step("ansible-lint", [VENV / "ansible-lint", "--offline", "--strict"], ROOT, modules)
    yield tool("yamllint", "--strict", ".")
    yield Step("ruff check", [VENV / "ruff", "check"], ROOT)
    yield Step("ruff format", [VENV / "ruff", "format", "--check"], ROOT)
    yield tool("mypy", "plugins/module_utils")
    yield tool("shellcheck", *scripts)


def docs() -> Steps:
    yield tool("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", ".")


def changelog() -> Steps:
    yield tool("antsibull-changelog", "lint")


def checks() -> Steps:
    report = CACHE / "reports" / "checks.xml"
    command = [VENV / "python", "-m", "pytest", "--quiet", f"--junitxml={report}", "tests/checks"]
    yield Step("repository", command, ROOT, report=report)


#: Scenarios that make hosts ready. No test of theirs has a clock, and their hosts get few processor shares.
READYING = frozenset({"container", "host", "model", "nvidia", "python_env"})


def molecule() -> Steps:
    """The scenarios that serve, and look at the clock."""
    yield from scenarios(lambda name: name not in READYING)


def readying() -> Steps:
    """The scenarios that make hosts ready."""
    yield from scenarios(lambda name: name in READYING)


def scenarios(wanted: t.Callable[[str], bool]) -> Steps:
    """Molecule removes what it made, on failure too; after an interruption that is done here."""
    for name in filter(wanted, sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))):
        report = CACHE / "reports" / f"molecule-{name}.xml"
        options = {"PYTEST_ADDOPTS": f"--junitxml='{report}'"}
        finished = False
        try:
            yield Step(name, [VENV / "molecule", "test", "--scenario-name", name], ROOT, options, report)
            finished = True
        finally:
            if not finished:
                subprocess.run([VENV / "molecule", "destroy", "--scenario-name", name], cwd=ROOT, check=False)


STAGES = (
    Stage("lint", lint),
    Stage("docs", docs),
    Stage("changelog", changelog),
    Stage("checks", checks),
    Stage("unit", units.steps, beside=True),
    Stage("processes", units.processes),
    Stage("sanity", sanity.steps, beside=True),
    Stage("readying", readying, beside=True),
    Stage("tarball", tarball.steps),
    Stage("molecule", molecule),
)

if __name__ == "__main__":
    sys.exit(runner.main(STAGES, sys.argv[1:]))
