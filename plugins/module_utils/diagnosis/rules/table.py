# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules, in the order in which they are asked about a line.

The lines were collected from real 0.32.0 runs where the failure can be made on a CPU, and otherwise read in the
sources of vLLM 0.7.3 to 0.33.0, PyTorch and Ray.
"""

from __future__ import annotations

import re

from . import arguments, host, model, ranks

RULES = (*arguments.RULES, *model.RULES, *host.RULES, *ranks.RULES)

#: Exceptions that only say that something happened elsewhere.
WRAPPERS = re.compile(
    r"Engine core initialization failed|EngineDeadError|EngineCore failed to start|initialization failed due to an"
    r" exception|Engine process failed to start|Worker failed with error|KeyboardInterrupt|SystemExit|CancelledError"
)
