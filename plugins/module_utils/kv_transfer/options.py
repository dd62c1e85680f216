# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's options: what is wrong with them, and the question that they are."""

from __future__ import annotations

import typing as t

from ..clients import transport, vllm
from . import judge, knowledge
from .check import Question


def fault(params: t.Mapping[str, t.Any]) -> str | None:
    """What is wrong with the options, or None."""
    for name, least in (("prompts", 1), ("prompt_tokens", 1), ("max_tokens", 1), ("settle", 0)):
        if params[name] is not None and params[name] < least:
            return f"{name}: {params[name]}: must be {least} or more"
    for index, item in enumerate(params["services"]):
        where = f"services[{index}]"
        urls = [(f"{where}.url", item["url"])]
        for number, engine in enumerate(item["engines"]):
            urls += [(f"{where}.engines[{number}].urls", url) for url in engine["urls"]]
            if not engine["urls"]:
                return f"{where}.engines[{number}].urls: names no address"
        for path, url in urls:
            problem = transport.fault(url)
            if problem is not None:
                return f"{path}: {problem}"
        for side in judge.SIDES:
            if all(engine["side"] != side for engine in item["engines"]):
                return f"{where}.engines: holds no {side} engine: without both sides nothing moves"
        names = [engine["name"] for engine in item["engines"]]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            return f"{where}.engines: {twice!r} is there twice: each engine needs a name of its own"
        try:
            knowledge.expect(item["connector"], item["parts"], item["version"])
        except ValueError as error:
            return f"{where}.version: {error}"
    return None


def question(params: t.Mapping[str, t.Any], item: t.Mapping[str, t.Any]) -> Question:
    """What is asked of one of ``services``. Raises OSError when a ``ca_path`` cannot be used."""
    tls = transport.tls_context(item["validate_certs"], item["ca_path"])
    limits = (params["timeout"], params["token_timeout"], tls)
    engine_key = params["engine_keys"].get(item["name"])
    return Question(
        name=item["name"],
        door=vllm.Server(item["url"], params["api_keys"].get(item["name"]), *limits),
        model=item["model"],
        engines=tuple(judge.Engine(one["name"], one["side"], tuple(one["urls"])) for one in item["engines"]),
        engine_server=lambda url: vllm.Server(url, engine_key, *limits),
        expected=knowledge.expect(item["connector"], item["parts"], item["version"]),
        prompts=params["prompts"],
        prompt_tokens=params["prompt_tokens"],
        max_tokens=params["max_tokens"],
        settle=params["settle"],
    )
