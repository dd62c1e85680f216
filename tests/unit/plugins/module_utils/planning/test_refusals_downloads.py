# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused of models that are to be downloaded."""

from __future__ import annotations

import pytest

from .helpers import assert_refused

OK = {"name": "a", "model": "org/m", "hosts": "gpu1"}
S0 = "vllm_services[0]"


CASES = [
    ("a scheme nobody brings", [{**OK, "model": "ftp://x/m"}], {}, {}, f"{S0}.model", ["nothing is brought by ftp://"]),
    (
        "a password in an address",
        [{**OK, "model": "https://u:p@x/m"}],
        {},
        {},
        f"{S0}.model",
        ["user name or password"],
    ),
    (
        "patterns that part a list",
        [{**OK, "model_include": ["*.json,*.txt"]}],
        {},
        {},
        f"{S0}.model_include[0]",
        ["is no pattern of files"],
    ),
    (
        "files of what is not downloaded",
        [{**OK, "model": "/srv/m", "model_exclude": ["*.bin"]}],
        {},
        {},
        f"{S0}.model_exclude",
        ["nothing is downloaded for /srv/m"],
    ),
    (
        "files of what a container fetches",
        [{**OK, "runtime": "container", "model_include": ["*.json"]}],
        {},
        {},
        f"{S0}.model_include",
        ["the container's own vLLM fetches the model"],
    ),
    (
        "a revision of a bucket",
        [{**OK, "model": "s3://b/m", "revision": "v1"}],
        {},
        {},
        f"{S0}.revision",
        ["only hubs have revisions"],
    ),
    (
        "a dataset of a bucket",
        [OK],
        {"vllm_downloads": [{"source": "s3://b/m", "path": "/srv/d", "dataset": True}]},
        {},
        "vllm_downloads[0].dataset",
        ["only hubs have datasets"],
    ),
    (
        "a download to a host of no service",
        [OK],
        {"vllm_downloads": [{"source": "org/d", "path": "/srv/d", "hosts": "gpu2"}]},
        {},
        "vllm_downloads[0].hosts",
        ["is no host of any service"],
    ),
    (
        "a download to no host",
        [OK],
        {"vllm_downloads": [{"source": "org/d", "path": "/srv/d", "hosts": "nobody"}]},
        {},
        "vllm_downloads[0].hosts",
        ["matches no host"],
    ),
    (
        "two downloads into one directory",
        [OK],
        {"vllm_downloads": [{"source": "org/d", "path": "/srv/d"}, {"source": "org/e", "path": "/srv/d/"}]},
        {},
        "vllm_downloads[1].path",
        ["is where org/d goes on host gpu1"],
    ),
    (
        "a relative directory for a download",
        [OK],
        {"vllm_downloads": [{"source": "org/d", "path": "srv"}]},
        {},
        "vllm_downloads[0].path",
        ["must match"],
    ),
]


@pytest.mark.parametrize(
    ("services", "fleet", "probes", "path", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_refused(services, fleet, probes, path, words):
    assert_refused(services, fleet, probes, path, words)
