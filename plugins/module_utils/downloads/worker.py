# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the items of a request: one at a time, each under its lease, until all are complete and proved."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

from ..background.status import Status
from ..models import directory as model_directory
from . import checksums, clients, record, sources, space
from .errors import DownloadError
from .lease import Lease
from .listing import Listing, digest
from .processes import Programs
from .request import Item, Settings

_WAIT_S = 1.0
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
#: Sources whose clients go on from what came of a file, under a name that stays.
_RESUMED = (sources.MODELSCOPE, sources.S3, sources.WEB)


def lease_path(directory: Path) -> Path:
    """Beside the directory, so that all hosts that share the one share the other."""
    return directory.with_name(f".{directory.name}.lock")


def work(items: t.Sequence[Item], settings: Settings, status: Status) -> None:
    """Raises DownloadError or OSError of the first item that cannot be brought."""
    leases = {item.directory: _lease(item.directory) for item in items}
    waiting = list(items)
    while waiting:
        for item in list(waiting):
            lease = leases[item.directory]
            holder = lease.take()
            if holder is not None:
                status.show(item, "waits", detail=holder)
                continue
            try:
                _Job(item, settings, status, lease).run()
            finally:
                lease.close()
            waiting.remove(item)
        if waiting:
            time.sleep(_WAIT_S)


def _lease(directory: Path) -> Lease:
    directory.parent.mkdir(parents=True, exist_ok=True)
    return Lease(lease_path(directory))


class _Job:
    """An item whose lease is held. wrong: its files that are known to be damaged. failure: of the last try."""

    def __init__(self, item: Item, settings: Settings, status: Status, lease: Lease) -> None:
        self._item, self._settings, self._status, self._lease = item, settings, status, lease
        self._programs = Programs(settings.timeout, lease.lost.is_set)
        self._wrong: list[str] = []
        self._failure: DownloadError | None = None

    def run(self) -> None:
        """Raises DownloadError or OSError."""
        item, began = self._item, time.monotonic()
        reason, self._wrong = record.missing(item.wanted, item.directory, self._settings.verify)
        if reason is None:  # another host brought it meanwhile
            self._status.end(item, reason=None, seconds=0.0)
            return
        self._status.show(item, "asks the source")
        have = self._tried()
        files = {file.path: {"size": file.size, "digest": file.digest} for file in have.files}
        record.write(item.directory, record.Record(item.wanted.as_dict(), have.commit, files))
        self._status.end(item, reason=reason, seconds=time.monotonic() - began)

    def _tried(self) -> Listing:
        attempt = 1
        while True:
            try:
                return self._attempt(attempt)
            except DownloadError as error:
                self._failure = error
                self._give_up(error, attempt)
            time.sleep(min(_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S))
            attempt += 1

    def _give_up(self, error: DownloadError, attempt: int) -> None:
        """Raise what ends it all; return where another try may do."""
        item, settings = self._item, self._settings
        if self._lease.lost.is_set():
            rule = "another host took over, because this one was silent for too long"
            raise DownloadError(str(item.directory), None, rule, "run it again") from None
        if self._programs.timed_out:
            rule = f"took over {settings.timeout:g} s"
            raise DownloadError(
                item.wanted.source, None, rule, "raise vllm_model_timeout_s, and run it again"
            ) from None
        if not error.passing or attempt >= settings.attempts:
            raise error

    def _attempt(self, attempt: int) -> Listing:
        item, run = self._item, self._programs.run
        have = clients.look(item, self._settings, run)
        item.directory.mkdir(parents=True, exist_ok=True)
        while self._wrong:  # only now: they stay as long as the source does not answer
            (item.directory / self._wrong.pop()).unlink(missing_ok=True)
        space.clean(item.directory, have, item.source.kind in _RESUMED)
        lacking = space.lacking(have, item.directory)
        space.check(item.directory, lacking, item.wanted.source)
        # From here on the record does not hold: what it vouches for is about to change.
        (item.directory / record.NAME).unlink(missing_ok=True)
        if lacking:
            for file in lacking:  # hf takes a file that was cut short for whole where its notes are newer
                (item.directory / file.path).unlink(missing_ok=True)
            detail = self._failure.rule[:120] if self._failure else ""
            with self._status.measured(item, have.size, attempt, detail, lambda: space.used(item.directory, have)):
                clients.fetch(item, self._settings, have, lacking, run)
        self._prove(have)
        space.clean(item.directory, have, resumes=False)
        return have

    def _prove(self, have: Listing) -> None:
        """All files are there, with the sizes and digests that the source tells, and make a whole model."""
        item = self._item
        absent = space.lacking(have, item.directory)
        if absent:
            file = absent[0]
            found = record.size(item.directory / file.path)
            state = "did not come" if found is None else f"came with {found} bytes, and was told to have {file.size}"
            for other in absent:
                (item.directory / other.path).unlink(missing_ok=True)
            raise DownloadError(f"{item.wanted.source}: {file.path}", None, state, _DAMAGED, passing=True)
        wrong = self._spoilt(have)
        for path in wrong:
            (item.directory / path).unlink(missing_ok=True)
        if wrong:
            rule = f"its content is not what the source's checksum says ({len(wrong)} such files)"
            raise DownloadError(f"{item.wanted.source}: {wrong[0]}", None, rule, _DAMAGED, passing=True)
        # What has no config.json is an adapter or for another program; a choice of files need not be a whole model.
        judged = not item.wanted.dataset and not item.wanted.include and have.is_model
        for problem in model_directory.check(str(item.directory)).problems if judged else ():
            rule = f"{problem.rule}, and the source has it so"
            fix = "correct the source, or model_exclude where it leaves out too much"
            raise DownloadError(f"{item.wanted.source}: {problem.file}", None, rule, fix)

    def _spoilt(self, have: Listing) -> list[str]:
        read = [0]

        def count(size: int) -> None:
            read[0] += size

        told = {file.path: file.digest for file in have.files}
        with self._status.measured(self._item, have.size, 1, "", lambda: read[0], phase="verifies"):
            return checksums.wrong(self._item.directory, told, count)


_DAMAGED = "try again; if it stays so, the source or what is between is damaged"


def result(item: Item, found: record.Record | None) -> dict[str, t.Any]:
    """What the module returns of an item that is there."""
    files = found.files if found else {}
    return {
        "path": str(item.directory),
        "source": item.wanted.source,
        "wanted": {**item.wanted.as_dict(), "kind": item.source.kind, "name": item.wanted.name},
        "commit": found.commit if found else None,
        "digest": digest(files) if found else None,
        "bytes": sum(entry["size"] for entry in files.values()),
        "files": len(files),
    }
