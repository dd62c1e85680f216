# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a vLLM process has come, from its own log lines.

The wordings were read in the sources of 0.7.3, 0.8.5, 0.9.2, 0.11.0, 0.14.1, 0.20.2, 0.27.1, 0.32.0 and 0.33.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .journal import Line

STARTING = "starting Python"
CONFIGURING = "loading configuration"
WORKERS = "starting workers"
JOINING = "joining ranks"
DOWNLOADING = "downloading weights"
LOADING = "loading weights"
PROFILING = "profiling memory"
COMPILING = "compiling"
CAPTURING = "capturing graphs"
WARMING = "warming up"
LISTENING = "starting the HTTP server"
SERVING = "serving"
STOPPING = "stopping"

#: The order of a start. Which of the middle ones occur depends on release, platform and arguments.
ORDER = (
    STARTING,
    CONFIGURING,
    WORKERS,
    JOINING,
    DOWNLOADING,
    LOADING,
    PROFILING,
    COMPILING,
    CAPTURING,
    WARMING,
    LISTENING,
    SERVING,
)

#: The first that matches counts. A line that tells the end of a phase stands at the phase that it begins.
PHASES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (phase, re.compile(pattern))
    for phase, pattern in (
        (STOPPING, r"^\[shutdown\]|^Shutdown initiated|^INFO:?\s+Shutting down|^Shutting down"),
        (SERVING, r'^Application startup complete|"(?:GET|POST|HEAD) /\S* HTTP/[\d.]+" \d{3}|^Engine \d+: Avg prompt'),
        (LISTENING, r"^Starting vLLM (?:API )?server|^Available routes are|^Started server process"
                    r"|^Waiting for application startup|^Supported[_ ]tasks|^init engine \("),
        (CAPTURING, r"^Capturing (?:CUDA|cuda) ?graph|^Profiling CUDA graph memory"),
        (COMPILING, r"^Warming up model for the compilation|^Dynamo bytecode transform|^Cache the graph"
                    r"|^Compiling a graph|^Start compiling"
                    r"|^Directly load |^Using cache directory: .* for vLLM's torch.compile"),
        (WARMING, r"^Graph capturing finished|^Warming up|^Compile and warming up model"
                  r"|KV cache size: [\d,]+ tokens|^# \w+ blocks: "),
        (PROFILING, r"saved AOT compiled function|^Model loading took|^Loading (?:model )?weights took"
                    r"|^torch\.compile (?:takes|took)|^Initial profiling|^Memory profiling takes"
                    r"|^Available KV cache memory"),
        (LOADING, r"^Starting to load model|^Loading \w+ checkpoint shards|^Loading drafter model"
                  r"|^Time spent downloading weights|^Initializing model took"),
        (DOWNLOADING, r"^Using model weights format|^Fetching \d+ files|^Downloading .*\.safetensors"),
        (JOINING, r"^world_size=\d+ rank=|^vLLM is using nccl|^Waiting for creating a placement group"
                  r"|^Waiting for READY message|^Connecting to existing Ray cluster|^Creating a new placement group"),
        (WORKERS, r"^Initializing a V[01] LLM engine|^Launching |^Started engine process"
                  r"|^Waiting for \d+ .*core engine"),
        (CONFIGURING, r"version \d+\.\d+|^non-default args|^args: Namespace|^Automatically detected platform"
                      r"|^Resolved architecture|^Using max model len|^Defaulting to use (?:mp|ray) for"),
    )
)  # fmt: skip

_SHARDS = re.compile(r"Loading \w+ checkpoint shards: +(\d+)% Completed \| (\d+)/(\d+)")
_GRAPHS = re.compile(r"Capturing (?:CUDA|cuda) ?graph.*?(\d+)%\|.*\| (\d+)/(\d+)")
_NOISE = re.compile(r"^\s*$|^[\s█▄▀]+|^\s+(?:File \"|\^)|^Route: |^Triton is installed|^\s*warnings\.warn")


class Progress(NamedTuple):
    """``detail``: "" or how far within the phase; ``line``: the last telling log line; ``since``: epoch seconds."""

    phase: str
    detail: str
    line: str
    since: float


def progress(lines: Iterable[Line]) -> Progress:
    """Where one attempt is now. An attempt without a telling line is starting Python (imports take over 10 seconds)."""
    phase, detail, last, since = STARTING, "", "", 0.0
    for line in lines:
        if not since:
            since = line.time
        if line.systemd:
            continue
        if not _NOISE.match(line.text):
            last = line.text.strip()
        found = phase_of(line.text)
        if found is None:
            continue
        if found != phase:
            phase, detail, since = found, "", line.time or since
        detail = _detail(line.text) or detail
    return Progress(phase, detail, last, since)


def phase_of(text: str) -> str | None:
    """The phase that a cleaned line tells, or None."""
    return next((phase for phase, pattern in PHASES if pattern.search(text)), None)


def _detail(text: str) -> str:
    for pattern, what in ((_SHARDS, "shards"), (_GRAPHS, "graphs")):
        match = pattern.search(text)
        if match:
            return f"{match.group(2)}/{match.group(3)} {what} ({match.group(1)} %)"
    return ""
