# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a service's weights are quantized: whether its release has the method, and what GPUs it takes.

Sources: config/model.py, _verify_quantization; config/vllm.py, _get_quantization_config; the get_scheme of
compressed-tensors and Quark.
"""

from __future__ import annotations

import difflib
import typing as t

from ..models.config import ModelFacts
from ..models.quantization import Quantization
from ..releases import quantization
from .errors import Refusals
from .intent import Service
from .options import Options

_ALLOWED = "allow-deprecated-quantization"
#: Words of packages that may register a method.
_PLUGIN_WORDS = ("vllm", "plugin", "quant")
#: What ModelOpt's one method name becomes, by the kind of its weights.
_MODELOPT = {"nvfp4": ("modelopt_fp4", "nvfp4"), "mxfp8": ("modelopt_mxfp8",), "fp8": ("modelopt",)}
#: The classes that may load weights of a kind, and which of them a GPU gets depends on it.
_SCHEMES: t.Mapping[str, t.Mapping[str, tuple[str, ...]]] = {
    "compressed-tensors": {
        "nvfp4": ("CompressedTensorsW4A16Fp4", "CompressedTensorsW4A4Fp4"),
        "mxfp4": ("CompressedTensorsW4A16Mxfp4", "CompressedTensorsW4A4Mxfp4", "CompressedTensorsW4A8Mxfp4"),
        "fp8": ("CompressedTensorsW8A16Fp8", "CompressedTensorsW8A8Fp8"),
        "int8": ("CompressedTensorsW8A8Int8", "CompressedTensorsWNA16"),
        "int4": ("CompressedTensorsWNA16",),
        "int": ("CompressedTensorsWNA16",),
    },
    "quark": {"fp8": ("QuarkW8A8Fp8",)},
}


class Method(t.NamedTuple):
    """name: as vLLM calls it. path, value: where it comes from, and what is written there."""

    name: str
    path: str
    value: str
    asked: bool


def method_of(service: Service, facts: ModelFacts | None) -> Method | None:
    """The method that the engine would load weights with; None without, or where the model is not known."""
    options = Options(service)
    settings = facts.quantization if facts is not None else None
    asked, path = options.text("quantization"), options.path("quantization")
    if asked and (settings is None or asked.lower().replace("_", "-") != settings.method):
        online = asked == "mxfp8" and settings is None and quantization.has("online", service["version"])
        return Method("online" if online else asked, path, asked, True)
    if settings is None:
        return None
    return Method(_own_name(settings, service["version"]), f"{service.path}.model", service["model"], False)


def _own_name(settings: Quantization, version: str) -> str:
    """What the release calls a checkpoint's method."""
    if settings.method.startswith("modelopt"):
        kinds = {_kind(rule.scheme.name) for rule in settings.rules}
        wanted = ("modelopt_mixed",) if len(kinds) > 1 else _MODELOPT.get("".join(kinds), ())
        return next((name for name in wanted if quantization.has(name, version)), "modelopt")
    if settings.method == "auto-round" and not quantization.has("auto-round", version):
        known = quantization.least("inc", version) is not None
        return "inc" if known else "auto-round"
    written = settings.method.replace("-", "_")
    present = quantization.has(written, version) or quantization.stretches(written)
    return written if present else settings.method


def _kind(scheme: str) -> str:
    """``fp8 per channel`` -> fp8; ``int 4 bit in groups of 128`` -> int."""
    return scheme.partition(" ")[0]


def least_capability(service: Service, facts: ModelFacts | None) -> tuple[int, str] | None:
    """The least compute capability of the service's weights, and what of them wants it; None: nothing is known."""
    method = method_of(service, facts)
    settings = facts.quantization if facts is not None else None
    if method is None:
        return None
    version = service["version"]
    if quantization.is_elsewhere(method.name, version):
        return None
    found = [(quantization.least(method.name, version) or 0, f"quantization {method.name}")]
    kinds = _SCHEMES.get(method.name, {})
    for rule in settings.rules if settings is not None and not method.asked else ():
        least = quantization.least_of_schemes(kinds.get(_kind(rule.scheme.name), ()), version)
        if least is not None:
            found.append((least, f"{method.name} with {_kind(rule.scheme.name)} weights"))
    return max(found, key=lambda item: item[0])


def check(
    service: Service, facts: ModelFacts | None, accelerator: str, fleet: t.Mapping[str, t.Any], refusals: Refusals
) -> None:
    """Refuse a method that the release does not have, or that it takes only when told to."""
    method, version = method_of(service, facts), service["version"]
    if method is None:
        return
    if not quantization.has(method.name, version):
        _absent(service, method, fleet, refusals)
    elif accelerator == "cuda" and quantization.is_elsewhere(method.name, version):
        rule = f"quantization {method.name} of vLLM {version} is for other accelerators than NVIDIA's"
        refusals.add("quantization-absent", method.path, method.value, rule, _instead(method, version, usable=True))
    elif quantization.is_deprecated(method.name, version) and not Options(service).is_on(_ALLOWED):
        rule = f"vLLM {version} holds quantization {method.name} for outdated, and does not start with it unless told"
        other = "another method" if method.asked else "another checkpoint"
        fix = f"set {service.path}.args.{_ALLOWED.replace('-', '_')}: true, or use {other}"
        refusals.add("quantization-deprecated", method.path, method.value, rule, fix)


def _absent(service: Service, method: Method, fleet: t.Mapping[str, t.Any], refusals: Refusals) -> None:
    version, plugin = service["version"], quantization.PLUGINS.get(method.name)
    rule = f"vLLM {version} has no quantization {method.name}"
    container = service["runtime"] == "container"
    image = str(service["image"] or fleet["vllm_image"] or "")
    packages = [str(package).lower() for package in fleet["vllm_env_packages"]]
    if not container and plugin and any(package.startswith(plugin) for package in packages):
        return
    own = image and not image.startswith("vllm/vllm-openai")
    if own if container else any(word in package for package in packages for word in _PLUGIN_WORDS):
        where = "the image" if container else "vllm_env_packages"
        message = f"{rule} of its own: it starts only if a plugin in {where} registers it"
        fix = f"see that {plugin or 'the plugin'} is there" + ("" if plugin else ", and takes this release")
        refusals.warn("quantization-by-plugin", method.path, message, fix)
        return
    fix = _instead(method, version)
    if plugin:
        add = f"an image of your own that holds {plugin}" if container else f"vllm_env_packages: [{plugin}]"
        fix = f"name {add}, or {fix}" if container else f"write {add}, or {fix}"
    refusals.add("quantization-absent", method.path, method.value, rule, fix)


def _instead(method: Method, version: str, usable: bool = False) -> str:
    """Releases that have the method, or a name that was meant. usable: it must be one for NVIDIA's GPUs."""
    other = "leave it out" if method.asked else "use another checkpoint"
    found = quantization.stretches(method.name)
    if not found:
        close = difflib.get_close_matches(method.name, quantization.names(version), n=1)
        return f"write {close[0]}" if close and method.asked else other
    if usable:
        first = quantization.later(version, lambda each: quantization.least(method.name, each) is not None)
        return f"use release {first} or later, or {other}" if first else other
    later = quantization.later(version, lambda each: quantization.has(method.name, each))
    last = quantization.last(method.name)
    return f"use release {later} or later, or {other}" if later else f"use release {last} or older, or {other}"
