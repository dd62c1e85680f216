# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hub that runs by itself: ``python3 -m tests.hubs huggingface|modelscope|web|s3 ROOT ADDRESS PORT LOG``.

LOG gets a line for each request: method and path.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.hubs import folders, huggingface, modelscope, server

KINDS = {
    "huggingface": huggingface.HuggingFace,
    "modelscope": modelscope.ModelScope,
    "web": folders.Web,
    "s3": folders.S3,
}


def main(kind: str, root: str, address: str, port: str, log: str) -> None:
    """Serves until it is stopped."""
    with open(log, "a", buffering=1, encoding="utf-8") as handle:

        class Told(KINDS[kind]):
            """Tells of each request."""

            def route(self, path: str, query: dict[str, str]) -> None:
                handle.write(f"{self.command} {path}\n")
                super().route(path, query)

        server.Hub(Path(root), Told, (address, int(port))).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
