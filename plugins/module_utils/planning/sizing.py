# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a service's model, and the settings its memory depends on."""

from __future__ import annotations

import dataclasses
import typing as t

from ..models import config, context, kv_cache
from ..models.config import ModelFacts
from ..models.context import Context
from ..models.errors import ModelError
from ..models.settings import Settings
from ..releases import versions
from . import models
from .errors import Refusals
from .intent import Service
from .options import Options

#: config, quantization (texts), tensor_bytes and problems of a model, as host_probe and model_info give them.
Source = t.Mapping[str, t.Any]

#: Options that change what weights or cache take in ways that are not counted here, and whether they only take less.
_UNCOUNTED = {
    "cpu-offload-gb": ("it moves weights to the host's memory", True),
    "kv-cache-memory-bytes": ("it fixes the cache whatever the GPU has", False),
    "hf-overrides": ("it changes the model's config", False),
    "quantization": ("it may quantize while loading", True),
}
#: v1/core/kv_cache_utils.py: the first release that finds the longest context that fits.
_FITS_LENGTH = "0.14.0"
_FLOATS = ("float32", "float")


@dataclasses.dataclass(frozen=True)
class Knowledge:
    """facts None: the model is not known, and why tells why not. uncounted: why its memory is not judged, else empty.

    at_most: whether what facts and settings tell is no less than what is really taken, where it is not judged.
    fit_length: the engine is to find the longest context that fits by itself (``max_model_len: auto``).
    """

    facts: ModelFacts | None
    why: str
    settings: Settings
    fit_length: bool
    uncounted: str
    at_most: bool = False

    @property
    def counted(self) -> ModelFacts | None:
        """The facts where memory can be judged from them."""
        return None if self.uncounted else self.facts


class Library:
    """The models of one planning, each read once."""

    def __init__(self, sources: t.Mapping[str, Source]) -> None:
        self._sources = sources
        self._facts: dict[str, ModelFacts | ModelError] = {}

    def know(self, service: Service, refusals: Refusals) -> Knowledge:
        """What is known of the service's model. Refuses a config that cannot be trusted."""
        options = Options(service)
        settings, fit_length = _settings(options, service["concurrency"])
        facts, why = self._read(service, refusals)
        found = None if facts is None else self._changed_context(_key(service), options)
        reasons = [(why, False)] if facts is None else list(_reasons(options, facts, found is not None))
        if facts is not None:
            facts = facts if found is None else dataclasses.replace(facts, context=found)
            # What the model does not take is refused elsewhere; here it would hide how the rest fits.
            length = min(settings.length(facts), facts.context.longest)
            settings = dataclasses.replace(settings, max_model_len=length)
        at_most = bool(reasons) and all(less for _reason, less in reasons)
        return Knowledge(facts, why, settings, fit_length, reasons[0][0] if reasons else "", at_most)

    def _changed_context(self, model: str, options: Options) -> Context | None:
        """The context where options change the model's positions and nothing else; None where they do not."""
        changes: dict[str, t.Any] = {}
        for name in ("rope-scaling", "hf-overrides"):
            written = options.mapping(name)
            if written is not None and not written.broken:
                changes.update({"rope_scaling": written.values} if name == "rope-scaling" else written.values)
        try:
            found = changes and context.only_positions(changes)
            return context.overridden(self._sources[model]["config"], changes) if found else None
        except (ModelError, RecursionError):
            return None

    def _read(self, service: Service, refusals: Refusals) -> tuple[ModelFacts | None, str]:
        name, key = service["model"], _key(service)
        source = self._sources.get(key)
        if source is None or not source.get("config"):
            if name.startswith("lab://"):
                return None, "it is generated on the host, for the CPU"
            return None, f"the config.json of {name} is not known"
        if key not in self._facts:
            self._facts[key] = _facts(source)
        found = self._facts[key]
        if isinstance(found, ModelError):
            refusals.add("model-config", f"{service.path}.model", name, f"{found.path}: {found.rule}", found.fix)
            return None, "its config.json cannot be trusted"
        return found, ""


def _key(service: Service) -> str:
    return models.key(service["model"], service["revision"])


def _reasons(options: Options, facts: ModelFacts, counted_positions: bool) -> t.Iterator[tuple[str, bool]]:
    """Why memory is not judged, each with whether what is counted is no less than what is taken."""
    for name, (reason, less) in _UNCOUNTED.items():
        declared = name == "quantization" and facts.quantization is not None
        if name in options and not declared and not (name == "hf-overrides" and counted_positions):
            yield f"{options.path(name)}: {reason}", less
    if options.text("dtype") in _FLOATS:
        yield f"{options.path('dtype')}: weights in four bytes are not counted", False
    written = options.text("kv-cache-dtype").lower()
    if written and kv_cache.bound(written) != written:
        yield f"{options.path('kv-cache-dtype')}: what {written} takes is not counted", True


def _facts(source: Source) -> ModelFacts | ModelError:
    try:
        facts = config.parse(source["config"], source.get("quantization"))
    except ModelError as error:
        return error
    size = source.get("tensor_bytes")
    return facts.with_files(size) if size else facts


def _settings(options: Options, concurrency: int) -> tuple[Settings, bool]:
    fit_length = options.text("max-model-len").lower() in ("auto", "-1") and versions.parse(
        options.version
    ) >= versions.parse(_FITS_LENGTH)
    share = options.number("gpu-memory-utilization")
    settings = Settings(
        max_model_len=None if fit_length else _positive(options.integer("max-model-len")),
        concurrency=1 if fit_length else concurrency,
        max_num_batched_tokens=_positive(options.integer("max-num-batched-tokens")),
        max_num_seqs=_positive(options.integer("max-num-seqs")),
        utilization=share if share is not None and 0 < share <= 1 else None,
        kv_cache_dtype=kv_cache.bound(options.text("kv-cache-dtype") or "auto"),
        enforce_eager=options.is_on("enforce-eager"),
        version=options.version,
    )
    return settings, fit_length


def _positive(number: int | None) -> int | None:
    """What cannot be is refused elsewhere; here it counts as not written."""
    return number if number is not None and number > 0 else None
