# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image with Ray, built on the host from one that has none."""

from __future__ import annotations

import hashlib
import io
import shlex
import tarfile
import typing as t
from urllib.parse import urlsplit

from ..background.status import Status
from . import causes
from .engine import Engine, Event, Refused
from .errors import ImageError
from .request import Item, Settings

#: Labels of a built image: what it was made from, and with which Ray.
_BASE, _RAY = "vllm-cluster.base", "vllm-cluster.ray"
_LAST_LINES = 12


def tag(base: str, ray: str) -> str:
    """The name of the image that is built from a base with a Ray. Both decide it, so another base is another image."""
    digest = hashlib.sha256(f"{base}\n{ray}".encode()).hexdigest()[:12]
    return f"vllm-cluster/ray:{ray}-{digest}"


def with_password(urls: t.Iterable[str]) -> list[int]:
    """Which of the package indexes hold a user or password: an image tells in its history what it was built with."""
    return [number for number, url in enumerate(urls) if "@" in urlsplit(url).netloc]


def check(items: t.Sequence[Item], settings: Settings) -> None:
    """Refuse a password among a host's own variables; the plan knows what all hosts share. Raises ImageError."""
    urls = [url for value in settings.pip.values() for url in value.split()]
    for item in items:
        if item.base is not None and with_password(urls):
            rule = "its history would hold the user or password of a package index (pip_environment)"
            raise ImageError(item.key, None, rule, "name an index that needs none, or an image that holds Ray")


def recipe(base: str, identity: str, ray: str) -> str:
    """The Dockerfile. uv is in the vLLM project's images since 0.9; pip is in all.

    Ray goes beside the vLLM that is found first: of some images that is in a virtual environment, of others it is not.
    """
    install = f"'ray[default]=={ray}'"
    uv = 'uv pip install --python "$(command -v python3)" --break-system-packages --no-cache'
    return "\n".join(
        [
            f"FROM {base}",
            'SHELL ["/bin/sh", "-ec"]',
            f"RUN if command -v uv >/dev/null; then {uv} {install}; "
            f"else python3 -m pip install --no-cache-dir {install}; fi",
            # An image whose Ray does not start is none.
            "RUN ray --version",
            f"LABEL {_BASE}={identity} {_RAY}={ray}",
            "",
        ]
    )


def reason(item: Item, found: Event, engine: Engine) -> str | None:
    """Why an image that is there has to be built again."""
    labels = (found.get("Config") or {}).get("Labels") or {}
    base = engine.image(str(item.base))
    if base is not None and labels.get(_BASE) != base["Id"]:
        return "its base has changed"
    return None if labels.get(_RAY) == item.ray else "it holds another Ray"


def build(item: Item, settings: Settings, engine: Engine, status: Status) -> None:
    """Raises ImageError. The base is there: it is an item of its own, before this one."""
    status.show(item, "is built")
    base = t.cast(Event, engine.image(str(item.base)))
    context, said = _packed(recipe(str(item.base), str(base["Id"]), str(item.ray)), settings.pip), []
    try:
        for event in engine.build(context, item.wanted.text):
            said += [line for line in str(event.get("stream", "")).splitlines() if line.strip()]
    except Refused as refused:
        last = " / ".join(said[-_LAST_LINES:])
        raise causes.of_build(item.key, Refused(0, f"{refused.message} ({last})")) from refused


def _packed(dockerfile: str, pip: t.Mapping[str, str]) -> bytes:
    lines = dockerfile.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("RUN if"):
            given = "".join(f"{name}={shlex.quote(value)} " for name, value in sorted(pip.items()))
            lines[number] = f"RUN export {given}; {line[len('RUN ') :]}" if given else line
    data = "\n".join([*lines, ""]).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
