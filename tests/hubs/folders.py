# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain web server of folders, and an S3 service as boto3 knows it. root/<bucket>/<key> is an object."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from tests.hubs.server import Handler, paths, sha256


class Web(Handler):
    """Files by their paths."""

    def route(self, path: str, _query: dict[str, str]) -> None:
        if (self.server.root / path.lstrip("/")).is_file():
            folder = self.server.root / Path(path.lstrip("/")).parts[0]
            self.file(folder, str((self.server.root / path.lstrip("/")).relative_to(folder)), {})
        else:
            self.text("no such file", 404)


class S3(Handler):
    """Lists, two objects a page, and objects. It wants a signature, and does not look whether it is right."""

    def route(self, path: str, query: dict[str, str]) -> None:
        bucket, _slash, key = path.lstrip("/").partition("/")
        folder = self.server.root / bucket
        if "X-Amz-Signature" not in query and "AWS4-HMAC-SHA256" not in (self.headers.get("Authorization") or ""):
            self._refuse(403, "AccessDenied")
        elif not folder.is_dir():
            self._refuse(404, "NoSuchBucket")
        elif not key:
            self._list(folder, query)
        elif (folder / key).is_file():
            self.file(folder, key, {"ETag": f'"{sha256(folder / key)[:32]}"'})
        else:
            self._refuse(404, "NoSuchKey")

    def _refuse(self, status: int, code: str) -> None:
        self.text(f"<Error><Code>{code}</Code><Message>told by the test</Message></Error>", status)

    def _list(self, folder: Path, query: dict[str, str]) -> None:
        keys = [path for path in paths(folder) if path.startswith(query.get("prefix", ""))]
        start = int(query.get("continuation-token", "0"))
        page = keys[start : start + 2]
        body = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{(folder / key).stat().st_size}</Size>"
            f"<ETag>&quot;{sha256(folder / key)[:32]}&quot;</ETag></Contents>"
            for key in page
        )
        more = start + 2 < len(keys)
        rest = f"<NextContinuationToken>{start + 2}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        name = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        self.text(f"{name}{truncated}{rest}{body}</ListBucketResult>", headers={"Content-Type": "application/xml"})
