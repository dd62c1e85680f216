# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.probes.processes import Units, container_of

ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "container"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", ID),
        (f"12:cpu:/docker/{ID}\n1:name=systemd:/docker/{ID}\n", ID),
        (f"0::/system.slice/vllm-x.service/docker-{ID}.scope/child\n", ID),
        (f"1:name=systemd:/docker/{ID}/system.slice/ssh.service\n", None),
        (f"3:cpuset:/docker/{ID}\n0::/docker/{ID}/system.slice/vllm-x.service\n", None),
        ("0::/system.slice/vllm-chat-0.service\n", None),
        (f"0::/docker-{ID[:12]}.scope\n", None),
        ("", None),
    ],
)
def test_the_container_of_a_process(text, container):
    assert container_of(text) == container


def test_units(tree):
    groups = {1: "0::/system.slice/vllm-a-0.service\n", 4: "0::/user.slice/session-1.scope\n"}
    groups.update({pid: f"0::/system.slice/docker-{ID[:-1]}{pid}.scope\n" for pid in (2, 3, 5)})
    tree.write({f"/proc/{pid}/cgroup": text for pid, text in groups.items()})
    asked = []

    def names():
        asked.append(1)
        return {f"{ID[:-1]}2": "vllm-chat-0", f"{ID[:-1]}3": "postgres"}

    units = Units(tree.files, names)
    assert [units.of(pid) for pid in (None, 1, 4, 99)] == [None, "vllm-a-0.service", None, None]
    assert asked == []
    assert [units.of(pid) for pid in (2, 3, 5)] == ["vllm-chat-0.service", None, None]
    assert asked == [1]
