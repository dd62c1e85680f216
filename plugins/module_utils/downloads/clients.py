# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who lists and brings the files of each kind of source."""

from __future__ import annotations

import os
import typing as t

from . import curl, huggingface, listing, modelscope, rsync, s3, sources, web
from .errors import DownloadError
from .listing import Listing, RemoteFile
from .processes import Run
from .request import Item, Settings

#: Programs of the host that a kind needs, and what brings them.
TOOLS = {sources.WEB: "curl", sources.S3: "curl", sources.RSYNC: "rsync"}
#: Programs of the environment that a kind needs.
PROGRAMS = {sources.HUB: "hf", sources.MODELSCOPE: "modelscope", sources.S3: "python"}


def look(item: Item, settings: Settings, run: Run) -> Listing:
    """The wanted files as the source tells them now. Raises DownloadError."""
    kind, name, wanted = item.source.kind, item.source.name, item.wanted
    commit = None
    if kind == sources.HUB:
        commit, found = huggingface.files(settings.hub_endpoint, name, wanted.dataset, item.revision, item.token)
    elif kind == sources.MODELSCOPE:
        found = modelscope.files(settings.modelscope_endpoint, name, wanted.dataset, item.revision, item.token)
    elif kind == sources.S3:
        found = s3.files(run, item.environment, name, settings.s3_endpoint, settings.s3_region, settings.keys)
    elif kind == sources.WEB:
        found = web.files(name, item.token)
    else:
        found = rsync.files(run, name)
    return listing.select(found, wanted.include, wanted.exclude, wanted.source, commit)


def fetch(item: Item, settings: Settings, have: Listing, lacking: t.Sequence[RemoteFile], run: Run) -> None:
    """Bring what is lacking. have: as look() told it. Raises DownloadError."""
    kind, name, wanted = item.source.kind, item.source.name, item.wanted
    directory = str(item.directory)
    patterns = (wanted.include, wanted.exclude)
    if kind == sources.HUB:
        argv = huggingface.command(item.environment, name, wanted.dataset, have, patterns, directory, settings.workers)
        _client(run, item, argv, huggingface.variables(settings.hub_endpoint, item.token))
    elif kind == sources.MODELSCOPE:
        argv = modelscope.command(
            item.environment, name, wanted.dataset, item.revision, have, patterns, directory, settings.workers
        )
        scratch = os.path.join(directory, modelscope.SCRATCH)
        _client(run, item, argv, modelscope.variables(settings.modelscope_endpoint, item.token, scratch))
    elif kind == sources.RSYNC:
        rsync.fetch(run, name, lacking, directory)
    else:
        curl.fetch(run, lacking, item.directory, item.token, settings.workers)


def _client(run: Run, item: Item, argv: list[str], variables: dict[str, str]) -> None:
    done = run(argv, variables, "")
    if done.status != 0:
        rule = f"{os.path.basename(argv[0])} ends with {done.status}: {_without(done.last_lines(), item.token)}"
        fix = "run it again: whole files are kept; if it stays so, look at the hub's state and the host's network"
        raise DownloadError(item.wanted.source, None, rule, fix, passing=True)


def _without(text: str, secret: str | None) -> str:
    return text.replace(secret, "********") if secret else text
