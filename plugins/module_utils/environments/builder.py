# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes environments with uv, so that a run cut off at any moment is finished by the next one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import conda, trial
from .conda import CondaSettings
from .distributions import alias_directory, alias_files, conda_distributions, installed, site_packages
from .failures import explain, without_credentials
from .records import read_record, record_path, write_record
from .runs import Run
from .state import Decision, Environment, EnvironmentFailure, Found, Record, decide
from .uv import HINTS, Settings, changed_packages, uv_variables


class Builder:
    """Looks at, previews and makes environments on this host.

    ``scratch`` is a private directory of the caller. ``timeout`` (seconds) is what ``run`` stops a command after.
    """

    def __init__(
        self,
        run: Run,
        settings: Settings,
        uv: str,
        scratch: Path,
        timeout: int,
        conda_settings: CondaSettings | None = None,
    ) -> None:
        self._run = run
        self._conda_settings = conda_settings or CondaSettings()
        self._settings = settings
        self._uv_path = uv
        self._scratch = scratch
        self._timeout = timeout

    def decide(self, environment: Environment) -> tuple[Decision, dict[str, str]]:
        """What is to be done and the packages that are there now. Starts no process."""
        found = _look(environment)
        return decide(environment, found, self._origin(environment)), found.packages

    def preview(self, environment: Environment, decision: Decision) -> dict[str, str]:
        """The packages that :meth:`apply` would leave; changes nothing but uv's cache."""
        target, before = Path(environment.path), _packages(Path(environment.path))
        place = ["--python", str(target / "bin" / "python")]
        if decision.action == "build":
            target, before = self._scratch / f"{environment.name}.preview", {}
            place = ["--python", str(target / "bin" / "python")]
            if environment.conda is None:
                self._venv(environment, target)
            else:
                before = conda.linked(self._create(environment, Path(environment.path), decision.lock, dry_run=True))
                version = conda.python_version(before)
                place = ["--target", str(target), *(["--python-version", version] if version else [])]
        arguments = self._install_arguments(environment, place, decision.lock, {})
        arguments += self._torch_arguments(environment, before, arguments)
        output = self._uv(environment, "resolve its packages", [*arguments, "--dry-run"])
        return {**changed_packages(before, output), **dict(environment.request.aliases)}

    def apply(self, environment: Environment, decision: Decision, tried: bool = False) -> dict[str, str]:
        """Do what was decided; the packages that are there then.

        tried: one that is built must have a vLLM that starts, or none, else it is not left behind.
        """
        path = Path(environment.path)
        origin = self._origin(environment)
        record, before = read_record(Path(environment.path)), _packages(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # From here to the last line the record says "not complete": whatever happens, the next run starts afresh.
        write_record(Path(environment.path), Record(False, environment.request.digest(), origin, {}))
        try:
            if decision.action == "build":
                self._make(environment, path, decision.lock)
            place = ["--python", str(path / "bin" / "python")]
            arguments = self._install_arguments(environment, place, decision.lock, conda_distributions(path))
            arguments += self._torch_arguments(environment, installed(path), arguments)
            self._uv(environment, "install its packages", arguments)
            _write_aliases(environment)
            if tried and decision.action == "build":
                self._try(environment, path)
        except EnvironmentFailure:
            if decision.action == "build":  # nothing half done stays
                shutil.rmtree(path, ignore_errors=True)
                record_path(Path(environment.path)).unlink()
            elif record is not None and _packages(path) == before:
                write_record(
                    Path(environment.path), record
                )  # uv failed before it touched anything: engines go on using it
            raise
        packages = _packages(path)
        write_record(Path(environment.path), Record(True, environment.request.digest(), origin, packages))
        return packages

    def _try(self, environment: Environment, path: Path) -> None:
        said = trial.fault(self._run, path, self._scratch, self._timeout)
        if said:
            raise EnvironmentFailure(
                f"environment {environment.name} ({path}): its vLLM does not start, so it is removed again, and "
                f"no engine is moved to it. vllm --version fails; {said}"
            )

    def _origin(self, environment: Environment) -> str:
        """What the environment is made from, as its record tells it."""
        if environment.conda is not None:
            return " ".join(("conda", *environment.conda))
        if not environment.python.startswith("/"):
            if not self._settings.python_mirror:
                raise EnvironmentFailure(
                    f"environment {environment.name}: {environment.python} is no interpreter of the host. "
                    "Fix: give python an absolute path, or set python_mirror, where uv gets this version."
                )
            return f"uv {environment.python}"
        if not os.access(environment.python, os.X_OK) or os.path.isdir(environment.python):
            raise EnvironmentFailure(
                f"environment {environment.name}: there is no Python at {environment.python}. "
                "Fix: install it on the host, or give the environment a python that is there."
            )
        return os.path.realpath(environment.python)

    def _make(self, environment: Environment, path: Path, lock: dict[str, str]) -> None:
        """An environment without the packages of its requirements, in the place of what was there."""
        if path.exists():
            shutil.rmtree(path)
        if environment.conda is None:
            self._venv(environment, path)
            return
        self._create(environment, path, lock, dry_run=False)
        if not os.access(path / "bin" / "python", os.X_OK):
            raise EnvironmentFailure(
                f"environment {environment.name}: conda made it without a Python. Fix: add python to conda's packages."
            )

    def _venv(self, environment: Environment, target: Path) -> None:
        managed = [] if environment.python.startswith("/") else ["--managed-python"]
        arguments = ["venv", *managed, "--python", environment.python, str(target)]
        self._uv(environment, "make a virtual environment", arguments)

    def _create(self, environment: Environment, path: Path, lock: dict[str, str], dry_run: bool) -> str:
        """``conda create``; what it says."""
        settings = self._conda_settings
        specs = conda.locked(lock) or list(environment.conda or ())
        condarc = self._scratch / "condarc.yml"
        condarc.write_text(conda.condarc(settings), encoding="utf-8")
        condarc.chmod(0o600)
        words = conda.create_arguments(settings, path, specs, dry_run)
        if not dry_run:  # what conda keeps of its channels may hold their passwords
            packages = conda.cache(settings)
            packages.mkdir(parents=True, exist_ok=True)
            packages.chmod(0o700)
        rc, out, err = self._run([str(conda.program(settings)), *words], conda.variables(condarc))
        if rc == 0:
            if not dry_run:
                conda.mask(path)
            return out
        channels = without_credentials(", ".join(conda.channels(settings)))
        raise EnvironmentFailure(
            f"environment {environment.name} ({environment.path}): conda could not make it ({', '.join(specs)}; "
            f"channels {channels}); {explain(conda.told(out) + chr(10) + err, rc, self._timeout, conda.HINTS)}"
        )

    def _install_arguments(
        self, environment: Environment, place: list[str], lock: dict[str, str], kept: dict[str, str]
    ) -> list[str]:
        """place: uv's options of where to. kept: distributions that conda brought, in versions that stay."""
        request = environment.request
        of_python = {name: version for name, version in lock.items() if not name.startswith(conda.PREFIX)}
        # Files and not arguments: a requirement may be a URL that holds a password.
        lists = {
            "--requirements": (*request.requirements, *(f"{name}=={version}" for name, version in kept.items())),
            "--excludes": (*request.excludes, *dict(request.aliases)),
            "--constraints": [f"{name}=={version}" for name, version in of_python.items()],
        }
        arguments = ["pip", "install", "--exact", *place]
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
        said = explain(out + err, rc, self._timeout, HINTS)
        raise EnvironmentFailure(
            f"environment {environment.name} ({environment.path}): uv could not {purpose} "
            f"({without_credentials(wanted)}; python {environment.python}); {said}"
        )


def _packages(path: Path) -> dict[str, str]:
    """All that is installed: Python's distributions, and conda's packages."""
    return {**installed(path), **conda.installed(path)}


def _look(environment: Environment) -> Found:
    path = Path(environment.path)
    return Found(
        record=read_record(Path(environment.path)),
        recorded=record_path(Path(environment.path)).exists(),
        occupied=path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))),
        runnable=os.access(path / "bin" / "python", os.X_OK)
        and (path / ("pyvenv.cfg" if environment.conda is None else "conda-meta/history")).is_file(),
        packages=_packages(path),
    )


def _write_aliases(environment: Environment) -> None:
    directory = site_packages(Path(environment.path))
    if directory is None:
        raise EnvironmentFailure(f"environment {environment.name}: {environment.path} has no single site-packages")
    for name, version in environment.request.aliases:
        alias = directory / alias_directory(name, version)
        alias.mkdir(exist_ok=True)
        for file, text in alias_files(name, version).items():
            (alias / file).write_text(text, encoding="utf-8")
