# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service with prefill and decode engines: its door, its engines, and what they counted."""

from __future__ import annotations

import json
import random

from tests.testinfra.door import Door, Engine

WORDS = "a bird blue boat door fast fire fish gold hand home king light moon night rain river sea song tree water wind"
#: Tokens of a block on the CPU.
BLOCK = 128
_BY_SOURCE = r'vllm:prompt_tokens_by_source_total\{.*source="%s"'


class Split:
    """One such service. service: its item of vllm_services, whose sides name one host each."""

    def __init__(self, lab, service):
        self.lab, self.name, self.key = lab, service["name"], service["api_key"]
        self.connector = service["kv_transfer"]["connector"]
        self.door = Door(lab, service)
        self.sides = {}
        for kind in ("prefill", "decode"):
            names = [f"{self.name}-{kind}-{index}" for index in range(service[kind].get("replicas", 1))]
            self.sides[kind] = [Engine(lab, name, service[kind]["hosts"]) for name in names]

    @property
    def engines(self):
        return [engine for side in self.sides.values() for engine in side]

    def count(self, kind, metric):
        """Of all engines of a side. metric: the beginning of a sample's line, as a pattern."""
        return sum(engine.metric(metric) for engine in self.sides[kind])

    def counts(self):
        """Tokens of prompts, by who computed them or how they came, since the engines started."""
        return {
            "prefill computed": self.count("prefill", _BY_SOURCE % "local_compute"),
            "decode computed": self.count("decode", _BY_SOURCE % "local_compute"),
            "decode brought": self.count("decode", _BY_SOURCE % "external_kv_transfer"),
        }

    def answer(self, path, body):
        """What the door answers: token ids, and how many tokens the prompt has."""
        return answer(self.lab, self.door.host_name, self.door.port, self.name, self.key, path, body)


def answer(lab, host, port, model, key, path, body):
    """(token ids of the answer, tokens of the prompt): texts may be the same where ids are not."""
    whole = {"model": model, "max_tokens": 24, "temperature": 0, "return_token_ids": True, **body}
    status, text = lab.ask(host, port, path, key=key, body=whole, timeout=60)
    assert status == 200, text
    told = json.loads(text)
    assert told["choices"][0]["token_ids"]
    return told["choices"][0]["token_ids"], told["usage"]["prompt_tokens"]


def bodies(seed, count):
    """Prompts and chats in turn of 150 to 700 tokens, which share no beginning: (path, body) of each."""
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(WORDS.split(), k=draw.randint(150, 600))) for _text in range(count)]
    return [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": text}]})
        if index % 2
        else ("/v1/completions", {"prompt": text})
        for index, text in enumerate(texts)
    ]
