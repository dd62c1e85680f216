# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pack the guard's program on the controller. Documented in plugins/modules/group_files.py."""

from __future__ import annotations

import base64
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.vllm.cluster.plugins.module_utils.guard import pack


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        arguments = {**self._task.args, "program": base64.b64encode(pack.packed()).decode()}
        result.update(
            self._execute_module(module_name="vllm.cluster.group_files", module_args=arguments, task_vars=task_vars)
        )
        return result
