#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a host's Python environments with uv."""

from __future__ import annotations

DOCUMENTATION = r"""
module: uv_env
short_description: Make a host's Python environments with uv
version_added: 0.1.0
description:
  - Makes every environment of a list, with exactly the packages that its requirements resolve to and no others.
  - An environment is a virtual one of a Python of the host, or made by conda, which then brings Python and what else
    is asked of it. Requirements are installed by uv in both.
  - Installs uv itself when there is work for it to do, and conda where an environment needs it.
  - An environment that is as asked for costs a directory listing. No process is started and no index is asked.
  - Beside each environment, a hidden file C(.<name>.json) records what was installed. A run that was cut off leaves
    it incomplete, and the next run makes the environment anew, mostly from uv's cache.
  - Packages that somebody else added, removed or changed are put back as they were. Files changed within a package
    are not looked at.
  - Where one with vLLM is beside it already, the vLLM of a new one must start (C(vllm --version)), or it is removed.
  - A directory that this module did not make is never changed or removed.
requirements:
  - Python's C(venv) module with pip on the host (C(python3-venv) on Debian and Ubuntu), to install uv
options:
  environments:
    description: The environments, as the plan's C(hosts.<name>.environments) names them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name for messages.
        type: str
        required: true
      path:
        description: Directory of the environment.
        type: path
        required: true
      python:
        description:
          - Interpreter of the host that the environment is made from.
          - A version, such as C(3.12.11), is brought by uv from O(python_mirror).
          - With O(environments[].conda) it is for the reader.
        type: str
        required: true
      conda:
        description:
          - Packages of conda with their versions, such as C(python=3.12) and C(sqlite=3.50.4); one must be C(python).
          - Unset, the environment is a virtual one.
        type: list
        elements: str
      accelerator:
        description: What the packages are built for. For the reader; the packages follow from the other options.
        type: str
        choices: [cpu, cuda]
      requirements:
        description: Requirements, as pip takes them. All are resolved together.
        type: list
        elements: str
        required: true
      excludes:
        description: Distributions that are never installed, though others ask for them.
        type: list
        elements: str
        default: []
      aliases:
        description:
          - Name to version of distributions to present without installing them, for a repackaging that has the
            modules of another distribution but not its metadata.
        type: dict
        default: {}
      torch_backend:
        description: PyTorch's build, as uv's C(--torch-backend) names it. Unset leaves it to the index.
        type: str
  uv_dir:
    description: Virtual environment that holds uv. Made when it is not there.
    type: path
    default: /opt/vllm/uv
  uv_version:
    description: Version of uv.
    type: str
    required: true
  index_url:
    description:
      - Package index instead of the default one. It may hold a user and password.
      - It reaches uv and pip by their process environment, and messages show it without them.
    type: str
  extra_index_urls:
    description: Package indexes to ask before O(index_url). They may hold a user and password.
    type: list
    elements: str
    default: []
  find_links:
    description: Directories of the host, or pages, with wheels to choose from besides the indexes.
    type: list
    elements: str
    default: []
  cache_dir:
    description: uv's cache. On the file system of the environments it costs no space. Unset means uv's own default.
    type: path
  link_mode:
    description: How uv puts files in place from its cache. Unset means hard links where they are possible.
    type: str
    choices: [clone, copy, hardlink, symlink]
  torch_source:
    description:
      - Where torch comes from when an environment has a C(torch_backend).
      - V(pytorch) is PyTorch's own index, V(configured) is O(index_url), O(extra_index_urls), O(find_links) and uv's
        configuration of the host.
      - V(auto) takes what is configured when it has torch of that backend, and PyTorch's own index otherwise.
    type: str
    choices: [auto, configured, pytorch]
    default: auto
  system_certs:
    description: Whether the host's certificate authorities are trusted, instead of those that uv brings.
    type: bool
    default: true
  compile_bytecode:
    description:
      - Whether modules are compiled when they are installed. Engines cannot write into the environment, and would
        compile every module at every start.
    type: bool
    default: true
  python_mirror:
    description:
      - Where uv gets CPython for environments whose O(environments[].python) is a version, in the layout of
        python-build-standalone's releases. It may hold a user and password.
      - Unset, uv never downloads an interpreter.
    type: str
  python_dir:
    description: Where such interpreters are kept. Environments are made from them and need them.
    type: path
    default: /opt/vllm/python
  conda_path:
    description: A conda of the host. Unset, one is installed below O(conda_dir) when an environment needs it.
    type: path
  conda_dir:
    description: Where conda is installed, and where it keeps the packages that environments are linked from.
    type: path
    default: /opt/vllm/conda
  conda_installers:
    description:
      - Addresses, or files of the host, of one installer of Miniforge or Miniconda. They are tried in turn.
      - They may hold a user and password.
    type: list
    elements: str
    default: []
  conda_checksum:
    description: The installer's sha256. Another installer is installed beside the one that is there.
    type: str
  conda_channels:
    description:
      - Names or addresses of conda's channels, the first one first and with strict priority. No others are asked,
        whatever the host's own condarc says. None means V(conda-forge).
      - They may hold a user and password, or a token, which reach conda by a file for root alone.
    type: list
    elements: str
    default: []
  conda_channel_alias:
    description: Where channels that are named lie, such as a mirror of V(https://conda.anaconda.org).
    type: str
  timeout:
    description: Seconds that any one command may take, and that another run on the same host is waited for.
    type: int
    default: 3600
attributes:
  check_mode:
    support: full
    description: >-
      Resolves the requirements and says what would be installed. Where uv is not there yet, only that there is work.
  diff_mode:
    support: full
    description: Shows the distributions that come and go.
  idempotent:
    support: full
    description: An environment that is as asked for is left alone.
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Make the environments that the plan names
  vllm.cluster.uv_env:
    environments: "{{ vllm_host_plan.environments }}"
    uv_version: 0.13.8

- name: Make one environment with conda's Python, from a mirror
  vllm.cluster.uv_env:
    environments:
      - name: tools
        path: /opt/tools
        python: "3.12"
        conda: [python=3.12, sqlite=3.50.4]
        requirements: [huggingface-hub==2.4.0]
    uv_version: 0.13.8
    conda_installers: [https://mirror.example/Miniforge3-Linux-x86_64.sh]
    conda_checksum: "{{ miniforge_sha256 }}"
    conda_channel_alias: https://mirror.example/conda

- name: Make one environment from a mirror
  vllm.cluster.uv_env:
    environments:
      - name: tools
        path: /opt/tools
        python: /usr/bin/python3
        requirements: [huggingface-hub==2.4.0]
    uv_version: 0.13.8
    index_url: https://mirror.example/simple
"""

