# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model repository of a hub, downloaded into one directory with Hugging Face's own ``hf``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

MARKER = ".vllm-hub-snapshot.json"
_BOOKKEEPING = ".cache"  # hf's own notes within the directory
_TAIL_LINES = 8
_HINTS = (
    (r"Revision not found", "correct the revision"),
    (r"No space left on device|Disk quota", "free disk space at the model's path"),
    (
        r"Local entry not found|cannot be accessed|Connection|timed out|Name or service not known|UnsupportedProtocol",
        "let the host reach the hub, or set endpoint to the address of a mirror that it reaches",
    ),
    (r"[Nn]ot [Ff]ound|401|403|gated", "correct the name; a private or gated model needs a token"),
)


@dataclass(frozen=True)
class Snapshot:
    """What is wanted: a repository (``owner/name``), of a revision or of whatever is newest at the first download."""

    source: str
    revision: str | None


def download_arguments(hf: str, snapshot: Snapshot, directory: str) -> list[str]:
    """The command line; it holds no secret."""
    arguments = [hf, "download", snapshot.source, "--local-dir", directory]
    return [*arguments, "--revision", snapshot.revision] if snapshot.revision else arguments


def download_variables(endpoint: str | None, token: str | None) -> dict[str, str]:
    """hf's environment: the token goes this way, the only one that other users of the host cannot read."""
    result = {
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "NO_COLOR": "1",
    }
    if endpoint:
        # Mirrors carry the hub's own interface, not the store that its chunked transfer fetches from.
        result.update({"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": "1"})
    if token:
        result["HF_TOKEN"] = token
    return result


def file_sizes(directory: Path) -> dict[str, int]:
    """Size in bytes of every file of the model, by path within the directory."""
    paths = (path for path in directory.rglob("*") if path.is_file())
    relative = {path.relative_to(directory): path.stat().st_size for path in paths}
    return {str(path): size for path, size in relative.items() if path.parts[0] not in (_BOOKKEEPING, MARKER)}


def marker_text(snapshot: Snapshot, sizes: dict[str, int]) -> str:
    """What is written when a download is complete."""
    document = {"source": snapshot.source, "revision": snapshot.revision, "files": sizes}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def missing(snapshot: Snapshot, directory: Path) -> str | None:
    """Why the directory is not this snapshot, complete; None when it is. Reads the marker and the files' sizes."""
    marker = _read_marker(directory)
    if marker is None:
        return "it was not downloaded completely"
    done, _files = marker
    if done != snapshot:
        return f"it is {done.source} at {done.revision or 'the newest revision of its day'}"
    changed = damaged(directory)
    return f"files are missing or of another size: {', '.join(changed)}" if changed else None


def damaged(directory: Path) -> list[str]:
    """Files of a complete download that are gone or of another size since; none where there was no such download."""
    marker = _read_marker(directory)
    if marker is None:
        return []
    sizes = file_sizes(directory)
    return sorted(name for name, size in marker[1].items() if sizes.get(name) != size)


def _read_marker(directory: Path) -> tuple[Snapshot, dict[str, int]] | None:
    try:
        marker = json.loads((directory / MARKER).read_text(encoding="utf-8"))
        return Snapshot(marker["source"], marker["revision"]), dict(marker["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def explain(output: str) -> str:
    """The last lines of a failed download and what to do about it."""
    # Tracebacks help no operator: neither their frames, which are indented, nor hf's line on how to get one.
    said = output.rpartition("Traceback (most recent call last):")[2]
    lines = [line.rstrip() for line in said.splitlines() if line[:1].strip() and "HF_DEBUG" not in line]
    hint = next((text for pattern, text in _HINTS if re.search(pattern, output)), None)
    return "\n".join(lines[-_TAIL_LINES:]) + (f"\nFix: {hint}." if hint else "")
