# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM's MooncakeConnector where there is no GPU, for the lab alone: kv_transfer.module_path names this module.

Of the GPU the connector of 0.32.0 wants to know nothing but which one it is, at its start and in its threads.
"""

from __future__ import annotations

import torch
from vllm.distributed.kv_transfer.kv_connector.v1.mooncake import mooncake_connector
from vllm.platforms import current_platform

if not torch.accelerator.is_available():
    torch.accelerator.current_device_index = lambda: 0
    type(current_platform).set_device = classmethod(lambda _platform, _device: None)

MooncakeConnector = mooncake_connector.MooncakeConnector
