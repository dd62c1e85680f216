# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a host's units: unit files, environment files, and records of what was applied."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import os
import stat
import time
import typing as t

from . import texts
from .errors import UnitError

UNIT_DIR = "/etc/systemd/system"
ENVIRONMENT_DIR = "/etc/vllm/units"
RECORD_DIR = "/var/lib/vllm-units"

_UNIT_MODE = 0o644
_SECRET_MODE = 0o600
_SECRET_DIR_MODE = 0o700


@dataclasses.dataclass(frozen=True)
class OnDisk:
    """What the files of one unit hold; None: the file is absent. link: the unit's path is a link and was not read."""

    text: str | None
    environment: str | None
    record: str | None
    link: bool
    modes_right: bool


class HostFiles:
    """The three directories, all owned by the user that runs this (root on hosts)."""

    def __init__(
        self, unit_dir: str = UNIT_DIR, environment_dir: str = ENVIRONMENT_DIR, record_dir: str = RECORD_DIR
    ) -> None:
        self.unit_dir = unit_dir
        self.environment_dir = environment_dir
        self.record_dir = record_dir

    def unit_path(self, name: str) -> str:
        return os.path.join(self.unit_dir, name)

    def environment_path(self, name: str) -> str:
        return os.path.join(self.environment_dir, f"{_stem(name)}.env")

    def record_path(self, name: str) -> str:
        return os.path.join(self.record_dir, f"{_stem(name)}.applied")

    def read(self, name: str) -> OnDisk:
        link = os.path.islink(self.unit_path(name))
        text = None if link else _read(self.unit_path(name))
        environment = _read(self.environment_path(name))
        record = _read(self.record_path(name))
        right = [
            text is None or _is_private(self.unit_path(name), _UNIT_MODE),
            environment is None or _is_private(self.environment_path(name), _SECRET_MODE),
            record is None or _is_private(self.record_path(name), _SECRET_MODE),
        ]
        return OnDisk(text, environment, record.strip() if record else None, link, all(right))

    def ours(self) -> list[str]:
        """Names of the units that this collection wrote, or of which it left an environment or record behind."""
        names = {name for name in _listing(self.unit_dir) if name == texts.TARGET or texts.PATTERN.fullmatch(name)}
        found = {name for name in names if texts.is_stamped(name, self.read(name).text or "")}
        for directory, ending in ((self.environment_dir, ".env"), (self.record_dir, ".applied")):
            stems = (entry[: -len(ending)] for entry in _listing(directory) if entry.endswith(ending))
            left = {f"{stem}.service" for stem in stems} - names
            found |= {name for name in left if texts.PATTERN.fullmatch(name)}
        return sorted(found)

    def write_unit(self, name: str, text: str) -> None:
        _write(self.unit_path(name), text, _UNIT_MODE)

    def write_environment(self, name: str, text: str) -> None:
        _make_private_directory(self.environment_dir)
        _write(self.environment_path(name), text, _SECRET_MODE)

    def write_record(self, name: str, digest: str) -> None:
        _make_private_directory(self.record_dir)
        _write(self.record_path(name), f"{digest}\n", _SECRET_MODE)

    def remove_record(self, name: str) -> None:
        _remove(self.record_path(name))

    def remove(self, name: str) -> None:
        """Removes a unit's files. Whichever is left by an interruption, ``ours`` finds the unit again.

        The target's link goes too: systemctl leaves it when somebody has removed the unit file before.
        """
        link = os.path.join(self.unit_dir, f"{texts.TARGET}.wants", name)
        for path in (link, self.environment_path(name), self.record_path(name), self.unit_path(name)):
            _remove(path)

    @contextlib.contextmanager
    def lock(self, wait_s: float = 60) -> t.Iterator[None]:
        """Holds the host's units for one run. Raises UnitError when another run has them for longer than wait_s."""
        _make_private_directory(self.record_dir)
        handle = os.open(os.path.join(self.record_dir, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _SECRET_MODE)
        try:
            end = time.monotonic() + wait_s
            while not _locked(handle):
                if time.monotonic() >= end:
                    raise UnitError(f"another run has been changing this host's units for {wait_s:g} s", step="lock")
                time.sleep(0.2)
            yield
        finally:
            os.close(handle)


def _stem(name: str) -> str:
    return name[: -len(".service")] if name.endswith(".service") else name


def _listing(directory: str) -> list[str]:
    return os.listdir(directory) if os.path.isdir(directory) else []


def _read(path: str) -> str | None:
    try:
        # newline="": a carriage return is part of what is compared.
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def _is_private(path: str, mode: int) -> bool:
    status = os.lstat(path)
    return stat.S_IMODE(status.st_mode) == mode and status.st_uid == os.geteuid()  # a link's own mode is 0777


def _make_private_directory(path: str) -> None:
    os.makedirs(os.path.dirname(path) or ".", mode=0o755, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, _SECRET_DIR_MODE)


def _write(path: str, text: str, mode: int) -> None:
    """Replaces the file in one step, durably. The temporary name is fixed, so that a killed run's is used up."""
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.new")
    _remove(temporary)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    _sync_directory(directory)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        _sync_directory(os.path.dirname(path))


def _sync_directory(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False
    return True
