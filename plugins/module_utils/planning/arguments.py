# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``args`` mean: values that the release or the model does not take, although each option by itself is right.

Whether a release has an option at all, serve.py says. Sources of the rules are files of vLLM, read at every release of
the tables.
"""

from __future__ import annotations

import typing as t

from ..models.config import ModelFacts
from ..releases import runtimes, versions
from . import transfers, variables
from .errors import Refusals
from .intent import Service
from .options import Options

#: config.py, config/cache.py: what block_size may be, up to which release; later any positive number.
_BLOCK_SIZES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("0.8.4", (8, 16, 32, 64, 128)),
    ("0.11.0", (1, 8, 16, 32, 64, 128)),
    ("0.17.1", (1, 8, 16, 32, 64, 128, 256)),
)
#: config/model.py, _FLOAT16_NOT_SUPPORTED_MODELS: first and last release that refuses FP16 for a model type.
_NO_FLOAT16: dict[str, tuple[str, str | None]] = {
    "gemma2": ("0.9.1", None),
    "gemma3": ("0.9.1", None),
    "gemma3_text": ("0.10.2", None),
    "glm4": ("0.9.1", None),
    "plamo2": ("0.9.1", "0.26.0"),
}
_HALF = ("half", "float16")
#: Methods of which one cannot load what the other wrote; config/model.py, _verify_quantization. Others may convert.
_APART = ("awq", "bitsandbytes", "compressed-tensors", "fp8", "gptq")
#: Options that only models with experts have a use for, beside those that vLLM refuses.
_FOR_EXPERTS = ("all2all-backend", "expert-placement-strategy", "moe-backend")
_COMMIT_LENGTH = 40


def check(
    service: Service,
    facts: ModelFacts | None,
    refusals: Refusals,
    *,
    packages: t.Sequence[str] = (),
    parallel: t.Mapping[str, t.Any] | None = None,
    several_hosts: bool | None = None,
) -> None:
    """Refuse what is certain to fail at start or is dangerous, warn of what likely disappoints.

    facts: of the service's model, None where it is not known. packages: ``vllm_env_packages``. parallel: the sizes of
    its engines, None before they are chosen; what was not written is not judged then. several_hosts: whether an engine
    has more than one; None before that is known.
    """
    options = Options(service)
    _numbers(options, refusals)
    _batches(options, refusals)
    _compilation(options, refusals)
    sizes = service.parallel if parallel is None else parallel
    _experts(service, options, facts, sizes, refusals)
    if facts is not None:
        _length(options, facts, refusals)
        _dtype(options, facts, refusals)
        _quantization(options, facts, refusals)
    _remote_code(service, options, refusals)
    transfers.check(service, options, packages, refusals)
    variables.check(service, options, facts, sizes, several_hosts, refusals)


def _numbers(options: Options, refusals: Refusals) -> None:
    share = options.number("gpu-memory-utilization")
    if share is not None and not 0 < share <= 1:
        fix = f"write {share / 100:g}" if 1 < share <= 100 else "write 0.9"
        rule = "is a share of the GPU's memory, above 0 and at most 1"
        refusals.add("memory-utilization", options.path("gpu-memory-utilization"), share, rule, fix)
    size = options.integer("block-size")
    if size is not None:
        _block_size(size, options, refusals)
    for name in ("max-model-len", "max-num-seqs", "max-num-batched-tokens"):
        value = options.integer(name)
        fits_memory = name == "max-model-len" and value == -1 and _since(options, "0.14.0")
        if value is not None and value < 1 and not fits_memory:
            refusals.add(
                "size-not-positive", options.path(name), value, "must be 1 or more", "leave it out, or raise it"
            )


def _block_size(size: int, options: Options, refusals: Refusals) -> None:
    path = options.path("block-size")
    wanted = versions.parse(options.version)
    for until, sizes in _BLOCK_SIZES:
        if wanted <= versions.parse(until):
            if size not in sizes:
                rule = f"vLLM {options.version} takes {', '.join(map(str, sizes))}"
                refusals.add("block-size", path, size, rule, "leave it out: vLLM picks what its kernels want")
                return
            break
    if size < 1:
        refusals.add("block-size", path, size, "must be 1 or more", "leave it out: vLLM picks what its kernels want")
    elif size % 16:
        message = (
            f"FlashAttention takes blocks of multiples of 16 tokens, not {size}: a slower kernel, or none, is used"
        )
        refusals.warn("block-size-odd", path, message, "leave it out: it saves no memory worth having")


def _batches(options: Options, refusals: Refusals) -> None:
    """config/scheduler.py, verify_max_model_len and its forerunners."""
    tokens, seqs = options.integer("max-num-batched-tokens"), options.integer("max-num-seqs")
    length = options.integer("max-model-len")
    path = options.path("max-num-batched-tokens")
    if tokens is None or tokens < 1:
        return
    if seqs is not None and tokens < seqs:
        rule = f"is below max_num_seqs = {seqs}, and every running request takes a token of each step"
        refusals.add("batched-tokens-low", path, tokens, rule, f"write {seqs} or more, or lower max_num_seqs")
    whole_prompts = options.is_off("enable-chunked-prefill") and _since(
        options, "0.12.0"
    )  # V1 took no such wish before
    if length is not None and length > tokens and whole_prompts:
        rule = f"is below max_model_len = {length}, and prompts are not taken in parts (enable_chunked_prefill: false)"
        refusals.add("batched-tokens-low", path, tokens, rule, f"write {length} or more, or leave chunked prefill on")
    if seqs is not None and length is not None and seqs > 0 and length > 0 and tokens > seqs * length:
        message = f"{tokens} tokens a step are more than max_num_seqs x max_model_len = {seqs * length} can fill"
        fix = f"write {seqs * length} or less: it is the budget of one step, and memory is kept free for it"
        refusals.warn("batched-tokens-high", path, message, fix)


def _compilation(options: Options, refusals: Refusals) -> None:
    """config/compilation.py: a bare level up to 0.9.1, ``level`` up to 0.17.1, ``mode`` since 0.11.1."""
    config = options.mapping("compilation-config")
    if config is None or not _since(options, "0.9.2"):
        return
    key = "mode" if _since(options, "0.11.1") else "level"
    bare = options.text("compilation-config")
    if bare.isdecimal():
        rule = f"vLLM {options.version} takes a mapping, not a bare level"
        refusals.add("argument-value", config.path, options.get("compilation-config"), rule, f"write {{{key}: {bare}}}")
    elif "level" in config.values and _since(options, "0.18.0"):
        path = config.paths.get("level", config.path)
        rule = f"vLLM {options.version} calls it mode"
        refusals.add("argument-value", path, config.values["level"], rule, f"write mode: {config.values['level']}")


def _length(options: Options, facts: ModelFacts, refusals: Refusals) -> None:
    """config/model.py, _get_and_verify_max_len. Options that change the model's positions may lengthen it."""
    length = options.integer("max-model-len")
    longest = facts.context.longest
    changed = "hf-overrides" in options or "rope-scaling" in options or "rope-theta" in options
    if length is None or length <= longest or changed:
        return
    path = options.path("max-model-len")
    if options.env_on("VLLM_ALLOW_LONG_MAX_MODEL_LEN"):
        message = f"{length} tokens are more than the model was made for ({longest}): text beyond may be nonsense"
        refusals.warn("model-length-forced", path, message, f"write {longest} or less")
        return
    rule = f"the model takes {longest} tokens at most ({facts.context.why})"
    fix = f"write {longest} or less, or scale its positions with hf_overrides as the model's card tells"
    refusals.add("model-length", path, length, rule, fix)


