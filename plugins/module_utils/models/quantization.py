# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""quantization_config of any kind: which matrices are written with few bits, and how."""

from __future__ import annotations

import dataclasses
import typing as t

from . import schemes
from .document import Document
from .exclusions import Names
from .fields import Fields
from .schemes import Scheme, group_size, grouped
from .weights import EXPERTS, OUTPUT, Weight

_SKIPPED = (
    "modules_to_not_convert",
    "ignore",
    "ignored_layers",
    "exclude_modules",
    "exclude",
    "llm_int8_skip_modules",
    "skip_modules",
)


@dataclasses.dataclass(frozen=True)
class Rule:
    """scheme: for linear matrices of ``part`` (all when empty) whose module is in ``targets`` (any when None)."""

    scheme: Scheme
    part: str = ""
    targets: Names | None = None


@dataclasses.dataclass(frozen=True)
class Quantization:
    """How a checkpoint is quantized.

    method: as vLLM calls it. rules: the first that fits a matrix holds; a matrix without one is not quantized.
    skipped: modules that are not quantized. output: the output matrix is. known: False when the method's bytes are
    not known, so that sizes are an upper bound. kv_cache: ``fp8`` when the checkpoint asks for such a cache.
    block: outputs and inputs of a block of fp8 weights, which tensor parallelism must not cut.
    """

    method: str
    rules: tuple[Rule, ...]
    skipped: Names
    output: bool = False
    known: bool = True
    kv_cache: str = ""
    block: tuple[int, int] | None = None

    def scheme(self, weight: Weight) -> Scheme | None:
        """How this matrix is written; None when not quantized."""
        if not weight.linear or (weight.part == OUTPUT and not self.output) or weight.module in self.skipped:
            return None
        for rule in self.rules:
            if rule.part in ("", weight.part) and (rule.targets is None or weight.module in rule.targets):
                return rule.scheme
        return None

    @property
    def description(self) -> str:
        names = dict.fromkeys(rule.scheme.name for rule in self.rules)
        return f"{self.method} ({', '.join(names)})" if names else self.method


def read(document: Document) -> Quantization | None:
    """The quantization that the configuration declares; None without."""
    for level in (document.top, document.text):
        fields = level.inner("quantization_config", "compression_config")
        if fields is not None:
            return of_settings(fields, document)
    return None


def of_settings(fields: Fields, document: Document) -> Quantization | None:
    """A quantization_config, or what ModelOpt writes to hf_quant_config.json."""
    inner = fields.inner("quantization")
    if inner is not None:  # ModelOpt's older way: one level deeper
        fields = inner
    method = (fields.text("quant_method") or "").lower().replace("_", "-")
    if not method and fields.has("quant_algo"):
        method = "modelopt"
    elif not method and fields.has("config_groups"):
        method = "compressed-tensors"
    if not method:
        return None
    rules = _WAYS.get(method, _by_bits)(fields, document)
    block = next((rule.scheme for rule in rules if rule.scheme.rows > 1 and rule.scheme.columns > 1), None)
    every_linear = method == "compressed-tensors"
    return Quantization(
        method,
        tuple(rules),
        Names(_skipped(fields), fields.where("ignore")),
        output=every_linear or fields.flag("lm_head"),
        known=bool(rules) and not fields.has("sparsity_config"),
        kv_cache=_kv_cache(fields),
        block=(block.rows, block.columns) if block else None,
    )


def _skipped(fields: Fields) -> list[str]:
    found: list[str] = []
    for name in _SKIPPED:
        found += fields.texts(name) or []
    dynamic = fields.inner("dynamic")  # GPTQModel: "-:<expression>"
    found += ["re:" + name[2:] for name in (dynamic.values if dynamic is not None else ()) if name.startswith("-:")]
    return found


def _kv_cache(fields: Fields) -> str:
    scheme = fields.values.get("kv_cache_scheme")
    if isinstance(scheme, dict) and scheme.get("num_bits") == 8:
        return "fp8"
    found = fields.find("kv_cache_quant_algo")
    return "fp8" if found is not None and "FP8" in str(found[1]).upper() else ""


def _fp8(fields: Fields, document: Document) -> list[Rule]:
    block = fields.integers("weight_block_size", least=1)
    if block is not None and len(block) != 2:
        raise fields.error("weight_block_size", block, "does not have two numbers")
    scheme = schemes.fp8_blocks(*block) if block else schemes.FP8_TENSOR
    experts = document.text.text("expert_dtype") or document.top.text("expert_dtype") or fields.text("expert_dtype")
    return [Rule(schemes.MXFP4, EXPERTS)] * (experts == "fp4") + [Rule(scheme)]  # DeepSeek V4


def _gptq(fields: Fields, _document: Document) -> list[Rule]:
    bits = fields.need_integer("bits", "w_bit", most=16)
    return [Rule(grouped("gptq", bits, group_size(fields, 128), zero=True, order=True))]


def _awq(fields: Fields, _document: Document) -> list[Rule]:
    bits = fields.need_integer("bits", "w_bit", most=16)
    return [Rule(grouped("awq", bits, group_size(fields, 128), zero=True))]


