# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a start has come, by the wordings of the releases."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis import journal, phases

from tests.unit.plugins.module_utils.diagnosis.conftest import table

# Release that the wording was read in, phase ("-" for none), line.
WORDINGS = table("phases.tsv")


@pytest.mark.parametrize(("release", "phase", "raw"), WORDINGS)
def test_wordings(release, phase, raw):
    assert (phases.phase_of(journal.clean(raw)[1]) or "-") == phase, release


def test_every_phase_has_a_wording():
    assert {phase for _release, phase, _raw in WORDINGS} == {phase for phase, _pattern in phases.PHASES} | {"-"}
    assert set(phases.ORDER) | {phases.STOPPING} == {phase for phase, _pattern in phases.PHASES} | {phases.STARTING}


def test_a_real_start_goes_through_its_phases_in_order(runs):
    seen = []
    lines = journal.from_text(runs["compile"])
    for count in range(len(lines) + 1):
        phase = phases.progress(lines[:count]).phase
        if not seen or seen[-1] != phase:
            seen.append(phase)
    assert seen == [
        phases.STARTING, phases.CONFIGURING, phases.WORKERS, phases.JOINING, phases.LOADING, phases.PROFILING,
        phases.COMPILING, phases.PROFILING, phases.WARMING, phases.LISTENING, phases.SERVING,
    ]  # fmt: skip


def test_a_rank_that_waits_for_its_peer_is_joining(runs):
    assert phases.progress(journal.from_text(runs["lonely_rank"])).phase == phases.JOINING


def test_without_a_line_it_is_starting():
    assert phases.progress([]) == phases.Progress(phases.STARTING, "", "", 0.0)


def line(time, text, systemd=False):
    return journal.Line(time, "a", systemd, "", text)


def test_detail_since_and_last_line():
    lines = [
        line(10, "Started vllm-chat-0.service - vLLM engine chat-0.", systemd=True),
        line(20, "Starting to load model x..."),
        line(21, "Loading safetensors checkpoint shards:  25% Completed | 1/4 [00:00<00:01,  2.10it/s]"),
        line(25, "Loading safetensors checkpoint shards:  50% Completed | 2/4 [00:00<00:01,  2.10it/s]"),
        line(26, "   "),
        line(27, "Route: /health, Methods: GET"),
    ]
    found = phases.progress(lines)
    assert found == phases.Progress(phases.LOADING, "2/4 shards (50 %)", lines[3].text, 20)
    assert phases.progress(lines[:1]).since == 10


def test_graphs_have_a_detail():
    lines = [line(1, "Capturing CUDA graphs (decode, FULL):  49%|████▉     | 33/67 [00:03<00:03, 10.2it/s]")]
    assert phases.progress(lines).detail == "33/67 graphs (49 %)"


def test_a_detail_ends_with_its_phase():
    lines = [line(1, "Loading safetensors checkpoint shards: 100% Completed | 4/4 [00:01<00:00, 4.1it/s]")]
    assert phases.progress([*lines, line(2, "Model loading took 1 GiB memory and 2 seconds")]).detail == ""
