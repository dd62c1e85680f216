# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes environments with uv, so that a run cut off at any moment is finished by the next one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from .distributions import alias_directory, alias_files, installed, site_packages
from .state import Decision, Environment, EnvironmentFailure, Found, Record, decide
from .uv import Settings, changed_packages, explain, uv_variables, without_credentials

# Runs a command with variables added to its environment: (argv, variables) -> (exit status, stdout, stderr).
Run = Callable[[list[str], dict[str, str]], tuple[int, str, str]]


class Builder:
    """Looks at, previews and makes environments on this host.

    ``scratch`` is a private directory of the caller. ``timeout`` (seconds) is what ``run`` stops a command after.
    """

    def __init__(self, run: Run, settings: Settings, uv: str, scratch: Path, timeout: int) -> None:
        self._run = run
        self._settings = settings
        self._uv_path = uv
        self._scratch = scratch
        self._timeout = timeout

    def decide(self, environment: Environment) -> tuple[Decision, dict[str, str]]:
        """What is to be done and the packages that are there now. Starts no process."""
        found = _look(environment)
        return decide(environment, found, _interpreter(environment)), found.packages

    def preview(self, environment: Environment, decision: Decision) -> dict[str, str]:
        """The packages that :meth:`apply` would leave; changes nothing but uv's cache."""
        packages: dict[str, str] = {}
        target = Path(environment.path)
        if decision.action == "build":
            target = self._scratch / f"{environment.name}.preview"
            self._uv(environment, "make a virtual environment", ["venv", "--python", environment.python, str(target)])
        else:
            packages = installed(target)
        arguments = self._install_arguments(environment, target, decision.lock)
        arguments += self._torch_arguments(environment, packages, arguments)
        output = self._uv(environment, "resolve its packages", [*arguments, "--dry-run"])
        return {**changed_packages(packages, output), **dict(environment.request.aliases)}

    def apply(self, environment: Environment, decision: Decision) -> dict[str, str]:
        """Do what was decided; the packages that are there then."""
        path = Path(environment.path)
        interpreter = _interpreter(environment)
        record, before = _read_record(environment), installed(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # From here to the last line the record says "not complete": whatever happens, the next run starts afresh.
        _write_record(environment, Record(False, environment.request.digest(), interpreter, {}))
        if decision.action == "build":
            if path.exists():
                shutil.rmtree(path)
            self._uv(environment, "make a virtual environment", ["venv", "--python", environment.python, str(path)])
        try:
            arguments = self._install_arguments(environment, path, decision.lock)
            arguments += self._torch_arguments(environment, installed(path), arguments)
            self._uv(environment, "install its packages", arguments)
        except EnvironmentFailure:
            if decision.action == "install" and record is not None and installed(path) == before:
                _write_record(environment, record)  # uv failed before it touched anything: engines go on using it
            raise
        _write_aliases(environment)
        packages = installed(path)
        _write_record(environment, Record(True, environment.request.digest(), interpreter, packages))
        return packages

    def _install_arguments(self, environment: Environment, target: Path, lock: dict[str, str]) -> list[str]:
        request = environment.request
        # Files and not arguments: a requirement may be a URL that holds a password.
        lists = {
            "--requirements": request.requirements,
            "--excludes": (*request.excludes, *dict(request.aliases)),
            "--constraints": [f"{name}=={version}" for name, version in lock.items()],
        }
        arguments = ["pip", "install", "--exact", "--python", str(target / "bin" / "python")]
        for option, lines in lists.items():
            if not lines:
                continue
            file = self._scratch / f"{environment.name}{option}.txt"
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            arguments += [option, str(file)]
        return arguments

    def _torch_arguments(self, environment: Environment, packages: dict[str, str], install: list[str]) -> list[str]:
        """Where torch comes from. uv's --torch-backend always asks PyTorch's own index, which not every host reaches.

        So ``auto`` first asks what the configured index and find_links would give, and takes it when its torch is of
        the wanted backend (a local version, ``2.9.0+cpu``).
        """
        backend = environment.request.torch_backend
        source = self._settings.torch_source
        if backend is None or source == "configured":
            return []
        if source == "auto" and backend != "auto":  # what uv finds by the host's driver has no name to compare
            rc, out, err = self._call([*install, "--dry-run"])
            torch = changed_packages(packages, out + err).get("torch")
            if rc == 0 and (torch is None or torch.endswith(f"+{backend}")):
                return []
        return ["--torch-backend", backend]

    def _call(self, arguments: list[str]) -> tuple[int, str, str]:
        return self._run([self._uv_path, *arguments], uv_variables(self._settings))

    def _uv(self, environment: Environment, purpose: str, arguments: list[str]) -> str:
        rc, out, err = self._call(arguments)
        if rc == 0:
            return out + err
        wanted = ", ".join(environment.request.requirements)
        raise EnvironmentFailure(
            f"environment {environment.name} ({environment.path}): uv could not {purpose} "
            f"({without_credentials(wanted)}; python {environment.python}); {explain(out + err, rc, self._timeout)}"
        )


def _interpreter(environment: Environment) -> str:
    if not os.access(environment.python, os.X_OK) or os.path.isdir(environment.python):
        raise EnvironmentFailure(
            f"environment {environment.name}: there is no Python at {environment.python}. "
            "Fix: install it on the host, or give the environment a python that is there."
        )
    return os.path.realpath(environment.python)


def _look(environment: Environment) -> Found:
    path = Path(environment.path)
    return Found(
        record=_read_record(environment),
        recorded=_record_path(environment).exists(),
        occupied=path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))),
        runnable=os.access(path / "bin" / "python", os.X_OK) and (path / "pyvenv.cfg").is_file(),
        packages=installed(path),
    )


def _record_path(environment: Environment) -> Path:
    path = Path(environment.path)
    return path.parent / f".{path.name}.json"


def _read_record(environment: Environment) -> Record | None:
    try:
        return Record.from_json(_record_path(environment).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def _write_record(environment: Environment, record: Record) -> None:
    path = _record_path(environment)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, encoding="utf-8", delete=False) as handle:
        handle.write(record.to_json())
        handle.flush()
        os.fsync(handle.fileno())
    os.chmod(handle.name, 0o644)
    os.replace(handle.name, path)


def _write_aliases(environment: Environment) -> None:
    directory = site_packages(Path(environment.path))
    if directory is None:
        raise EnvironmentFailure(f"environment {environment.name}: {environment.path} has no single site-packages")
    for name, version in environment.request.aliases:
        alias = directory / alias_directory(name, version)
        alias.mkdir(exist_ok=True)
        for file, text in alias_files(name, version).items():
            (alias / file).write_text(text, encoding="utf-8")
