# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tiny model's tokenizer: byte-level BPE whose merges spell short English words."""

from __future__ import annotations

import json

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
SPECIAL_TOKENS = (END_OF_TEXT, TURN_START, TURN_END)
VOCABULARY_SIZE = 512
# They share so many beginnings that their prefixes fill the vocabulary exactly: 3 special + 256 bytes + 253 prefixes.
WORDS = tuple(
    """
    a and are away be bird blue boat bread bright by can cat come day deep do dog door down far fast fire fish for
    forest fox from gold good green hand he heart her here hill his home house i in is it king lake light little long
    make many moon more morning my new night no not now of old on one open or our over rain red river road sand sea see
    she ship sing sky slow small snow so song star stone sun that the then there they this to tree up walk warm was
    water we wind with word you young near
    """.split()
)
PUNCTUATION = (".", ",", "!", "?")
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def byte_characters() -> list[str]:
    """The printable character that stands for each byte 0..255 in a byte-level vocabulary.

    The convention of GPT-2 and all its heirs: printable Latin-1 stands for itself, the others (the blank too)
    take the code points from 256 on, in order.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    shifted = iter(range(256, 512))
    return [chr(byte if byte in printable else next(shifted)) for byte in range(256)]


def _prefixes() -> list[str]:
    """Every beginning of a word, the shorter one first."""
    return sorted({word[:end] for word in WORDS for end in range(1, len(word) + 1)}, key=lambda text: (len(text), text))


def vocabulary() -> dict[str, int]:
    """Token to id: the special tokens, the 256 bytes, then the words' prefixes, each with the blank before it."""
    characters = byte_characters()
    blank = characters[ord(" ")]
    tokens = [*SPECIAL_TOKENS, *characters, *(blank + prefix for prefix in _prefixes())]
    return {token: number for number, token in enumerate(tokens)}


def spoken_tokens() -> list[int]:
    """Ids that an answer is made of: whole words and punctuation."""
    ids = vocabulary()
    blank = byte_characters()[ord(" ")]
    return sorted([ids[blank + word] for word in WORDS] + [ids[mark] for mark in PUNCTUATION])


def tokenizer_json() -> str:
    """tokenizer.json, as the tokenizers library reads it."""
    blank = byte_characters()[ord(" ")]
    # One merge a prefix, always "what came before" + "one more letter": the longest known beginning wins.
    merges = [f"{blank + prefix[:-1]} {prefix[-1]}" for prefix in _prefixes()]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    ids = vocabulary()
    return _dump(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                {
                    "id": ids[token],
                    "content": token,
                    "single_word": False,
                    "lstrip": False,
                    "rstrip": False,
                    "normalized": False,
                    "special": True,
                }
                for token in SPECIAL_TOKENS
            ],
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": byte_level,
            "post_processor": None,
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "vocab": ids,
                "merges": merges,
            },
        }
    )


def tokenizer_config_json(context_length: int) -> str:
    """tokenizer_config.json with the ChatML template; ``context_length`` in tokens."""
    return _dump(
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "model_max_length": context_length,
            "bos_token": None,
            "eos_token": TURN_END,
            "pad_token": END_OF_TEXT,
            "additional_special_tokens": [TURN_START, TURN_END],
            "clean_up_tokenization_spaces": False,
            "chat_template": CHAT_TEMPLATE,
        }
    )


def _dump(document: dict[str, object]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
