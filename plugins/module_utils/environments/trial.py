# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the vLLM of an environment starts at all: tried before an engine that serves is moved to it."""

from __future__ import annotations

import os
from pathlib import Path

from .failures import explain
from .runs import Run

HINTS = (
    (
        r"\.so[.\d]*: cannot open shared object file",
        "install the library that it misses (vllm_python_env_packages); of NVIDIA's driver by playbooks/prepare.yml",
    ),
    (
        r"Failed to infer device type",
        "make the driver of the GPUs work first (playbooks/prepare.yml)",
    ),
    (r"", "name a version that goes with the release, of the package that it ends in, in vllm_env_packages"),
)

_STOPPED = 124  # what coreutils' timeout ends with


def fault(run: Run, environment: Path, scratch: Path, timeout: int) -> str:
    """What ``vllm --version`` ends with, and what to do; empty: it starts, or the environment has no vLLM.

    The program imports all that serving imports before it answers: some ten seconds, no GPU, no model. It writes
    caches into its home only, which is ``scratch``. timeout: seconds after which ``run`` stops it.
    """
    program = environment / "bin" / "vllm"
    if not os.access(program, os.X_OK):
        return ""
    rc, out, err = run([str(program), "--version"], {"HOME": str(scratch), "VLLM_NO_USAGE_STATS": "1"})
    if rc == _STOPPED:
        return f"it was stopped after {timeout} s. Fix: look at what the host is busy with, or raise timeout."
    return "" if rc == 0 else explain(out + err, rc, timeout, HINTS)