RETURN = r"""
others:
  description: Paths of finished environments with vLLM that lie beside these. One can go back to them.
  returned: always
  type: list
  elements: str
environments:
  description: One item an environment, in the order given.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    path:
      description: Its directory.
      type: str
    action:
      description: V(build) for made from nothing, V(install) for packages changed in place, V(none).
      type: str
    reason:
      description: Why.
      type: str
    packages:
      description: Number of distributions in it, null where check mode cannot know.
      type: int
    differences:
      description: Distributions that came (V(+name==version\)), went (V(-name==version\)) or changed.
      type: list
      elements: str
"""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.vllm.cluster.plugins.module_utils.environments.bootstrap import (
    ensure_uv,
    has_uv,
    uv_program,
)
from ansible_collections.vllm.cluster.plugins.module_utils.environments.builder import Builder
from ansible_collections.vllm.cluster.plugins.module_utils.environments.conda import CondaSettings
from ansible_collections.vllm.cluster.plugins.module_utils.environments.conda_base import ensure_conda, has_conda
from ansible_collections.vllm.cluster.plugins.module_utils.environments.failures import (
    credentials,
    without_credentials,
)
from ansible_collections.vllm.cluster.plugins.module_utils.environments.lock import hold_lock
from ansible_collections.vllm.cluster.plugins.module_utils.environments.records import others
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import (
    Environment,
    EnvironmentFailure,
    differences,
)
from ansible_collections.vllm.cluster.plugins.module_utils.environments.uv import Settings

