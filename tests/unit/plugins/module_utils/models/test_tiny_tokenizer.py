# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import tiny_tokenizer as tokenizer


@pytest.fixture(scope="module")
def document():
    return json.loads(tokenizer.tokenizer_json())


def encode_word(text, document):
    """One piece of text by the rules of BPE: again and again the pair that was merged first in training."""
    characters = tokenizer.byte_characters()
    parts = [characters[byte] for byte in text.encode()]
    ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(document["model"]["merges"])}
    while True:
        pairs = [(ranks[pair], at) for at, pair in enumerate(zip(parts, parts[1:])) if pair in ranks]
        if not pairs:
            return [document["model"]["vocab"][part] for part in parts]
        _rank, at = min(pairs)
        parts[at : at + 2] = ["".join(parts[at : at + 2])]


def test_the_vocabulary_is_full_and_numbered_without_gaps():
    vocabulary = tokenizer.vocabulary()
    assert sorted(vocabulary.values()) == list(range(tokenizer.VOCABULARY_SIZE))
    assert [vocabulary[token] for token in tokenizer.SPECIAL_TOKENS] == [0, 1, 2]


def test_every_byte_has_a_character_of_its_own():
    characters = tokenizer.byte_characters()
    assert len(set(characters)) == 256
    assert all(len(character) == 1 and not character.isspace() for character in characters)
    assert characters[ord("a")] == "a"
    assert (characters[0], characters[ord(" ")], characters[ord("\n")]) == ("Ā", "Ġ", "Ċ")


def test_every_word_is_one_token(document):
    ids = tokenizer.vocabulary()
    for word in tokenizer.WORDS:
        assert encode_word(f" {word}", document) == [ids[f"Ġ{word}"]]


def test_what_is_no_word_falls_back_to_its_beginning_and_bytes(document):
    ids = tokenizer.vocabulary()
    assert encode_word(" thexq", document) == [ids["Ġthe"], ids["x"], ids["q"]]
    assert encode_word("é", document) == [ids["Ã"], ids["©"]]


def test_answers_are_made_of_words_and_punctuation():
    ids = tokenizer.vocabulary()
    names = {number: token for token, number in ids.items()}
    spoken = tokenizer.spoken_tokens()
    assert len(spoken) == len(set(spoken)) == len(tokenizer.WORDS) + len(tokenizer.PUNCTUATION)
    assert all(names[number].lstrip("Ġ").isascii() for number in spoken)
    assert not {ids[token] for token in tokenizer.SPECIAL_TOKENS} & set(spoken)


def test_special_tokens_agree_with_the_configuration(document):
    config = json.loads(tokenizer.tokenizer_config_json(2048))
    specials = {entry["content"]: entry["id"] for entry in document["added_tokens"]}
    assert specials == {token: document["model"]["vocab"][token] for token in tokenizer.SPECIAL_TOKENS}
    assert {config["eos_token"], config["pad_token"], *config["additional_special_tokens"]} == set(specials)
    assert config["model_max_length"] == 2048
