# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists a folder of an S3 bucket with boto3, and signs an address for each object. Runs in the environment of boto3.

Reads ``{bucket, prefix, endpoint, region, expires}`` as JSON; keys come by the environment, as boto3 takes them. Prints
``{files: [{path, size, etag, url}]}`` or ``{error, kind}``.
"""

from __future__ import annotations

import importlib
import json
import sys
import typing as t


def objects(client: t.Any, bucket: str, prefix: str, expires: int) -> list[dict[str, t.Any]]:
    """The folder's objects. expires: seconds that an address holds."""
    found = []
    start = f"{prefix}/" if prefix else ""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start):
        for item in page.get("Contents", ()):
            path = item["Key"][len(start) :]
            if path and not path.endswith("/"):  # consoles make empty objects in the place of folders
                where = {"Bucket": bucket, "Key": item["Key"]}
                url = client.generate_presigned_url("get_object", Params=where, ExpiresIn=expires)
                found.append({"path": path, "size": item["Size"], "etag": item["ETag"], "url": url})
    return found


def main(given: dict[str, t.Any]) -> dict[str, t.Any]:
    """The answer to what was read."""
    boto3 = importlib.import_module("boto3")
    exceptions = importlib.import_module("botocore.exceptions")
    config = importlib.import_module("botocore.config")

    try:
        retries = {
            "retries": {"max_attempts": 3},
            "connect_timeout": 15,
            "read_timeout": 30,
            "signature_version": "s3v4",
        }
        client = boto3.client(
            "s3",
            endpoint_url=given["endpoint"] or None,
            region_name=given["region"] or None,
            config=config.Config(**retries),
        )
        return {"files": objects(client, given["bucket"], given["prefix"], given["expires"])}
    except exceptions.ClientError as error:
        told = error.response.get("Error", {})
        return {"error": f"{told.get('Code')}: {told.get('Message')}", "kind": str(told.get("Code"))}
    except exceptions.BotoCoreError as error:
        return {"error": str(error), "kind": type(error).__name__}


if __name__ == "__main__":
    json.dump(main(json.load(sys.stdin)), sys.stdout)
