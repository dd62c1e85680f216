# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that compares the tables with vLLM and writes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import flags, tables

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "galaxy.yml").is_file())
SCRIPT = ROOT / "tests" / "release_table"

#: A vLLM in a few lines, with every way of declaring things that the scanner must follow.
SOURCES = {
    "_version.py": "__version__ = version = '99.1.0'\n",
    "envs.py": 'environment_variables = {"VLLM_NEW": lambda: 1, "PLAIN": lambda: 2}\n',
    "other.py": 'import os\nx = os.environ.get("VLLM_READ_ELSEWHERE")\nmessage = "VLLM_ONLY_SAID"\n',
    "engine/arg_utils.py": """
import json
from vllm.config import ModelConfig, Kind
class EngineArgs:
    @staticmethod
    def add_cli_args(parser):
        model_kwargs = get_kwargs(ModelConfig)
        model_kwargs["patched"]["type"] = json.loads
        group = parser.add_argument_group(title="x")
        if not ("serve" in sys.argv[1:] and "--help" in sys.argv[1:]):
            group.add_argument("--size", "-sz", **model_kwargs["size"])
        if "serve" not in sys.argv[1:]:
            group.add_argument("--not-for-serve")
        group.add_argument("--flagged", **model_kwargs["flagged"])
        group.add_argument("--sizes", **{**model_kwargs["sizes"], "default": None})
        group.add_argument("--nested", **model_kwargs["nested"])
        model_kwargs["choice"]["choices"].remove(GONE)
        group.add_argument("--choice", **model_kwargs["choice"])
        group.add_argument("--any-text", **model_kwargs["any_text"])
        group.add_argument("--listed", choices=[*WORDS, "c", None], type=str)
        group.add_argument("--told-late", choices=["a"] + current_platform.words)
        group.add_argument("--room", **model_kwargs["room"])
        group.add_argument("--patched", **model_kwargs["patched"])
        group.add_argument("--plain", action="store_true")
        for arg, type in [("--looped-text", str), ("--looped-number", int)]:
            group.add_argument(arg, type=type)
        return parser
class AsyncEngineArgs(EngineArgs):
    @staticmethod
    def add_cli_args(parser, async_args_only=False):
        if not async_args_only:
            parser = EngineArgs.add_cli_args(parser)
        parser.add_argument("--asynchronous", action=argparse.BooleanOptionalAction)
        return parser
def get_kwargs(cls):
    if name == "size":
        kwargs[name]["type"] = human_readable_int_or_auto
    elif name in readable:
        kwargs[name]["type"] = human_readable_int
    readable = {"room", "else"}
WORDS = ("x", "y")
GONE = "gone"
def _compute_kwargs(cls): ...
""",
    "config/__init__.py": """
from typing import Literal, Optional
More = Literal["b", "gone"]
Kind = Literal["a", More]
@config
class Inner:
    x: int = 1
@config
class ModelConfig:
    size: int | None = None
    flagged: bool = False
    sizes: list[int] | None = None
    nested: Optional[Inner] = None
    choice: Kind | None = None
    any_text: Kind | str = ""
    room: int | None = None
    patched: str = ""
""",
    "config/cache.py": "class CacheConfig:\n    gpu_memory_utilization: float = Field(default=0.77, gt=0, le=1)\n",
    "config/kv_transfer.py": "class KVTransferConfig:\n    kv_connector: str | None = None\n    kv_new: int = 1\n",
    "entrypoints/cli/serve.py": """
class ServeSubcommand(CLISubcommand):
    name = "serve"
    def subparser_init(self, subparsers):
        serve_parser = subparsers.add_parser(self.name)
        serve_parser = make_arg_parser(serve_parser)
        return serve_parser
""",
    "entrypoints/cli/benchmark/new.py": 'class NewSubcommand(BenchmarkSubcommandBase):\n    name = "novel"\n',
    "entrypoints/common/cli_args.py": """
from vllm.engine.arg_utils import AsyncEngineArgs
class BaseFrontendArgs:
    lora: list[str] | None = None
    @classmethod
    def _customize_cli_kwargs(cls, frontend_kwargs):
        frontend_kwargs["lora"]["action"] = LoRAParserAction
        frontend_kwargs["lora"]["type"] = optional_type(str)
        return frontend_kwargs
    @classmethod
    def add_cli_args(cls, parser):
        frontend_kwargs = get_kwargs(cls)
        frontend_kwargs = cls._customize_cli_kwargs(frontend_kwargs)
        for key, value in frontend_kwargs.items():
            extra_flags = value.pop("flags", [])
            parser.add_argument(*extra_flags, f"--{key.replace('_', '-')}", **value)
        return parser
class FrontendArgs(BaseFrontendArgs):
    origins: list[str] = field(default_factory=list)
    @classmethod
    def _customize_cli_kwargs(cls, frontend_kwargs):
        frontend_kwargs = super()._customize_cli_kwargs(frontend_kwargs)
        frontend_kwargs["origins"]["type"] = json.loads
        del frontend_kwargs["origins"]["nargs"]
        return frontend_kwargs
def make_arg_parser(parser):
    parser.add_argument("model_tag", type=str, nargs="?")
    parser.add_argument("--config", help="x")
    parser = FrontendArgs.add_cli_args(parser)
    parser = AsyncEngineArgs.add_cli_args(parser)
    return parser
""",
    "distributed/kv_transfer/kv_connector/factory.py": """
KVConnectorFactory.register_connector("NewConnector", "vllm.distributed.kv_transfer.kv_connector.v1.new", "New")
""",
    "distributed/kv_transfer/kv_connector/v1/new.py": 'x = config.get_from_extra_config("new_key", 1)\n',
    "model_executor/layers/quantization/__init__.py": """
from typing import Literal, get_args
QuantizationMethods = Literal["awq", "novel", "inherited", "shorthand", "other_machines"]
QUANTIZATION_METHODS = list(get_args(QuantizationMethods))
DEPRECATED_QUANTIZATION_METHODS = ["novel"]
def get_quantization_config(quantization):
    from vllm.config.quantization import _SHORTHANDS
    from .novel import ElsewhereConfig, InheritedConfig, NovelConfig
    given: type = NovelConfig
    method_to_config = {
        "awq": NovelConfig, "novel": given, "inherited": InheritedConfig, "other_machines": ElsewhereConfig
    }
    for shorthand in _SHORTHANDS:
        method_to_config.setdefault(shorthand, NovelConfig)
    return method_to_config[quantization]
""",
    "model_executor/layers/quantization/novel.py": """
class NovelConfig:
    def get_min_capability(cls):
        return 87
class InheritedConfig(NovelConfig): ...
class ElsewhereConfig:
    def get_min_capability(cls):
        raise NotImplementedError
""",
    "model_executor/layers/quantization/quark/schemes/new.py": """
class QuarkNew:
    def get_min_capability(cls):
        if envs.X:
            return 80
        return 100
class QuarkLikeNew:
    def get_min_capability(cls):
        return QuarkNew.get_min_capability()
""",
    "config/quantization.py": '_SHORTHANDS = {"shorthand": 1}\n',
    "v1/metrics.py": """
class M:
    def __init__(self):
        self.a = self._counter_cls(name="vllm:new_things", documentation="x")
        if self.show_hidden_metrics:
            self.b = self._gauge_cls(name="vllm:hidden_thing", documentation="x")
        self.c = {C.LATER: HistogramMetadata("x")}
class C:
    LATER = "vllm:told_later_seconds"
""",
}
EXPECTED = {
    "serve_flags flags: size: table has none, sources 'int'",
    "serve_flags flags: flagged: table has none, sources 'pair'",
    "serve_flags flags: sizes: table has none, sources 'list'",
    "serve_flags flags: nested: table has none, sources 'json'",
    "serve_flags flags: choice: table has none, sources 'string'",
    "serve_flags choices: choice: table has none, sources ['a', 'b']",
    "serve_flags choices: dtype: table ['auto', 'bfloat16', 'float', 'float16', 'float32', 'half'], sources has none",
    "serve_flags choices: listed: table has none, sources ['c', 'x', 'y']",
    "serve_flags readable: size: table has none, sources 'suffix or auto'",
    "serve_flags readable: room: table has none, sources 'suffix'",
    "serve_flags flags: patched: table has none, sources 'json'",
    "serve_flags flags: plain: table has none, sources 'switch'",
    "serve_flags flags: looped-text: table has none, sources 'string'",
    "serve_flags flags: looped-number: table has none, sources 'int'",
    "serve_flags flags: asynchronous: table has none, sources 'pair'",
    "serve_flags flags: lora: table has none, sources 'list'",
    "serve_flags flags: origins: table has none, sources 'json'",
    "serve_flags flags: max-model-len: table 'int', sources has none",
    "serve_flags short_forms: sz: table has none, sources 'size'",
    "environment_variables variables: VLLM_NEW: table has none, sources has it",
    "environment_variables variables: PLAIN: table has none, sources has it",
    "environment_variables variables: VLLM_READ_ELSEWHERE: table has none, sources has it",
    "connectors kv_connectors: NewConnector: table has none, sources has it",
    "connectors kv_connectors: NixlConnector: table has it, sources has none",
    "connectors transfer_keys: kv_new: table has none, sources has it",
    "connectors extra_keys: NewConnector new_key: table has none, sources has it",
    "metrics metrics: vllm:new_things_total: table has none, sources 'counter shown'",
    "metrics metrics: vllm:hidden_thing: table has none, sources 'gauge hidden'",
    "metrics metrics: vllm:told_later_seconds: table has none, sources 'histogram shown'",
    "quantization methods: awq: table 75, sources 87",
    "quantization methods: novel: table has none, sources 87",
    "quantization methods: inherited: table has none, sources 87",
    "quantization methods: shorthand: table has none, sources 87",
    "quantization methods: other_machines: table has none, sources 'elsewhere'",
    "quantization methods: gptq: table 60, sources has none",
    "quantization deprecated: novel: table has none, sources has it",
    "quantization schemes: QuarkNew: table has none, sources 80",
    "quantization schemes: QuarkLikeNew: table has none, sources 80",
    "releases commands: bench novel: table has none, sources has it",
    "releases facts: gpu_memory_utilization: table '0.92', sources '0.77'",
}


