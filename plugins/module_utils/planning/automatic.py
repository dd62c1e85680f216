# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``parallel: auto``: the smallest division of the model that fits, and copies of it where GPUs are left."""

from __future__ import annotations

import contextlib
import dataclasses

from ..models import kv_cache
from ..models.errors import ModelError
from . import advice, reasons
from .advice import Room
from .intent import Service
from .layout import NONE, Layout
from .search import Search
from .sizing import Knowledge


def choose(service: Service, known: Knowledge, room: Room) -> Layout:
    """The layout of ``parallel: auto``. Raises ModelError when nothing fits.

    Tensor parallelism stays inside the best links of a host and is as small as the memory allows; pipeline stages
    span hosts; experts are spread over all ranks; copies of the whole model fill GPUs that nobody else wants.
    """
    if known.facts is None:
        return _unknown(service, known, room)
    counted = dataclasses.replace(known, uncounted="")
    search = Search(service, counted, known.facts, room)
    search.check_context()
    if room.memory is None or (known.uncounted and service["gpus"]):
        return search.undivided(known.uncounted or "the GPUs do not tell their memory")
    if not known.uncounted:
        return _fitting(search)
    try:
        found = _fitting(search)
    except ModelError:
        return search.undivided(known.uncounted)
    return dataclasses.replace(found, guessed=not known.at_most)


def _unknown(service: Service, known: Knowledge, room: Room) -> Layout:
    """Without the model: the GPUs that a person gave, else one."""
    gpus = service["gpus"] or 1
    tensor = min(gpus, max(room.gpus, 1))
    why = {"tensor": f"the engine's {gpus} GPUs hold one copy of the model ({known.uncounted})"} if gpus > 1 else {}
    hosts = -(-gpus // max(room.gpus, 1))
    sizes = {**NONE, **service.parallel, "tensor": tensor, "pipeline": max(1, gpus // tensor)}
    if sizes["pipeline"] > 1:
        why["pipeline"] = reasons.over_hosts(sizes["pipeline"], hosts)
    return Layout(sizes, hosts, why, guessed=True)


def _fitting(search: Search) -> Layout:
    """What holds the model. Raises ModelError, with what would do.

    Where the engine is to find its context: the longest, in steps of a half, that one host holds, else several.
    """
    fit_length = search.known.fit_length
    hosts = dict.fromkeys((1, search.room.hosts)) if fit_length else (search.room.hosts,)
    for count in hosts:
        search = search.shortened(0, count)
        try:
            return _longest(search) if fit_length else search.found()
        except ModelError as error:
            refused = error
    known = search.known
    if fit_length:
        settings = dataclasses.replace(known.settings, max_model_len=kv_cache.BLOCK)
        known = dataclasses.replace(known, settings=settings, fit_length=True)
    fix = advice.what_would_do(known, search.facts, search.room, search.spread)
    raise ModelError(refused.path, refused.value, refused.rule, fix)


def _longest(search: Search) -> Layout:
    """What holds the model with its whole context, or with the most of a half, a quarter, … of it."""
    with contextlib.suppress(ModelError):
        return search.found()
    low, high = 0, max(0, (search.known.settings.length(search.facts) // kv_cache.BLOCK).bit_length() - 1)
    found = search.shortened(high, search.room.hosts).found()
    while high - low > 1:
        middle = (low + high) // 2
        try:
            found, high = search.shortened(middle, search.room.hosts).found(), middle
        except ModelError:
            low = middle
    return found