SETTINGS = (
    "index_url",
    "extra_index_urls",
    "find_links",
    "cache_dir",
    "link_mode",
    "system_certs",
    "compile_bytecode",
    "torch_source",
    "python_mirror",
    "python_dir",
)
CONDA_SETTINGS = {
    "path": "conda_path",
    "directory": "conda_dir",
    "installers": "conda_installers",
    "checksum": "conda_checksum",
    "channels": "conda_channels",
    "channel_alias": "conda_channel_alias",
}


class Work:
    """One run of the module: what is asked for, and what came of it."""

    def __init__(self, module):
        self.module = module
        self.timeout = module.params["timeout"]
        self.uv_dir = Path(module.params["uv_dir"])
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in module.params.items()}
        self.settings = Settings(**{name: values[name] for name in SETTINGS})
        self.conda = CondaSettings(**{name: values[option] for name, option in CONDA_SETTINGS.items()})
        self.environments = [Environment.from_plan(item) for item in module.params["environments"]]
        uv, scratch = str(uv_program(self.uv_dir)), Path(module.tmpdir)
        self.builder = Builder(self.run, self.settings, uv, scratch, self.timeout, self.conda)
        self.lock = None

    def run(self, argv, variables):
        """run_command has no time-out. The lock goes along: it is held until an orphaned uv has ended too."""
        timeout = self.module.get_bin_path("timeout", required=True)
        return self.module.run_command(
            [timeout, "--kill-after=10", str(self.timeout), *argv],
            environ_update=variables,
            expand_user_and_vars=False,
            cwd="/",  # uv reads the configuration of a project around its working directory
            pass_fds=[] if self.lock is None else [self.lock],
        )

    def results(self):
        """(result, packages before, packages after or None) of each environment."""
        decisions = [self.builder.decide(environment) for environment in self.environments]
        if all(decision.action == "none" for decision, _packages in decisions):
            return [(e, d, packages, packages) for e, (d, packages) in zip(self.environments, decisions)]
        if self.module.check_mode:
            with_uv = has_uv(self.run, self.uv_dir, self.module.params["uv_version"])
            with_conda = with_uv and self.needs_conda(decisions) and has_conda(self.run, self.conda)
            return [
                self._previewed(e, d, p, with_uv if e.conda is None else with_conda)
                for e, (d, p) in zip(self.environments, decisions)
            ]
        self.lock = hold_lock(Path(f"{self.uv_dir}.lock"), self.timeout)
        ensure_uv(self.run, self.uv_dir, self.module.params["uv_version"], sys.executable, self.settings, self.timeout)
        if self.needs_conda(decisions):
            ensure_conda(self.run, self.fetch, self.conda, Path(self.module.tmpdir), self.timeout)
        return [self._applied(environment) for environment in self.environments]

    def needs_conda(self, decisions):
        works = [decision.action == "build" for decision, _packages in decisions]
        return any(work and environment.conda is not None for environment, work in zip(self.environments, works))

    def fetch(self, url, file):
        """Whole or with an OSError: what arrived is compared with its checksum by who asked."""
        try:
            with open_url(url, timeout=60) as answer, file.open("wb") as handle:
                shutil.copyfileobj(answer, handle, 1 << 20)
        except OSError:
            raise
        except Exception as error:  # of ansible's own classes, and http.client's
            raise OSError(str(error)) from error

    def _previewed(self, environment, decision, packages, can_resolve):
        if decision.action == "none":
            after = packages
        else:
            after = self.builder.preview(environment, decision) if can_resolve else None
        return environment, decision, packages, after

    def _applied(self, environment):
        decision, packages = self.builder.decide(environment)  # again: another run may have ended meanwhile
        if decision.action == "none":
            return environment, decision, packages, packages
        beside = bool(others([Path(environment.path)]))  # an engine may serve from one, and be moved to this
        after = self.builder.apply(environment, decision, tried=beside)
        return environment, decision, packages, after