def _experts(
    service: Service,
    options: Options,
    facts: ModelFacts | None,
    sizes: t.Mapping[str, t.Any],
    refusals: Refusals,
) -> None:
    balanced = options.is_on("enable-eplb") and _since(options, "0.10.0")  # the first to check it
    if facts is not None and facts.known and not facts.is_moe:
        _no_experts(service, options, balanced, refusals)
        return
    alone = sizes.get("expert") is False
    if balanced and alone:
        rule = "balances experts over ranks, and they are not spread over any"
        fix = f"set {service.path}.parallel: {{expert: true}} beside its sizes"
        refusals.add("eplb-alone", options.path("enable-eplb"), True, rule, fix)
    elif balanced and all(sizes.get(size) == 1 for size in ("tensor", "data")):
        rule = "tensor and data size are 1, so that there is one rank to balance"
        refusals.add("eplb-alone", options.path("enable-eplb"), True, rule, "leave it out, or raise tensor or data")
    redundant, where = _redundant(options)
    ranks = sizes.get("tensor", 1) * sizes.get("data", 1)
    if balanced and facts is not None and sizes.get("expert") and (facts.experts + redundant) % ranks:
        held = f"{facts.experts} experts" + (f" and {redundant} redundant ones" if redundant else "")
        rule = f"{held} do not come out even over {ranks} ranks, and balancing wants that"  # fused_moe/layer.py
        fix = f"hold {-facts.experts % ranks} redundant experts, or change tensor or data"
        refusals.add("eplb-uneven", where or options.path("enable-eplb"), redundant or True, rule, fix)
    if redundant and not balanced and _since(options, "0.10.2"):
        fix = "set enable_eplb: true, or leave it out"
        refusals.add("redundant-experts-alone", where, redundant, "has a meaning with enable_eplb only", fix)
    if options.text("all2all-backend") and alone and facts is not None:
        message = "ranks exchange tokens for experts only where the experts are spread"
        fix = f"set {service.path}.parallel.expert: true, or leave it out"
        refusals.warn("expert-option-idle", options.path("all2all-backend"), message, fix)