def run(*arguments, **options):
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)


@pytest.fixture
def tree(tmp_path):
    for name, text in SOURCES.items():
        file = tmp_path / "vllm" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def test_a_release_that_differs(tree):
    done = run("check", tree)
    assert done.returncode == 1, done.stderr
    lines = {line.strip() for line in done.stdout.splitlines()}
    assert not EXPECTED - lines
    for absent in (
        "choices: any-text",
        "choices: told-late",
        "not-for-serve",
        "model-tag",
        "VLLM_ONLY_SAID",
        " facts: torch",
    ):
        assert not [line for line in lines if absent in line and "table has none" in line], absent


def test_a_release_is_taken_in_and_then_agrees(tree, tmp_path):
    into = tmp_path / "data"
    into.mkdir()
    done = run("update", tree, "--into", into)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("0.7.0 to 99.1.0")
    text = (into / "serve_flags.json").read_text(encoding="utf-8")
    assert '    "max-model-len": [["0.7.0", "99.1.0", "int"]]' in text
    assert '    "looped-number": [["99.1.0", null, "int"]]' in text
    told = (into / "releases.json").read_text(encoding="utf-8")
    assert '"99.1.0"]' in told, "the release tells no needs"
    assert '    "gpu_memory_utilization": [["0.7.0", "0.20.0", "0.9"], ["0.20.0", "99.1.0", "0.92"]' in told
    assert '    "torch": [["0.7.0"' in told
    assert '["0.33.0", null, "==2.14.0"]' in told, "what a release does not tell is as in the one before"