def keep_only_credentials_secret(module):
    """Whole URLs are no secrets: hide their user and password alone, so that messages can name the index."""
    written = [*module.params["extra_index_urls"], *module.params["conda_installers"], *module.params["conda_channels"]]
    alone = [module.params[name] for name in ("index_url", "python_mirror", "conda_channel_alias")]
    indexes = [url for url in (*written, *alone) if url]
    module.no_log_values.difference_update(indexes)
    requirements = [item for environment in module.params["environments"] for item in environment["requirements"]]
    for text in (*indexes, *module.params["find_links"], *requirements):
        for secret in credentials(text):
            module.no_log_values.update({secret, unquote(secret)})


def diff(environment, before, after):
    lines = {} if after is None else after
    text = ["".join(f"{name}=={packages[name]}\n" for name in sorted(packages)) for packages in (before, lines)]
    if after is None:
        text[1] = "".join(f"{without_credentials(requirement)}\n" for requirement in environment.request.requirements)
    return {
        "before_header": environment.path,
        "after_header": environment.path,
        "before": text[0],
        "after": text[1],
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "environments": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "path": {"type": "path", "required": True},
                    "python": {"type": "str", "required": True},
                    "conda": {"type": "list", "elements": "str"},
                    "accelerator": {"type": "str", "choices": ["cpu", "cuda"]},
                    "requirements": {"type": "list", "elements": "str", "required": True},
                    "excludes": {"type": "list", "elements": "str", "default": []},
                    "aliases": {"type": "dict", "default": {}},
                    "torch_backend": {"type": "str"},
                },
            },
            "uv_dir": {"type": "path", "default": "/opt/vllm/uv"},
            "uv_version": {"type": "str", "required": True},
            "index_url": {"type": "str", "no_log": True},
            "extra_index_urls": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "find_links": {"type": "list", "elements": "str", "default": []},
            "cache_dir": {"type": "path"},
            "link_mode": {"type": "str", "choices": ["clone", "copy", "hardlink", "symlink"]},
            "torch_source": {"type": "str", "choices": ["auto", "configured", "pytorch"], "default": "auto"},
            "system_certs": {"type": "bool", "default": True},
            "compile_bytecode": {"type": "bool", "default": True},
            "python_mirror": {"type": "str", "no_log": True},
            "python_dir": {"type": "path", "default": "/opt/vllm/python"},
            "conda_path": {"type": "path"},
            "conda_dir": {"type": "path", "default": "/opt/vllm/conda"},
            "conda_installers": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "conda_checksum": {"type": "str"},
            "conda_channels": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "conda_channel_alias": {"type": "str", "no_log": True},
            "timeout": {"type": "int", "default": 3600},
        },
        supports_check_mode=True,
    )
    keep_only_credentials_secret(module)
    os.umask(0o022)  # engines run as another user and read everything here
    try:
        work = Work(module)
        results = work.results()
    except EnvironmentFailure as failure:
        module.fail_json(msg=str(failure))
    except OSError as failure:
        module.fail_json(msg=f"Could not work on the environments: {failure}")
    module.exit_json(
        changed=any(decision.action != "none" for _environment, decision, _before, _after in results),
        others=[str(path) for path in others(Path(environment.path) for environment in work.environments)],
        environments=[
            {
                "name": environment.name,
                "path": environment.path,
                "action": decision.action,
                "reason": decision.reason,
                "packages": None if after is None else len(after),
                "differences": [] if after is None else differences(before, after),
            }
            for environment, decision, before, after in results
        ],
        diff=[
            diff(environment, before, after)
            for environment, decision, before, after in results
            if decision.action != "none"
        ],
    )


if __name__ == "__main__":
    main()
