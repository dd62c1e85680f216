# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What saved configurations leave out of the parts that they nest: values equal to the library's defaults.

Written by ``tests/unit/fixtures/models/regenerate.py`` from the transformers library, for the sizes that are read here.
"""

from __future__ import annotations

import typing as t

# fmt: off
OMITTED: t.Mapping[str, t.Mapping[str, t.Any]] = {
    "clip_vision_model": {
        "hidden_size": 768, "image_size": 224, "intermediate_size": 3072, "num_attention_heads": 12,
        "num_channels": 3, "num_hidden_layers": 12, "patch_size": 32,
    },
    "cohere2": {
        "head_dim": 128, "hidden_size": 8192, "intermediate_size": 22528, "max_position_embeddings": 8192,
        "num_attention_heads": 64, "num_hidden_layers": 40, "num_key_value_heads": 64, "sliding_window": 4096,
        "tie_word_embeddings": True, "vocab_size": 256000,
    },
    "deepseek_v3": {
        "first_k_dense_replace": 3, "head_dim": 64, "hidden_size": 7168, "intermediate_size": 18432,
        "kv_lora_rank": 512, "max_position_embeddings": 4096, "moe_intermediate_size": 2048,
        "n_routed_experts": 256, "n_shared_experts": 1, "num_attention_heads": 128, "num_hidden_layers": 61,
        "num_key_value_heads": 128, "num_nextn_predict_layers": 1, "q_lora_rank": 1536, "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": 129280,
    },
    "exaone4": {
        "hidden_size": 4096, "intermediate_size": 16384, "max_position_embeddings": 2048,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "sliding_window": 4096,
        "sliding_window_pattern": 4, "vocab_size": 102400,
    },
    "gemma": {
        "head_dim": 256, "hidden_size": 3072, "intermediate_size": 24576, "max_position_embeddings": 8192,
        "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 16,
        "tie_word_embeddings": True, "vocab_size": 256000,
    },
    "gemma2": {
        "head_dim": 256, "hidden_size": 2304, "intermediate_size": 9216, "max_position_embeddings": 8192,
        "num_attention_heads": 8, "num_hidden_layers": 26, "num_key_value_heads": 4, "sliding_window": 4096,
        "tie_word_embeddings": True, "vocab_size": 256000,
    },
    "gemma3_text": {
        "_sliding_window_pattern": 6, "head_dim": 256, "hidden_size": 2304, "intermediate_size": 9216,
        "max_position_embeddings": 131072, "num_attention_heads": 8, "num_hidden_layers": 26,
        "num_key_value_heads": 4, "sliding_window": 4096, "tie_word_embeddings": True, "vocab_size": 262208,
    },
    "gemma3n_text": {
        "head_dim": 256, "hidden_size": 2048, "hidden_size_per_layer_input": 256, "laurel_rank": 64,
        "max_position_embeddings": 32768, "num_attention_heads": 8, "num_hidden_layers": 35,
        "num_key_value_heads": 2, "num_kv_shared_layers": 15, "sliding_window": 512,
        "tie_word_embeddings": True, "vocab_size": 262400, "vocab_size_per_layer_input": 262144,
    },
    "gemma4_text": {
        "head_dim": 256, "hidden_size": 2304, "hidden_size_per_layer_input": 256, "intermediate_size": 9216,
        "max_position_embeddings": 131072, "num_attention_heads": 8, "num_hidden_layers": 30,
        "num_key_value_heads": 4, "num_kv_shared_layers": 0, "sliding_window": 512, "tie_word_embeddings": True,
        "vocab_size": 262144, "vocab_size_per_layer_input": 262144,
    },
    "gemma4_vision": {
        "head_dim": 64, "hidden_size": 768, "intermediate_size": 3072, "max_position_embeddings": 131072,
        "num_attention_heads": 12, "num_hidden_layers": 16, "num_key_value_heads": 12, "patch_size": 16,
    },
    "glm4v_moe_text": {
        "attention_bias": True, "first_k_dense_replace": 1, "hidden_size": 4096, "intermediate_size": 10944,
        "max_position_embeddings": 65536, "moe_intermediate_size": 1408, "n_routed_experts": 128,
        "n_shared_experts": 1, "num_attention_heads": 96, "num_hidden_layers": 46, "num_key_value_heads": 8,
        "vocab_size": 151424,
    },
    "glm4v_moe_vision": {
        "depth": 24, "hidden_size": 1536, "image_size": 336, "in_channels": 3, "intermediate_size": 13696,
        "num_heads": 12, "out_hidden_size": 4096, "patch_size": 14, "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    },
    "glm4v_text": {
        "hidden_size": 4096, "intermediate_size": 13696, "max_position_embeddings": 32768,
        "num_attention_heads": 32, "num_hidden_layers": 40, "num_key_value_heads": 2, "vocab_size": 151552,
    },
    "glm4v_vision": {
        "depth": 24, "hidden_size": 1536, "image_size": 336, "in_channels": 3, "intermediate_size": 13696,
        "num_heads": 12, "out_hidden_size": 4096, "patch_size": 14, "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    },
    "granite": {
        "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings": 2048,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "vocab_size": 32000,
    },
    "internvl_vision": {
        "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_channels": 3,
        "num_hidden_layers": 24,
    },
    "kimi_k25_vision": {
        "hidden_size": 1152, "intermediate_size": 4304, "num_attention_heads": 16, "num_hidden_layers": 27,
        "patch_size": 14,
    },
    "lfm2": {
        "block_auto_adjust_ff_dim": True, "block_ffn_dim_multiplier": 1.0, "block_multiple_of": 256,
        "hidden_size": 2560, "intermediate_size": 12288, "max_position_embeddings": 128000,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
        "tie_word_embeddings": True, "vocab_size": 65536,
    },
    "llama": {
        "head_dim": 128, "hidden_size": 4096, "intermediate_size": 11008, "max_position_embeddings": 2048,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "vocab_size": 32000,
    },
    "llama4_text": {
        "attention_chunk_size": 8192, "head_dim": 128, "hidden_size": 5120, "interleave_moe_layer_step": 1,
        "intermediate_size": 8192, "intermediate_size_mlp": 16384, "max_position_embeddings": 131072,
        "num_attention_heads": 40, "num_hidden_layers": 48, "num_key_value_heads": 8, "num_local_experts": 16,
        "vocab_size": 202048,
    },
    "llama4_vision_model": {
        "hidden_size": 768, "image_size": 448, "intermediate_size": 5632, "num_attention_heads": 16,
        "num_channels": 3, "num_hidden_layers": 34, "patch_size": 14, "pixel_shuffle_ratio": 0.5,
    },
    "mistral": {
        "head_dim": 128, "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 131072,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "sliding_window": 4096,
        "vocab_size": 32000,
    },
    "ministral3": {
        "head_dim": 128, "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 262144,
        "num_attention_heads": 32, "num_hidden_layers": 34, "num_key_value_heads": 8, "vocab_size": 131072,
    },
    "mistral4": {
        "first_k_dense_replace": 0, "head_dim": 128, "hidden_size": 4096, "intermediate_size": 12288,
        "kv_lora_rank": 256, "max_position_embeddings": 1048576, "moe_intermediate_size": 2048,
        "n_routed_experts": 128, "n_shared_experts": 1, "num_attention_heads": 32, "num_hidden_layers": 36,
        "num_key_value_heads": 32, "q_lora_rank": 1024, "qk_nope_head_dim": 64, "qk_rope_head_dim": 64,
        "v_head_dim": 128, "vocab_size": 131072,
    },
    "mixtral": {
        "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 131072,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "num_local_experts": 8,
        "vocab_size": 32000,
    },
    "mllama_text_model": {
        "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 131072,
        "num_attention_heads": 32, "num_hidden_layers": 40, "num_key_value_heads": 8, "vocab_size": 128256,
    },
    "mllama_vision_model": {
        "hidden_size": 1280, "image_size": 448, "intermediate_size": 5120, "num_channels": 3,
        "num_hidden_layers": 32, "patch_size": 14,
    },
    "nemotron_h": {
        "conv_kernel": 4, "expand": 2, "head_dim": 128, "hidden_size": 4096, "intermediate_size": 21504,
        "mamba_head_dim": 64, "mamba_num_heads": 128, "max_position_embeddings": 4096,
        "moe_intermediate_size": 7688, "moe_shared_expert_intermediate_size": 7688, "n_groups": 8,
        "n_routed_experts": 8, "n_shared_experts": 1, "num_attention_heads": 32, "num_key_value_heads": 8,
        "num_nextn_predict_layers": 0, "ssm_state_size": 128, "vocab_size": 131072,
    },
    "phi3": {
        "hidden_size": 3072, "intermediate_size": 8192, "max_position_embeddings": 4096,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "vocab_size": 32064,
    },
    "pixtral": {
        "head_dim": 64, "hidden_size": 1024, "image_size": 1024, "intermediate_size": 4096,
        "num_attention_heads": 16, "num_channels": 3, "num_hidden_layers": 24, "patch_size": 16,
    },
    "qwen2": {
        "hidden_size": 4096, "intermediate_size": 22016, "max_position_embeddings": 32768,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "vocab_size": 151936,
    },
    "qwen2_5_omni_text": {
        "hidden_size": 3584, "intermediate_size": 18944, "max_position_embeddings": 32768,
        "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4,
        "tie_word_embeddings": True, "vocab_size": 152064,
    },
    "qwen2_5_vl_text": {
        "hidden_size": 8192, "intermediate_size": 29568, "max_position_embeddings": 32768,
        "num_attention_heads": 64, "num_hidden_layers": 80, "num_key_value_heads": 8, "vocab_size": 152064,
    },
    "qwen2_5_vl_vision": {
        "depth": 32, "hidden_size": 3584, "in_channels": 3, "intermediate_size": 3420, "num_heads": 16,
        "out_hidden_size": 3584, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2,
        "window_size": 112,
    },
    "qwen2_audio_encoder": {
        "d_model": 1280, "encoder_ffn_dim": 5120, "encoder_layers": 32,
    },
    "qwen2_vl_text": {
        "hidden_size": 8192, "intermediate_size": 29568, "max_position_embeddings": 32768,
        "num_attention_heads": 64, "num_hidden_layers": 80, "num_key_value_heads": 8, "vocab_size": 152064,
    },
    "qwen2_vl_vision": {
        "depth": 32, "embed_dim": 1280, "hidden_size": 3584, "in_channels": 3, "mlp_ratio": 4, "num_heads": 16,
        "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2,
    },
    "qwen3": {
        "head_dim": 128, "hidden_size": 4096, "intermediate_size": 22016, "max_position_embeddings": 32768,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "vocab_size": 151936,
    },
    "qwen3_5_moe_text": {
        "head_dim": 256, "hidden_size": 2048, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128,
        "linear_num_key_heads": 16, "linear_num_value_heads": 32, "linear_value_head_dim": 128,
        "max_position_embeddings": 32768, "moe_intermediate_size": 512, "num_attention_heads": 16,
        "num_experts": 256, "num_hidden_layers": 40, "num_key_value_heads": 2,
        "shared_expert_intermediate_size": 512, "vocab_size": 248320,
    },
    "qwen3_5_text": {
        "head_dim": 256, "hidden_size": 4096, "intermediate_size": 12288, "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 128, "linear_num_key_heads": 16, "linear_num_value_heads": 32,
        "linear_value_head_dim": 128, "max_position_embeddings": 32768, "num_attention_heads": 16,
        "num_hidden_layers": 32, "num_key_value_heads": 4, "vocab_size": 248320,
    },
    "qwen3_moe": {
        "decoder_sparse_step": 1, "hidden_size": 2048, "intermediate_size": 6144,
        "max_position_embeddings": 32768, "moe_intermediate_size": 768, "num_attention_heads": 32,
        "num_hidden_layers": 24, "num_key_value_heads": 4, "num_local_experts": 128, "vocab_size": 151936,
    },
    "qwen3_omni_moe_text": {
        "decoder_sparse_step": 1, "hidden_size": 2048, "intermediate_size": 18944,
        "max_position_embeddings": 32768, "moe_intermediate_size": 768, "num_attention_heads": 28,
        "num_experts": 128, "num_hidden_layers": 28, "num_key_value_heads": 4, "vocab_size": 3584,
    },
    "qwen3_vl_moe_text": {
        "decoder_sparse_step": 1, "head_dim": 128, "hidden_size": 2048, "intermediate_size": 5632,
        "max_position_embeddings": 128000, "moe_intermediate_size": 1408, "num_attention_heads": 16,
        "num_hidden_layers": 24, "num_key_value_heads": 16, "num_local_experts": 60,
        "tie_word_embeddings": True, "vocab_size": 151936,
    },
    "qwen3_vl_moe_vision": {
        "depth": 27, "hidden_size": 1152, "in_channels": 3, "intermediate_size": 4304, "num_heads": 16,
        "num_position_embeddings": 2304, "out_hidden_size": 3584, "patch_size": 16, "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    },
    "qwen3_vl_text": {
        "head_dim": 128, "hidden_size": 4096, "intermediate_size": 22016, "max_position_embeddings": 128000,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "vocab_size": 151936,
    },
    "qwen3_vl_vision": {
        "depth": 27, "hidden_size": 1152, "in_channels": 3, "intermediate_size": 4304, "num_heads": 16,
        "num_position_embeddings": 2304, "out_hidden_size": 3584, "patch_size": 16, "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    },
    "siglip_vision_model": {
        "hidden_size": 768, "image_size": 224, "intermediate_size": 3072, "num_attention_heads": 12,
        "num_channels": 3, "num_hidden_layers": 12, "patch_size": 16,
    },
    "step3p5": {
        "head_dim": 128, "hidden_size": 4096, "intermediate_size": 11264, "max_position_embeddings": 128000,
        "moe_intermediate_size": 1280, "n_routed_experts": 288, "num_attention_heads": 64,
        "num_hidden_layers": 45, "num_key_value_heads": 8, "num_nextn_predict_layers": 0,
        "share_expert_dim": 1280, "vocab_size": 128815,
    },
}
# fmt: on