def test_the_files_are_as_the_script_writes_them(tmp_path):
    assert run("update", "--into", tmp_path).returncode == 0
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (tables.FOLDER / file.name).read_bytes(), f"{file.name} was changed by hand"
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("entrypoints/common/cli_args.py", None, "has none of vllm.entrypoints.common.cli_args"),
        ("envs.py", "pass\n", "holds no environment_variables"),
        ("_version.py", "\n", "names no version"),
        ("engine/arg_utils.py", None, "holds no vllm package"),
        ("entrypoints/cli/serve.py", "class Other: ...\n", "declares no serve command"),
        ("model_executor/layers/quantization/__init__.py", "pass\n", "has no get_quantization_config"),
        ("config/quantization.py", "pass\n", "gives no class for 'shorthand'"),
        ("model_executor/layers/quantization/novel.py", "class NovelConfig: ...\n", "tells no capability of 'awq'"),
    ],
)
def test_sources_that_it_does_not_understand_are_refused(tree, file, text, complaint):
    if text is None:
        (tree / "vllm" / file).unlink()
    else:
        (tree / "vllm" / file).write_text(text, encoding="utf-8")
    done = run("check", tree)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


PYTHON = os.environ.get("VLLM_TEST_PYTHON", "")


@pytest.mark.skipif(not PYTHON, reason="VLLM_TEST_PYTHON names no Python that holds a vLLM to compare the tables with")
def test_the_tables_agree_with_an_installed_vllm():
    """Its parser takes every option listed, and lists every option known; its sources tell what the tables tell."""
    done = run("parser", PYTHON, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 differences" in done.stdout
    assert int(done.stdout.split(" options tried")[0].rpartition(" ")[2]) > len(flags.names(flags.oldest()))
    code = "import importlib.util as u; print(u.find_spec('vllm').submodule_search_locations[0])"
    found = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    done = run("check", Path(found.stdout.strip()).parent, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
