# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options ``vllm serve`` takes in which release, and what follows each.

Names are written without dashes in front: ``max-model-len``. Measured with the argument parser of every release of the
tables (docs/releases.md). A release newer than the tables is judged by their newest; see coverage() of tables.
"""

from __future__ import annotations

import difflib
import re
import typing as t

from . import connectors, tables, timelines, versions
from .standing import Standing, standing

oldest = tables.oldest
newest = tables.newest

#: ``--config.key value`` for an option that takes JSON. 0.9.0 tried, and turned every underscore of a key into a dash.
_DOTTED_SINCE = "0.9.1"
#: ``--disable-x`` beside ``--enable-x``, and the reverse, for every option with a ``--no-`` twin.
_OPPOSITES_SINCE = "0.33.0"
_OPPOSITE = {"enable-": "disable-", "disable-": "enable-"}
_TRANSFER = "kv-transfer-config"
#: Options whose words the parser takes in any case, with dashes for underscores (arg_utils.py, since 0.16.0).
_ANY_CASE = ("moe-backend", "linear-backend", "sparse-indexer-topk-backend")
_WORDS_SHOWN = 12
#: More digits are no number of anything, though Python reads them.
_INTEGER = re.compile(r"[+-]?(?:\d_?){0,17}\d")
_SUFFIXED = re.compile(r"(\d+(?:\.\d+)?)([kmgtKMGT])")
_SUFFIXES = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def normalize(name: str) -> str:
    """``max_model_len`` and ``--max-model-len`` are one option; a dotted tail names a JSON key of it."""
    base, dot, tail = name.strip().partition(".")
    return base.lstrip("-").replace("_", "-") + dot + tail


def names(version: str) -> list[str]:
    """Every option of the release, twins left out."""
    return sorted(name for name, line in _lines().items() if line.span(version))


def spellings(name: str, version: str) -> list[str]:
    """An option and its twins, as the release takes them; nothing for an option that it does not have."""
    value = _kind(name, version)
    if value is None:
        return []
    found = [name]
    if value == "pair":
        found.append(f"no-{name}")
        if versions.parse(version) >= versions.parse(_OPPOSITES_SINCE):
            found += [there + name[len(here) :] for here, there in _OPPOSITE.items() if name.startswith(here)]
    return found


def kind(name: str, version: str) -> str | None:
    """What follows the option in this release, None where it is not taken.

    ``switch``: nothing; it is given or not, and has no ``--no-`` twin.
    ``pair``: nothing; ``--no-<name>`` says the opposite.
    ``boolean``: nothing, or true or false. ``optional``: nothing, or a text.
    ``int``, ``float``, ``string``, ``json``: one value.
    ``list``: one value or more, each its own argument.
    ``append``: one value; repeat the option for each further one.
    """
    base = plain(name, version)
    return None if base is None else _kind(base, version)


def choices(name: str, version: str) -> tuple[str, ...]:
    """The words that the option is limited to; empty: it takes any, or takes none at all."""
    base = plain(name, version)
    return tuple(timelines.timelines("serve_flags", "choices").get(base or "", timelines.NEVER).at(version) or ())


def readable(name: str, version: str) -> str:
    """How the option's number may be written besides digits: ``suffix`` (32k), ``suffix or auto``; empty: not so."""
    base = plain(name, version)
    return str(timelines.timelines("serve_flags", "readable").get(base or "", timelines.NEVER).at(version) or "")


def plain(name: str, version: str) -> str | None:
    """The option that a spelling belongs to in the release: itself, or what it is the twin of; None: it is not taken.

    ``no-enable-lora`` and, from 0.33.0 on, ``disable-lora`` are ``enable-lora``.
    """
    written = normalize(name).partition(".")[0]
    if _kind(written, version):
        return written
    return next((other for other in _plain_names(written) if written in spellings(other, version)), None)


def accepts(name: str, version: str) -> bool:
    """Does ``vllm serve`` of this release take the option? Its twins count, and keys of JSON values behind a dot."""
    base = plain(name, version)
    _option, dot, tail = normalize(name).partition(".")
    if base is None or not dot:
        return base is not None
    dotted = _kind(base, version) == "json" and versions.parse(version) >= versions.parse(_DOTTED_SINCE)
    if dotted and base == _TRANSFER:
        return connectors.transfer_key(_first_key(tail), version).valid
    return dotted


def misfit(name: str, value: t.Any, version: str) -> str:
    """Why a value cannot follow the option, as ``takes no value: write true or false``; empty: it can.

    What the parser judges is judged: the shape, whole and other numbers, words of a fixed list. None leaves an option
    out; as text, only some options take it.
    """
    taken = kind(name, version)
    if value is None or taken is None or "." in normalize(name):
        return ""
    if taken in ("switch", "pair"):
        return "" if isinstance(value, bool) else "takes no value: write true or false"
    if isinstance(value, bool):
        return "" if taken in ("boolean", "optional", "json") else "takes a value, not true or false"
    if isinstance(value, dict):
        return "" if taken in ("json", "list", "append") else "takes one value, not a mapping"
    if isinstance(value, (list, tuple)):
        return _misfit_list(value, taken)
    text = str(value).strip()
    if taken == "int" and integer(name, value, version) is None:
        return _misfit_integer(value, text, readable(name, version))
    if taken == "float" and not _is_float(text):
        return "takes a number, such as 0.9"
    return _misfit_word(name, text, version) if taken == "string" else ""


