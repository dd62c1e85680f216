# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/refusals.md tells every id with what the planner really says for it, and every id has a case that brings it out.

To write the page's table anew: UPDATE_GOLDEN=1 make unit, then read the difference.
"""

from __future__ import annotations

import ast
import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import errors, secrets
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError
from ansible_collections.vllm.cluster.plugins.module_utils.planning.rules import RULES
from ansible_collections.vllm.cluster.plugins.plugin_utils import model_sources, probes_file

from tests.unit.plugins.module_utils.lock import test_lock
from tests.unit.plugins.module_utils.planning import (
    test_arguments,
    test_balancing,
    test_coherence,
    test_disaggregation,
    test_environments_said,
    test_fences,
    test_fitness,
    test_hazards,
    test_held_memory,
    test_interfaces_said,
    test_launch,
    test_plan_said,
    test_quantized,
    test_refusals,
    test_refusals_downloads,
    test_refusals_hosts,
    test_sides,
    test_transfers,
    test_variables,
)
from tests.unit.plugins.module_utils.planning.cases import Said, example, of, said
from tests.unit.plugins.module_utils.planning.helpers import parse, refusals_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "refusals.md"
PLUGINS = Path(errors.__file__).parents[2]
OK = {"name": "a", "model": "org/m", "hosts": "gpu1"}
TABLES = (
    test_arguments,
    test_coherence,
    test_environments_said,
    test_fences,
    test_fitness,
    test_hazards,
    test_held_memory,
    test_interfaces_said,
    test_launch,
    test_plan_said,
    test_quantized,
    test_sides,
    test_transfers,
    test_variables,
    test_balancing,
    test_lock,
)
HEAD = "| Id | What it guards | Says, for example | Fix |\n| --- | --- | --- | --- |\n"


def of_checks() -> list[Said]:
    """What the tables of single checks bring out."""
    return [example(case) for module in TABLES for case in module.CASES]


def of_sides() -> list[Said]:
    """What prefill and decode services and front doors bring out, after the plainer examples."""
    return [example(case) for case in test_disaggregation.CASES]


def of_plans() -> list[Said]:
    """What the tables of whole plans bring out."""
    found = []
    for _title, services, fleet, probes, path, _words in (
        *test_refusals.CASES,
        *test_refusals_hosts.CASES,
        *test_refusals_downloads.CASES,
    ):
        listed = services if isinstance(services, list) else []
        whole = fleet if listed == services else {**fleet, "vllm_services": services}
        found += [of(item) for item in refusals_of(*listed, probes=probes, **whole) if item.path == path]
    return found


def of_others(folder: Path) -> list[Said]:
    """What is said where secrets are looked up, and where files and hubs are read on the controller."""
    (folder / "probes.json").write_text(
        json.dumps({"schema_version": 1, "hosts": {"gpu1": {"dumps": ["topo.txt"]}}, "models": {}})
    )
    here = os.getcwd()
    os.chdir(folder)  # so that messages name files the same everywhere
    try:
        return [
            *raised(lambda: secrets.resolve([{"name": "chat"}], "chat.api_key")),
            *raised(lambda: probes_file.read("absent.json", ["gpu1"])),
            *raised(lambda: probes_file.read("probes.json", ["gpu1"])),
            *raised(lambda: probes_file.read("probes.json", ["gpu2"])),
            *raised(lambda: model_sources.collect(parse(OK, vllm_hub_endpoint="hub"), {}, {})),
            *raised(lambda: model_sources.collect(parse({**OK, "model_config": "absent"}), {}, {})),
        ]
    finally:
        os.chdir(here)


def raised(run: t.Callable[[], t.Any]) -> list[Said]:
    with pytest.raises(PlanError) as caught:
        run()
    return [of(item) for item in caught.value.refusals]


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> dict[str, Said]:
    """The first message of each id."""
    found: dict[str, Said] = {}
    for item in (*of_checks(), *of_plans(), *of_sides(), *of_others(tmp_path_factory.mktemp("files"))):
        found.setdefault(item.id, item)
    return found


def row(name: str, item: Said) -> str:
    cells = (f"`{name}`" + (" (warning)" if item.kind == "warns" else ""), RULES[name], item.text, item.fix)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("](", "]\\(") for cell in cells) + " |"


def test_every_id_is_brought_out_by_a_case(examples):
    assert set(RULES) - set(examples) == set()


def test_no_case_brings_out_an_id_that_is_not_registered(examples):
    assert set(examples) - set(RULES) == set()


def test_the_page_says_what_the_planner_says(examples):
    text = PAGE.read_text()
    before = text.partition(HEAD)[0]
    rows = [row(name, examples[name]) for name in sorted(set(RULES) & set(examples))]
    wanted = before + HEAD + "\n".join(rows) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(wanted)
        text = wanted
    assert text == wanted


def test_every_id_in_the_sources_is_registered_and_every_registered_one_is_used():
    written, literal = set(), set()
    folders = ("module_utils/planning/**/*.py", "module_utils/lock/*.py", "plugin_utils/*.py")
    for source in (path for folder in folders for path in PLUGINS.glob(folder)):
        if source.name == "rules.py":
            continue
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                written.add(node.value)
            if isinstance(node, ast.Call) and _is_saying(node) and isinstance(node.args[0], ast.Constant):
                literal.add(node.args[0].value)
    assert literal - set(RULES) == set()
    assert set(RULES) - written == set()


def _is_saying(node: ast.Call) -> bool:
    """``refusals.add(...)``, ``refusals.warn(...)`` and ``Refusal(...)``, whatever the collector is called."""
    if not node.args:
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id == "Refusal"
    collects = isinstance(node.func, ast.Attribute) and node.func.attr in ("add", "warn")
    return collects and "refusals" in ast.unparse(node.func.value)


def test_what_is_said_names_where_and_what_to_do(examples):
    for item in examples.values():
        assert item.path, item
        assert len(item.fix) > 5, item
        assert len(item.text) < 500, item


def test_a_warning_is_no_refusal():
    refusals = errors.Refusals()
    refusals.warn("shm-small", "a", "b", "c")
    refusals.raise_if_any()
    assert [item.kind for item in said(refusals)] == ["warns"]
