# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a host's images, one after the other, and proves each."""

from __future__ import annotations

import os
import time
import typing as t

from ..background.status import Status
from . import causes, derived, record, registry, space
from .engine import Engine, Event, Refused
from .errors import ImageError
from .request import Item, Settings


def reason(item: Item, engine: Engine, settings: Settings) -> str | None:
    """Why the image has to be brought; None: it is there. Asks no registry."""
    found = engine.image(item.wanted.text)
    if found is None:
        return "it is not there"
    if item.base is not None:
        return derived.reason(item, found, engine)
    by_tag = not (item.wanted.digest or item.wanted.identity or item.archive)
    return "a newer image may have its tag" if settings.refresh and by_tag else None


def described(item: Item, engine: Engine) -> dict[str, t.Any]:
    """``reference``, and of what is there ``id``, ``digest`` (None for what no registry gave) and ``size_bytes``."""
    found = engine.image(item.wanted.text) or {}
    digests = [str(name).rpartition("@") for name in found.get("RepoDigests") or ()]
    mine = [digest for name, _at, digest in digests if name == item.wanted.name] or [entry[2] for entry in digests]
    return {
        "reference": item.wanted.text,
        "id": found.get("Id"),
        "digest": item.wanted.digest or (mine[0] if mine else None),
        "size_bytes": found.get("Size"),
    }


def work(items: t.Sequence[Item], settings: Settings, engine: Engine, status: Status) -> None:
    """Raises ImageError of the first that cannot be brought."""
    for item in items:
        began, why, before = time.monotonic(), reason(item, engine, settings), engine.image(item.wanted.text)
        if why is not None:
            _bring(item, settings, engine, status)
            after = engine.image(item.wanted.text)
            if after is not None and before is not None and after["Id"] == before["Id"]:
                why = None  # the tag was asked for a newer image, and there is none
            elif before is None:
                record.add([item.wanted.text])
        status.end(item, why, time.monotonic() - began)


def _bring(item: Item, settings: Settings, engine: Engine, status: Status) -> None:
    if item.base is not None:
        derived.build(item, settings, engine, status)
    elif item.archive:
        _load(item, engine, status)
    elif item.wanted.identity:
        rule = "is the id of an image, which no registry is asked for"
        raise ImageError(item.key, None, rule, "bring it with vllm_image_archive, or name it by its digest")
    else:
        _pull(item, settings, engine, status)
    if engine.image(item.wanted.text) is None:
        raise ImageError(item.key, None, "is still not there", "look at the engine's journal")


def _pull(item: Item, settings: Settings, engine: Engine, status: Status) -> None:
    wanted, login = item.wanted, settings.logins.get(item.wanted.login)
    status.show(item, "asks the registry")
    info = engine.info()
    layers = registry.layers(wanted, login, info)
    if layers is not None:
        layers = space.lacking(layers, engine)
        space.check(item.key, layers, info)
    seen = _Layers()
    total = sum(layer.size for layer in layers or ())
    try:
        with status.measured(item, total, 1, "", lambda: min(seen.done(), total)):
            for event in engine.pull(wanted, login):
                seen.feed(event)
                if seen.are_unpacked_only:
                    status.show(item, "unpacks")
    except Refused as refused:
        raise causes.of_pull(wanted, refused, login is not None) from refused


class _Layers:
    """What Docker tells of the layers of a pull."""

    def __init__(self) -> None:
        self._done: dict[str, int] = {}
        self._open: set[str] = set()
        self.are_unpacked_only = False

    def feed(self, event: Event) -> None:
        layer, said, detail = str(event.get("id", "")), str(event.get("status", "")), event.get("progressDetail") or {}
        if said in ("Pulling fs layer", "Waiting"):
            self._open.add(layer)
        elif said == "Downloading":
            self._done[layer] = int(detail.get("current") or 0)
        elif said in ("Download complete", "Verifying Checksum", "Already exists"):
            self._open.discard(layer)
        self.are_unpacked_only = not self._open and said in ("Extracting", "Pull complete")

    def done(self) -> int:
        """Bytes so far."""
        return sum(list(self._done.values()))


def _load(item: Item, engine: Engine, status: Status) -> None:
    path = str(item.archive)
    try:
        size = os.stat(path).st_size
        archive = open(path, "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        rule = f"the archive cannot be read ({error.strerror})"
        raise ImageError(path, None, rule, "put it there, or correct vllm_image_archive") from error
    before = {str(image["Id"]) for image in engine.images()}
    brought: list[str] = []
    with archive:
        space.check(item.key, [registry.Layer(size, "", True)], engine.info())
        try:
            with status.measured(item, size, 1, "", archive.tell, phase="downloads"):
                for event in engine.load(archive):
                    brought += _loaded(str(event.get("stream", "")))
        except Refused as refused:
            raise causes.of_archive(path, refused) from refused
    if engine.image(item.wanted.text) is None:
        held = ", ".join(brought) or "no image"
        _take_back(brought, before, engine)
        rule = f"the archive holds {held}, not {item.wanted.text}; nothing of it was kept"
        raise ImageError(item.key, None, rule, f"save that image: docker save --output {path} {item.wanted.text}")


def _loaded(said: str) -> list[str]:
    """Names and ids of ``Loaded image: name:tag``, ``Loaded image ID: sha256:…``."""
    found = []
    for line in said.splitlines():
        for start in ("Loaded image: ", "Loaded image ID: "):
            if line.startswith(start):
                found.append(line[len(start) :].strip())
    return found


def _take_back(brought: t.Sequence[str], before: t.Collection[str], engine: Engine) -> None:
    for name in brought:
        image = engine.image(name)
        if image is not None and str(image["Id"]) not in before:
            engine.remove(name)
