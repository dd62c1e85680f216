# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of environments: who makes them, from which Python, and what further packages they hold."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import environments, intent
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import Refusals

from .cases import assert_said, item, refuses, said, table, warns

SUM = "0" * 64
CONDA = {"vllm_env_manager": "conda"}
FROM = {**CONDA, "vllm_conda_installers": ["https://a.example/x.sh"], "vllm_conda_checksum": SUM}
MIRROR = {"vllm_python_mirror": "https://mirror.example"}


def of(**variables):
    """The checks of one service's fleet."""

    def run():
        refusals = Refusals()
        made = intent.parse({"vllm_services": [item()], **variables}, str.split)
        environments.check_fleet(made.fleet, refusals)
        environments.check_makers(made.services, made.fleet, refusals)
        return refusals

    return run


CASES = [
    refuses("conda-absent", of(**CONDA), "vllm_conda_installers", ["is empty"], "Miniforge"),
    refuses(
        "conda-absent", of(**{**FROM, "vllm_conda_checksum": ""}), "vllm_conda_checksum", ["sha256"], "release page"
    ),
    refuses("python-version", of(vllm_python_version="newest"), "vllm_python_version", ["is no version"], "3.12"),
    refuses(
        "python-version", of(vllm_python_version="3.12"), "vllm_python_version", ["unless there is a mirror"], "conda"
    ),
    refuses(
        "python-unfit",
        of(**FROM, vllm_version="0.33.0", vllm_python_version="3.10"),
        "vllm_python_version",
        ["runs on Python >=3.11"],
        "of that range",
    ),
    refuses(
        "python-unfit",
        of(**MIRROR, vllm_version="0.33.0", vllm_python_version="3.10.4"),
        "vllm_python_version",
        ["runs on Python >=3.11"],
        "of that range",
    ),
    refuses(
        "conda-package", of(**FROM, vllm_conda_packages=["sqlite"]), "vllm_conda_packages[0]", ["'sqlite'"], "sqlite=3"
    ),
    refuses(
        "conda-package", of(**FROM, vllm_conda_packages=["--yes"]), "vllm_conda_packages[0]", ["is not a package"], "="
    ),
    refuses(
        "conda-package",
        of(**FROM, vllm_conda_packages=["python=3.12"]),
        "vllm_conda_packages[0]",
        ["vllm_python_version is for"],
        "there",
    ),
    *(
        refuses("env-package", of(vllm_env_packages=[line]), "vllm_env_packages[0]", ["is no requirement"], "name==1.2")
        for line in ("-r /etc/passwd", "--index-url https://x", "/srv/x.whl", "https://x/x.whl", "a==1\nb==2", "")
    ),
    warns(
        "env-package-unpinned",
        of(vllm_env_packages=["xformers @ https://a.example/xformers-0.0.33-py3-none-any.whl"]),
        "vllm_env_packages[0]",
        ["of xformers may change"],
        "#sha256=",
    ),
]


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


GOOD = {
    "conda that is installed": of(**FROM, vllm_conda_packages=["sqlite=3.50.4", "libstdcxx-ng=14.2.0=h4852527_1"]),
    "conda that is there": of(**CONDA, vllm_conda_path="/opt/miniforge/bin/conda", vllm_python_version="3.12.11"),
    "uv's own Python": of(**MIRROR, vllm_python_version="3.12"),
    "packages": of(vllm_env_packages=["a", "a.b-c[x,y]>=1,<2", "a==1; python_version<'3.13'", "a~=1.0", "a (==1.0)"]),
    "wheels": of(
        vllm_env_packages=[
            f"a @ file:///srv/a-1-py3-none-any.whl#sha256={SUM}",
            f"a[x]@https://u:p@h/a.whl#sha256={SUM}",
        ]
    ),
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_nothing_is_said_of_what_works(make):
    assert said(make()) == []


def test_a_password_in_a_requirement_is_not_shown():
    (found,) = said(of(vllm_env_packages=["a https://user:secret@host/a.whl"])())
    assert "secret" not in str(found)