def _no_experts(service: Service, options: Options, balanced: bool, refusals: Refusals) -> None:
    """config/model.py, verify_with_parallel_config since 0.8.0. ``parallel.expert`` is judged with the sizes."""
    if balanced:
        path = options.path("enable-eplb")
        refusals.add("experts-of-dense", path, True, "the model has no experts to balance", "leave it out")
    redundant, where = _redundant(options)
    if redundant and _since(options, "0.10.2"):
        rule = "the model has no experts to hold twice"
        refusals.add("experts-of-dense", where, redundant, rule, "leave it out")
    for name in _FOR_EXPERTS:
        if name in options:
            message = "the model has no experts, so this does nothing"
            refusals.warn("expert-option-idle", options.path(name), message, "leave it out")
    if service.parallel.get("data", 1) > 1 and not runtimes.has_trait("dense_copies_independent", service["version"]):
        path = f"{service.path}.parallel.data"
        message = "data parallel ranks of a model without experts have nothing to share, and wait for one another"
        fix = f"set replicas: {service.parallel['data']} in place of it: independent engines do the same work"
        refusals.warn("data-parallel-dense", path, message, fix)


def _redundant(options: Options) -> tuple[int, str]:
    """How many experts are to be held twice, and where that is written."""
    alone = options.integer("num-redundant-experts")
    if alone:
        return alone, options.path("num-redundant-experts")
    found = options.mapping("eplb-config")
    value = found.values.get("num_redundant_experts") if found is not None else None
    if found is None or not isinstance(value, int):
        return 0, ""
    return value, found.paths.get("num_redundant_experts", found.path)


def _dtype(options: Options, facts: ModelFacts, refusals: Refusals) -> None:
    if options.text("dtype") not in _HALF:
        return
    path, written = options.path("dtype"), options.text("dtype")
    first, last = _NO_FLOAT16.get(facts.model_type, (None, None))
    if first is not None and _since(options, first) and (last is None or not _after(options, last)):
        rule = f"vLLM {options.version} refuses FP16 for {facts.model_type}: its numbers overflow"
        refusals.add("dtype-half", path, written, rule, "leave dtype out, or write bfloat16")
        return
    method = facts.quantization.method if facts.quantization is not None else ""
    if facts.dtype == "bfloat16" and not method.startswith(("awq", "gptq")):
        message = "the model's numbers are bfloat16, and FP16 holds a smaller range: large ones overflow"
        refusals.warn("dtype-half-of-bfloat16", path, message, "leave dtype out (auto)")


def _quantization(options: Options, facts: ModelFacts, refusals: Refusals) -> None:
    """config/model.py, _verify_quantization: what is asked for must be what the checkpoint is."""
    asked, settings = options.text("quantization").lower().replace("_", "-"), facts.quantization
    if asked in _APART and settings is not None and settings.method in _APART and settings.method != asked:
        rule = f"the checkpoint is quantized as {settings.method}"
        refusals.add("quantization-differs", options.path("quantization"), asked, rule, "leave it out: vLLM sees it")


def _remote_code(service: Service, options: Options, refusals: Refusals) -> None:
    if not options.is_on("trust-remote-code") or service["model"].startswith(("/", "lab://")):
        return
    revision = str(service["revision"] or "")
    if len(revision) == _COMMIT_LENGTH and all(sign in "0123456789abcdef" for sign in revision):
        return
    message = (
        f"runs the code of {service['model']} as it is at each start, and {revision or 'its newest state'} can move"
    )
    fix = f"pin {service.path}.revision to a commit hash whose code you read, or leave trust_remote_code out"
    refusals.warn("remote-code-unpinned", options.path("trust-remote-code"), message, fix)


def _since(options: Options, release: str) -> bool:
    return versions.parse(options.version) >= versions.parse(release)


def _after(options: Options, release: str) -> bool:
    return versions.parse(options.version) > versions.parse(release)