def integer(name: str, value: t.Any, version: str) -> int | None:
    """The number that the parser makes of a value: ``32768``, ``"32768"``, and ``32k`` where the option takes that.

    ``auto`` is -1 where the option takes it. None: it takes no such value.
    """
    if isinstance(value, (bool, float)):
        return None
    text, how = str(value).strip(), readable(name, version)
    if _INTEGER.fullmatch(text):
        return int(text)
    if text.lower() == "auto" and how == "suffix or auto":
        return -1
    found = _SUFFIXED.fullmatch(text) if how else None
    if found is None or (found.group(2).isupper() and "." in found.group(1)):
        return None
    return int(float(found.group(1)) * _SUFFIXES[found.group(2)])


def _misfit_integer(value: t.Any, text: str, how: str) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e18:
        return f"takes a whole number: write {int(value)}"
    if _SUFFIXED.fullmatch(text) and how:
        return f"takes no fraction with {text[-1]}, which counts in powers of 1024: write {text[:-1]}{text[-1].lower()}"
    return "takes a whole number" + {"": "", "suffix": " (or 32k)"}.get(how, " (or 32k, or auto)")


def _misfit_list(value: t.Sequence[t.Any], taken: str) -> str:
    if taken not in ("list", "append", "json"):
        return "takes one value, not a list"
    if taken == "list" and len(value) > 1 and any(looks_like_option(str(item)) for item in value):
        return "takes no list in which a word begins with a dash: it would be read as an option"
    return ""


def _misfit_word(name: str, text: str, version: str) -> str:
    words = choices(name, version)
    folded = text.lower().replace("-", "_") if plain(name, version) in _ANY_CASE else text
    if not words or folded in words:
        return ""
    close = difflib.get_close_matches(text, words, n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    shown = ", ".join(words[:_WORDS_SHOWN])
    more = f" and {len(words) - _WORDS_SHOWN} more" if len(words) > _WORDS_SHOWN else ""
    return f"takes one of {shown}{more}{meant}"


def looks_like_option(text: str) -> bool:
    """Whether the parser takes a word for an option: it begins with a dash and is no negative number."""
    return len(text) > 1 and text.startswith("-") and not re.fullmatch(r"-\d+|-\d*\.\d+", text)


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def find(name: str, version: str) -> Standing:
    """How the option stands in the release; what to do where it is not taken."""
    base, dot, tail = normalize(name).partition(".")
    taken = plain(name, version)
    if taken and dot and not accepts(name, version):
        return _find_key(taken, tail, version)
    long = None if taken else _short_forms().get(base, timelines.NEVER).at(version)
    if long:
        return _refused(name, f"write {_shown(long)}", {"flags": (long,)})
    if taken is None and base not in _lines():
        other = next((other for other in _plain_names(base) if other in _lines()), None)
        if other and _kind(other, version):
            return _refused(name, _without_twin(other, version), {"flags": (other,)})
        base = other or base  # a twin of an option that has gone, or has not come yet, shares its fate
    nowhere = f"leave it out; `vllm serve --help=all` of {version} lists what it takes"
    return standing(taken or base, version, _lines(), "flags", nowhere, _shown)


def _without_twin(option: str, version: str) -> str:
    paired = _kind(option, version) == "pair"
    return f"write {_shown(option)}: false" if paired else f"leave it out: {_shown(option)} has no opposite"


def _find_key(option: str, tail: str, version: str) -> Standing:
    """A key behind a dot that the release does not take."""
    if _kind(option, version) != "json":
        return _refused(option, f"{_shown(option)} takes no keys: give it one value")
    if versions.parse(version) < versions.parse(_DOTTED_SINCE):
        return _refused(
            option, f"give {_shown(option)} its whole value; {_DOTTED_SINCE} and later take keys behind a dot"
        )
    return connectors.transfer_key(_first_key(tail), version)


def _refused(name: str, advice: str, now: t.Mapping[str, tuple[str, ...]] | None = None) -> Standing:
    return Standing(name, False, True, None, None, advice, now or {})


def advice(name: str, version: str) -> str:
    """What to do about an option that the release does not take."""
    return find(name, version).advice


def _lines() -> t.Mapping[str, timelines.Timeline]:
    return timelines.timelines("serve_flags", "flags")


def _short_forms() -> t.Mapping[str, timelines.Timeline]:
    return timelines.timelines("serve_flags", "short_forms")


def _kind(base: str, version: str) -> str | None:
    found: str | None = _lines().get(base, timelines.NEVER).at(version)
    return found


def _plain_names(twin: str) -> t.Iterator[str]:
    if twin.startswith("no-"):
        yield twin[3:]
    for here, there in _OPPOSITE.items():
        if twin.startswith(here):
            yield there + twin[len(here) :]


def _first_key(tail: str) -> str:
    """``kv_connector_extra_config.backends+`` -> ``kv_connector_extra_config``."""
    return tail.partition(".")[0].rstrip("+")


def _shown(name: str) -> str:
    return name.replace("-", "_")