def _bitsandbytes(fields: Fields, _document: Document) -> list[Rule]:
    four = fields.flag("load_in_4bit", "_load_in_4bit") or fields.integer("bits") == 4
    if not four:
        return [Rule(schemes.INT8_ROW)]
    doubled = fields.flag("bnb_4bit_use_double_quant")
    return [Rule(dataclasses.replace(schemes.NF4, scale=1) if doubled else schemes.NF4)]


def _compressed_tensors(fields: Fields, _document: Document) -> list[Rule]:
    groups = fields.inner("config_groups")
    result = []
    for name in groups.values if groups is not None else ():
        if groups is None or not isinstance(groups.values[name], dict):
            continue  # a name of a preset
        group = groups.inner(name)
        weights = group.inner("weights") if group is not None else None
        if group is None or weights is None:
            continue
        scheme = schemes.of_compressed_tensors(weights, group.text("format") or fields.text("format") or "")
        targets = [target for target in group.texts("targets") or [] if target[:1].islower()]  # classes are upper case
        if scheme is not None:
            result.append(Rule(scheme, "", Names(targets, group.where("targets")) if targets else None))
    return result


_ALGORITHMS: t.Mapping[str, Scheme] = {
    "FP8": schemes.FP8_TENSOR,
    "FP8_PER_CHANNEL_PER_TOKEN": schemes.FP8_ROW,
    "FP8_PB_WO": schemes.fp8_blocks(128, 128),
    "INT4_AWQ": grouped("awq", 4, 128, zero=False),
    "INT8_SQ": schemes.INT8_ROW,
    "MXFP4": schemes.MXFP4,
    "MXFP8": schemes.MXFP8,
    "NVFP4": schemes.NVFP4,
    "NVFP4_AWQ": schemes.NVFP4,
    "W4A16_AWQ": grouped("awq", 4, 128, zero=False),
    "W4A16_NVFP4": schemes.NVFP4,
    "W4A8_AWQ": grouped("awq", 4, 128, zero=False),
    "W4A8_MXFP4_FP8": schemes.MXFP4,
    "W8A8_SQ_PER_CHANNEL": schemes.INT8_ROW,
}


def _modelopt(fields: Fields, document: Document) -> list[Rule]:
    name = (fields.text("quant_algo") or "").upper()
    layers = fields.inner("quantized_layers")  # MIXED_PRECISION: a way for each module
    if layers is not None:
        ways: dict[str, list[str]] = {}
        for module in layers.values:
            one = layers.inner(module)
            ways.setdefault((one.text("quant_algo") or "").upper() if one is not None else "", []).append(module)
        return [
            Rule(_ALGORITHMS[way], "", Names(modules, layers.path))
            for way, modules in ways.items()
            if way in _ALGORITHMS
        ]
    if name in _ALGORITHMS:
        return [Rule(_ALGORITHMS[name])]
    return _compressed_tensors(fields, document)


def _quark(fields: Fields, _document: Document) -> list[Rule]:
    whole = fields.inner("global_quant_config")
    weights = whole.inner("weight") if whole is not None else None
    kind = (weights.text("dtype") or "") if weights is not None else ""
    if weights is None or not kind:
        return []
    if kind.startswith("fp4"):
        return [Rule(schemes.MXFP4)]
    if kind.startswith("fp8"):
        return [Rule(schemes.FP8_ROW if weights.text("qscheme") == "per_channel" else schemes.FP8_TENSOR)]
    bits = "".join(sign for sign in kind if sign.isdecimal())
    return [Rule(grouped("quark", int(bits), group_size(weights, 0), zero=False))] if bits in ("2", "4", "8") else []


def _only(scheme: Scheme, part: str = "") -> t.Callable[[Fields, Document], list[Rule]]:
    return lambda _fields, _document: [Rule(scheme, part)]


def _by_bits(fields: Fields, _document: Document) -> list[Rule]:
    """Any other method that says how many bits it takes."""
    inner = fields.inner("quant_config")  # HQQ
    params = inner.inner("weight_quant_params") if inner is not None else None
    source = params or fields
    found = source.find("bits", "w_bit", "nbits", "num_bits", "weight_bits", "wbits")
    if found is None or isinstance(found[1], bool) or found[1] not in range(1, 17):
        return []
    method = fields.text("quant_method") or "quantized"
    return [Rule(grouped(method, int(found[1]), group_size(source, 0), zero=True))]


_WAYS: t.Mapping[str, t.Callable[[Fields, Document], list[Rule]]] = {
    "awq": _awq,
    "awq-marlin": _awq,
    "bitsandbytes": _bitsandbytes,
    "compressed-tensors": _compressed_tensors,
    "eetq": _only(schemes.INT8_ROW),
    "fbgemm-fp8": _only(schemes.FP8_ROW),
    "fp8": _fp8,
    "gptq": _gptq,
    "gptq-marlin": _gptq,
    "modelopt": _modelopt,
    "modelopt-fp4": _modelopt,
    "modelopt-mixed": _modelopt,
    "modelopt-mxfp8": _only(schemes.MXFP8),
    "mxfp4": _only(schemes.MXFP4, EXPERTS),
    "mxfp8": _only(schemes.MXFP8),
    "nvfp4": _only(schemes.NVFP4),
    "ptpc-fp8": _only(schemes.FP8_ROW),
    "quark": _quark,
}
