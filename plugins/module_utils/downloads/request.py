# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is to bring, from the module's options."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t
from pathlib import Path

from . import huggingface, modelscope, sources
from .record import Wanted


@dataclasses.dataclass(frozen=True)
class Item:
    """One directory. source: parsed from wanted.source. commit: decided for all hosts, or None. token: of its hub."""

    source: sources.Source
    wanted: Wanted
    directory: Path
    environment: str
    commit: str | None
    token: str | None = dataclasses.field(repr=False)

    @property
    def key(self) -> str:
        return str(self.directory)

    @property
    def title(self) -> str:
        return self.wanted.source

    @property
    def revision(self) -> str | None:
        """The revision to ask for."""
        return self.commit or self.wanted.revision


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is the same for all items. timeout: seconds an item may take. keys: S3's, as environment variables."""

    hub_endpoint: str
    modelscope_endpoint: str
    s3_endpoint: str
    s3_region: str
    keys: t.Mapping[str, str] = dataclasses.field(repr=False)
    timeout: float
    attempts: int
    workers: int
    verify: bool


def items(params: t.Mapping[str, t.Any]) -> list[Item]:
    """Of the module's options. Raises sources.BadSource."""
    common = {
        sources.HUB: params["hub_token"],
        sources.MODELSCOPE: params["modelscope_token"],
        sources.WEB: params["web_token"],
    }
    own = params["tokens"] or {}
    found = []
    for item in params["models"]:
        source = sources.parse(item["source"])
        patterns = (tuple(item["include"]), tuple(item["exclude"]))
        wanted = Wanted(item["source"], item["dataset"], item["revision"], *patterns)
        token = own.get(item["path"]) if source.kind == sources.HUB else None
        token = token or common.get(source.kind)
        commit = (params["commits"] or {}).get(wanted.name)
        found.append(Item(source, wanted, Path(item["path"]), item["environment"] or "", commit, token or None))
    return found


def settings(params: t.Mapping[str, t.Any]) -> Settings:
    """Of the module's options."""
    keys = {
        "AWS_ACCESS_KEY_ID": params["s3_access_key"],
        "AWS_SECRET_ACCESS_KEY": params["s3_secret_key"],
        "AWS_SESSION_TOKEN": params["s3_session_token"],
    }
    return Settings(
        hub_endpoint=params["hub_endpoint"] or huggingface.ENDPOINT,
        modelscope_endpoint=params["modelscope_endpoint"] or modelscope.ENDPOINT,
        s3_endpoint=params["s3_endpoint"] or "",
        s3_region=params["s3_region"] or "",
        keys={name: value for name, value in keys.items() if value},
        timeout=params["timeout"],
        attempts=params["attempts"],
        workers=params["max_workers"],
        verify=params["verify"],
    )


def identity(found: t.Sequence[Item], set_: Settings) -> str:
    """Stands for the work: a run that is told the same joins it. Secrets are no part of it."""
    told = [[str(item.directory), item.wanted.as_dict(), item.commit, item.environment] for item in found]
    rest = [set_.hub_endpoint, set_.modelscope_endpoint, set_.s3_endpoint, set_.s3_region, set_.verify]
    return hashlib.sha256(json.dumps([told, rest], sort_keys=True).encode()).hexdigest()[:16]
