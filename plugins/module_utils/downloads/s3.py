# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of S3 buckets: boto3 lists them and signs an address for each object, which is fetched like any other."""

from __future__ import annotations

import inspect
import json
import typing as t

from . import s3_program
from .errors import DownloadError
from .listing import RemoteFile
from .processes import Run

VERSION = "1.44.5"
REQUIREMENTS = (f"boto3=={VERSION}",)
#: Seconds that a signed address holds. Each try signs anew, so it bounds the time of one try.
_EXPIRES_S = 12 * 3600
#: Read now: the archive that Ansible sends this in is gone while a worker works.
_PROGRAM = inspect.getsource(s3_program)
_NO_KEYS = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
)
_ABSENT = ("NoSuchBucket", "NoSuchKey", "404")


def files(
    run: Run, environment: str, address: str, endpoint: str, region: str, keys: t.Mapping[str, str]
) -> list[RemoteFile]:
    """keys: variables as boto3 takes them; none: what the host has (a role, ~/.aws). Raises DownloadError."""
    bucket, _slash, prefix = address.partition("://")[2].partition("/")
    given = {"bucket": bucket, "prefix": prefix, "endpoint": endpoint, "region": region, "expires": _EXPIRES_S}
    argv = [f"{environment}/bin/python", "-I", "-c", _PROGRAM]
    done = run(argv, dict(keys), json.dumps(given))
    try:
        answer = json.loads(done.out)
    except ValueError:
        raise DownloadError(address, None, f"boto3 failed: {done.last_lines()}", "make the environment anew") from None
    if "error" in answer:
        kind = answer["kind"]
        fix = "set vllm_s3_endpoint, or let the host reach it"
        if kind in _NO_KEYS:
            fix = "set vllm_s3_access_key and vllm_s3_secret_key to keys that may list and read the bucket"
        elif kind in _ABSENT:
            fix = "correct the bucket's name"
        passing = kind not in _NO_KEYS and kind not in _ABSENT
        raise DownloadError(address, None, str(answer["error"]), fix, passing)
    return [RemoteFile(item["path"], int(item["size"]), None, item["url"]) for item in answer["files"]]
