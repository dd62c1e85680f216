# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time


def test_an_answer(host):
    commands = host(tool='echo "$LC_ALL $1"; cat; echo bad >&2; exit 3')
    answer = commands.run(commands.find("tool"), "word", data="input")
    assert (answer.status, answer.out, answer.err) == (3, "C word\ninput", "bad\n")
    assert (answer.ok, answer.stopped, answer.text) == (False, False, "C word\ninput\nbad\n")


def test_a_command_that_hangs_is_stopped_though_it_will_not_end(host):
    commands = host(timeout=1, tool="trap '' TERM; while :; do sleep 0.2; done")
    started = time.monotonic()
    answer = commands.run(commands.find("tool"))
    assert (answer.stopped, answer.status) == (True, 137)
    assert time.monotonic() - started < 8


def test_a_program_that_is_not_there(host):
    assert host().find("tool") is None
