# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each kind of model differs from the plain decoder (Llama): what config.json does not say.

Found by building the reference implementations (the transformers library) without memory and counting their
parameters; ``tests/unit/fixtures/models/parameters.json`` keeps the counts that the tests compare with.
"""

from __future__ import annotations

import dataclasses
import typing as t

# What a layer mixes tokens with.
FULL = "full"
SLIDING = "sliding"
CHUNKED = "chunked"
GATED_DELTA = "gated_delta"
KIMI_DELTA = "kimi_delta"
LIGHTNING = "lightning"
MAMBA1 = "mamba1"
MAMBA2 = "mamba2"
CONVOLUTION = "convolution"
HYBRID = "hybrid"
NOTHING = "nothing"

#: Mixers whose cache grows with the text.
ATTENTION = frozenset((FULL, SLIDING, CHUNKED, HYBRID))


@dataclasses.dataclass(frozen=True)
class Family:
    """What is particular about a kind of model.

    gated: the feed-forward network has a gate matrix. norms: vectors of the hidden width a layer. bias: every
    matrix has a bias; qkv_bias: those of attention have, whatever attention_bias says. qk_norm: ``head`` (one vector
    for all heads), ``full`` (one number for each dimension) or none. positions: the key that counts learned positions.
    mixer: what every layer is when nothing is written. every: of layers with a window, each so many-th has none.
    recurrent: what a layer is that calls itself linear attention or Mamba; empty when its sizes tell.
    gate: attention has an output gate: ``query`` (twice the query matrix), ``heads`` (a number a head) or ``full``.
    tied: embedding and output are one matrix unless written otherwise. moe, router, shared: what checkpoints call
    these modules. shared_gate: the shared expert has a gate of its own; shared_always: there is one, as wide as the
    others, though config.json names none. drafts: layers for multi-token prediction that
    the checkpoint holds though config.json does not say so; draft_embeddings: they have an embedding and an output
    matrix of their own; draft_dense: they have no experts. doubled: a layer has two attentions and two dense networks
    (LongCat). expanded: keys and values are cached for each head although they have a low rank.
    """

    gated: bool = True
    norms: int = 2
    bias: bool = False
    qkv_bias: bool = False
    qk_norm: str = ""
    positions: str = ""
    mixer: str = FULL
    every: int = 0
    recurrent: str = ""
    gate: str = ""
    tied: bool = False
    moe: str = "mlp"
    router: str = "gate"
    shared: str = "shared_experts"
    shared_gate: bool = False
    shared_always: bool = False
    drafts: int = 0
    draft_embeddings: bool = False
    draft_dense: bool = False
    doubled: bool = False
    expanded: bool = False


_QWEN_MOE = Family(qk_norm="head")
_QWEN_HYBRID = Family(
    recurrent=GATED_DELTA, qk_norm="head", gate="query", shared="shared_expert", shared_gate=True, drafts=1
)
_GEMMA3 = Family(qk_norm="head", norms=4, tied=True, every=6)
_GPT = Family(gated=False, bias=True, tied=True)
_GLM = Family(qkv_bias=True)
_GRANITE_MOE = Family(moe="block_sparse_moe", router="router", shared="shared_mlp", recurrent=MAMBA2)
_MAMBA1 = Family(mixer=MAMBA1, norms=1, tied=True)
_STEP = Family(gate="heads", qk_norm="head", moe="moe", shared="share_expert", draft_embeddings=True, draft_dense=True)
_MIMO_V2 = Family(drafts=3, draft_dense=True)
_PLAIN = Family()
_DEEPSEEK = Family(draft_embeddings=True)

FAMILIES: t.Mapping[str, Family] = {
    "afmoe": Family(gate="full", qk_norm="head", norms=4),
    "apertus": Family(gated=False, qk_norm="head"),
    "arcee": Family(gated=False),
    "axk1": Family(norms=3),
    "baichuan": _PLAIN,
    "bailing_moe": _PLAIN,
    "bailing_moe_v2": Family(qk_norm="head"),
    "bamba": Family(mixer=MAMBA2, recurrent=MAMBA2),
    "bloom": _GPT,
    "chatglm": _GLM,
    "codegen": Family(gated=False, norms=1),
    "cohere": Family(norms=1, tied=True),
    "cohere2": Family(norms=1, tied=True, every=4),
    "cohere2_moe": Family(norms=1, tied=True, every=4),
    "cwm": _PLAIN,
    "dbrx": Family(moe="ffn", router="router.layer"),
    "deepseek": _PLAIN,
    "deepseek_v2": _PLAIN,
    "deepseek_v3": _DEEPSEEK,
    "deepseek_v32": _DEEPSEEK,
    "deepseek_v4": _DEEPSEEK,
    "dots1": Family(qk_norm="head"),
    "ernie4_5": Family(tied=True),
    "ernie4_5_moe": Family(tied=True),
    "exaone": _PLAIN,
    "exaone4": Family(qk_norm="head"),
    "exaone_moe": Family(qk_norm="head"),
    "falcon": Family(gated=False, norms=1, tied=True),
    "falcon_h1": Family(mixer=HYBRID, recurrent=MAMBA2),
    "falcon_mamba": _MAMBA1,
    "flex_olmo": Family(qk_norm="full"),
    "gemma": Family(tied=True),
    "gemma2": Family(norms=4, tied=True, every=2),
    "gemma3_text": _GEMMA3,
    "gemma3n_text": Family(qk_norm="head", norms=8, tied=True, every=5),
    "gemma4_text": Family(qk_norm="head", norms=5, tied=True, router="router.proj"),
    "glm": _GLM,
    "glm4": dataclasses.replace(_GLM, norms=4),
    "glm4_moe": _DEEPSEEK,
    "glm4_moe_lite": _DEEPSEEK,
    "glm4v_moe_text": _GLM,
    "glm4v_text": dataclasses.replace(_GLM, norms=4),
    "glm_moe_dsa": _DEEPSEEK,
    "glm_ocr_text": Family(norms=4),
    "gpt2": dataclasses.replace(_GPT, positions="n_positions"),
    "gpt_bigcode": dataclasses.replace(_GPT, positions="n_positions"),
    "gpt_neox": dataclasses.replace(_GPT, tied=False),
    "gpt_oss": Family(bias=True, router="router", every=2),
    "gptj": Family(gated=False, norms=1),
    "granite": _PLAIN,
    "granitemoe": _GRANITE_MOE,
    "granitemoehybrid": _GRANITE_MOE,
    "granitemoeshared": _GRANITE_MOE,
    "helium": _PLAIN,
    "hunyuan_v1_dense": Family(qk_norm="head"),
    "hunyuan_v1_moe": Family(qk_norm="head", shared="shared_mlp", shared_always=True),
    "hy_v3": Family(qk_norm="head"),
    "hyperclovax": Family(norms=4),
    "internlm2": _PLAIN,
    "internlm3": _PLAIN,
    "jais2": Family(gated=False, bias=True),
    "jamba": Family(recurrent=MAMBA1, moe="feed_forward", router="router"),
    "kimi_k2": _DEEPSEEK,
    "kimi_linear": Family(recurrent=KIMI_DELTA),
    "laguna": Family(gate="heads", qk_norm="head"),
    "lfm2": Family(recurrent=CONVOLUTION, qk_norm="head", tied=True),
    "lfm2_moe": Family(recurrent=CONVOLUTION, qk_norm="head", tied=True, moe="feed_forward"),
    "llama": _PLAIN,
    "llama4_text": Family(moe="feed_forward", router="router", shared="shared_expert", shared_always=True),
    "longcat_flash": Family(norms=4, router="router.classifier", doubled=True),
    "mamba": _MAMBA1,
    "mamba2": Family(mixer=MAMBA2, norms=1),
    "mimo": _GLM,
    "mimo_v2": _MIMO_V2,
    "mimo_v2_flash": _MIMO_V2,
    "minicpm": Family(tied=True),
    "minicpm3": Family(expanded=True),
    "minimax": Family(recurrent=LIGHTNING, moe="block_sparse_moe"),
    "minimax_m1": Family(recurrent=LIGHTNING, moe="block_sparse_moe"),
    "minimax_m2": Family(qk_norm="full", moe="block_sparse_moe"),
    "minimax_text_01": Family(recurrent=LIGHTNING, moe="block_sparse_moe"),
    "ministral": _PLAIN,
    "ministral3": _PLAIN,
    "mistral": _PLAIN,
    "mistral4": Family(expanded=True),
    "mixtral": Family(moe="block_sparse_moe"),
    "mllama_text_model": _PLAIN,
    "mpt": Family(gated=False, tied=True),
    "nanochat": Family(gated=False, norms=0),
    "nemotron": Family(gated=False, norms=4),
    "nemotron-nas": _PLAIN,
    "nemotron_h": Family(gated=False, norms=1, recurrent=MAMBA2, moe="mixer"),
    "olmo": Family(norms=0),
    "olmo2": Family(qk_norm="full"),
    "olmo3": Family(qk_norm="full"),
    "olmoe": Family(qk_norm="full"),
    "opt": dataclasses.replace(_GPT, positions="max_position_embeddings"),
    "orion": Family(norms=4),
    "persimmon": Family(gated=False, bias=True),
    "phi": Family(gated=False, bias=True, norms=1),
    "phi3": _PLAIN,
    "phimoe": Family(moe="block_sparse_moe"),
    "qwen2": Family(qkv_bias=True),
    "qwen2_5_omni_text": Family(qkv_bias=True),
    "qwen2_5_vl_text": Family(qkv_bias=True),
    "qwen2_moe": Family(qkv_bias=True, shared="shared_expert", shared_gate=True),
    "qwen2_vl_text": Family(qkv_bias=True),
    "qwen3": Family(qk_norm="head"),
    "qwen3_5_moe_text": _QWEN_HYBRID,
    "qwen3_5_text": _QWEN_HYBRID,
    "qwen3_moe": _QWEN_MOE,
    "qwen3_next": _QWEN_HYBRID,
    "qwen3_omni_moe_text": _QWEN_MOE,
    "qwen3_vl_moe_text": _QWEN_MOE,
    "qwen3_vl_text": Family(qk_norm="head"),
    "seed_oss": Family(qkv_bias=True),
    "smollm3": Family(tied=True),
    "solar_open": _PLAIN,
    "stablelm": Family(norms=4),
    "starcoder2": Family(gated=False, bias=True, norms=4, tied=True),
    "step3_text": Family(moe="moe", shared="share_expert"),
    "step3p5": _STEP,
    "step3p7": _STEP,
    "xverse": Family(moe="mlp", router="router"),
}

#: Types whose layers are those of another one.
_SAME: t.Mapping[str, str] = {
    "RefinedWeb": "falcon",
    "RefinedWebModel": "falcon",
    "deepseek_mtp": "deepseek_v3",
    "exaone4_5_text": "exaone4",
    "gemma3": "gemma3_text",
    "gemma3n": "gemma3n_text",
    "gemma4": "gemma4_text",
    "glm4v": "glm4v_text",
    "glm4v_moe": "glm4v_moe_text",
    "kimi_k25": "deepseek_v3",
    "hunyuan": "hunyuan_v1_moe",
    "llama4": "llama4_text",
    "mllama": "mllama_text_model",
    "phi3_v": "phi3",
    "qwen2_5_vl": "qwen2_vl_text",
    "qwen2_vl": "qwen2_vl_text",
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
}


_SUFFIXES = ("ForCausalLM", "ForConditionalGeneration", "LMHeadModel", "Model")


def family(model_type: str, architectures: t.Sequence[str] = ()) -> Family | None:
    """What is particular about a model type; of the first architecture when no type is written. None: not known."""
    if not model_type and architectures:
        name = architectures[0]
        for suffix in _SUFFIXES:
            if name.endswith(suffix):
                name = name[: -len(suffix)]
                break
        return next((each for key, each in FAMILIES.items() if key.replace("_", "") == name.lower()), None)
    return FAMILIES.get(_SAME.get(model_type, model_type))
