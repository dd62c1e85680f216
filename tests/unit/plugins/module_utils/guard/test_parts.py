# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small parts: the metrics page that is read, the one that is written, the files, the packed program."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import prometheus
from ansible_collections.vllm.cluster.plugins.module_utils.guard import (
    files,
    head,
    model,
    pack,
    pages,
    report,
    settings,
)
from hypothesis import given
from hypothesis import strategies as st

PAGE = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a,b\\"}"} 2.0
vllm:num_requests_running{engine="1",model_name="m"} 0.0
vllm:num_requests_waiting{engine="0",model_name="m"} 9.0
vllm:engine_sleep_state{engine="1",model_name="m",sleep_state="awake"} 0.0
vllm:engine_sleep_state{engine="0",model_name="m",sleep_state="awake"} 1.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:prompt_tokens_total{engine="0",model_name="m"} 7.0
vllm:generation_tokens_total{engine="0",model_name="m"} 1e+03
vllm:generation_tokens_total{engine="1",model_name="m"} 5.0
vllm:generation_tokens_created{engine="0",model_name="m"} 1.7e+09
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 3.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 4.0
vllm:iteration_tokens_total_bucket{engine="0",le="1.0",model_name="m"} 11.0
vllm:iteration_tokens_total_count{engine="0",model_name="m"} 12.0
"""


def test_a_page_of_two_cores():
    assert pages.read(PAGE) == {
        "0": model.Page((1000.0, 7.0, 12.0, 7.0, 0.25, 0.0), 2.0, False),
        "1": model.Page((5.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0, True),
    }


def test_pages_without_labels_or_without_vllm():
    assert pages.read("vllm:generation_tokens_total 3\n") == {"": model.Page((3.0, 0, 0, 0, 0, 0), 0.0)}
    assert pages.read("python_gc_objects_collected_total 3\n") == {}
    assert pages.read("vllm:generation_tokens_total NaN\nvllm:generation_tokens_total{\n") == {}


@given(st.text(alphabet='vllm:generation_tokens_total{}", =0.5\nengine', max_size=200))
def test_any_text_is_read(text):
    pages.read("vllm:generation_tokens_total" + text)


def config(role="head"):
    rules = model.Rules()
    units = ("vllm-r1-0.service",)
    return settings.Settings("r1-0", "r1", role, "gpu1", units, "::1", 1, ("gpu2",), "/x", None, "/run/x", rules)


def test_the_metrics_are_a_page_that_prometheus_reads():
    state = head.new(("gpu2",))
    state.epoch = head.Epoch("a", 4, 10.0)
    deeds = report.Deeds()
    deeds.count("stalled", "group restart: x", 1.75e9)
    deeds.count("stalled", "group restart: x", 1.75e9 + 9)
    scrape = prometheus.read(report.metrics(config(), state, deeds))
    assert scrape.warnings == []
    shown = {
        name: [(sample.labels, sample.value) for sample in family.samples] for name, family in scrape.families.items()
    }
    base = {"engine": "r1-0", "role": "head"}
    assert shown["vllm_guard_restarts_total"] == [({**base, "reason": "stalled"}, 2.0)]
    assert shown["vllm_guard_last_restart_timestamp_seconds"] == [(base, 1.75e9 + 9)]
    assert shown["vllm_guard_epoch"] == [(base, 4.0)]
    assert shown["vllm_guard_member_up"] == [({**base, "member": "gpu2"}, 0.0)]
    assert "vllm_guard_canary_seconds" not in shown


def test_the_status_names_what_a_person_asks_for():
    state = head.new(("gpu2",))
    state.epoch = head.Epoch("a", 4, 10.0)
    shown = json.loads(json.dumps(report.status(config(), state, report.Deeds(), 70.0, 1.75e9)))
    assert (shown["phase"], shown["epoch"], shown["epoch_age"]) == ("stopped", 4, 60.0)
    assert shown["members"] == {"gpu2": {"up": False, "heard": None, "joined": False, "fault": None}}
    assert shown["last_action"] is None


def kept(folder, **options):
    return files.Files(str(folder / "run"), "r1-0", options.get("role", "head"), options.get("member", "gpu1"))


def test_a_record_comes_back_to_its_own_role_alone(tmp_path):
    kept(tmp_path).keep({"a": 1})
    assert kept(tmp_path).record() == {"a": 1}
    assert kept(tmp_path, role="worker").record() is None
    assert kept(tmp_path, member="gpu2").record() is None
    assert kept(tmp_path / "other").record() is None
    assert os.stat(tmp_path / "run" / "r1-0.json").st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000])
def test_a_damaged_record_is_told(tmp_path, text):
    kept(tmp_path).keep({})
    (tmp_path / "run" / "r1-0.json").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        kept(tmp_path).record()


def test_files_that_vanish_are_written_again(tmp_path):
    made = kept(tmp_path)
    made.status({"a": 1})
    (tmp_path / "run" / "r1-0.status.json").unlink()
    (tmp_path / "run").rmdir()
    made.status({"a": 1})
    assert json.loads((tmp_path / "run" / "r1-0.status.json").read_text()) == {"a": 1}
    assert os.stat(tmp_path / "run" / "r1-0.status.json").st_mode & 0o777 == 0o644


def test_a_place_that_cannot_be_written_is_a_fault_and_no_crash(tmp_path):
    (tmp_path / "run").write_text("a file")
    made = kept(tmp_path)
    made.keep({})
    assert "File exists" in made.fault or "Not a directory" in made.fault


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path):
    made = kept(tmp_path)
    made.keep({})
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "run" / "r1-0.prom.new").symlink_to(target)
    made.metrics("x\n")
    assert target.read_text() == "mine"


def test_the_packed_program_is_the_same_each_time_and_runs_alone(tmp_path):
    data = pack.packed()
    assert data == pack.packed()
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert names[0] == "__main__.py"
    assert "vllm_guard/pack.py" not in names
    program = tmp_path / "vllm-guard.pyz"
    program.write_bytes(data)
    done = subprocess.run([sys.executable, "-I", program], capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert done.stderr.startswith("usage: vllm-guard run|check")


def test_the_program_needs_nothing_but_the_standard_library(tmp_path):
    program = tmp_path / "vllm-guard.pyz"
    program.write_bytes(pack.packed())
    code = (
        f"import sys; sys.path.insert(0, {str(program)!r}); import vllm_guard.head_program, vllm_guard.worker_program"
    )
    # -S: nothing that is installed can be imported.
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
