# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that action plugins write on the controller."""

from __future__ import annotations

import os
import tempfile

from ansible.errors import AnsibleActionFail

MODE = 0o644  # what is written holds no secret


def write(path: str, text: str, check_mode: bool) -> bool:
    """Make path hold text, at once or not at all; parent directories are made. True where it did not already.

    A relative path starts where ansible-playbook was started. Check mode writes nothing.
    """
    target = os.path.realpath(os.path.expanduser(path))
    content = text.encode()
    try:
        if _is(target, content):
            return False
        if not check_mode:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _replace(target, content)
    except OSError as error:
        raise AnsibleActionFail(f"{path} cannot be written: {error.strerror}. Fix: name another file") from error
    return True


def _is(target: str, content: bytes) -> bool:
    if not os.path.exists(target):
        return False
    with open(target, "rb") as handle:
        return handle.read() == content and os.stat(target).st_mode & 0o777 == MODE


def _replace(target: str, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".vllm-")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
        os.chmod(temporary, MODE)
        os.replace(temporary, target)
    except OSError:
        os.unlink(temporary)
        raise
