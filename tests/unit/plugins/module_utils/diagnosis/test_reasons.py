# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root cause of failed starts: real runs, a real unit's journal, wordings that need a GPU or an older release."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis import journal, reasons
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis.rules.table import RULES

from tests.unit.plugins.module_utils.diagnosis.conftest import table

# Run of fixtures/vllm_0_32_0.txt: code, part of the summary, part of the evidence, permanent.
REAL = {
    "unknown_flag": ("unknown_flag", "does not know --frobnicate, --no-such-thing", "unrecognized arguments", True),
    "ambiguous": ("ambiguous_flag", "--device is short for several flags: --device-ids,", "could match", True),
    "invalid_choice": ("invalid_value", "--dtype is refused: invalid choice: 'float8'", "argument --dtype", True),
    "invalid_int": ("invalid_value", "--max-num-batched-tokens is refused", "human_readable_int", True),
    "bad_json": ("invalid_value", "--kv-transfer-config is refused: Invalid JSON", "1 validation error", True),
    "bad_role": ("invalid_value", "kv_role: Input should be 'kv_producer'", "1 validation error", True),
    "chat_template": ("chat_template", "/nope.jinja does not exist", "appears path-like", True),
    "config_file": ("config_file", "/nope.yaml cannot be read", "Unable to read", True),
    "toolparser": ("parser_name", "no tool call parser named frob", "invalid tool call parser", True),
    "bad_connector": ("connector", "no KV connector FooConnector", "Unsupported connector type", True),
    "port_in_use": ("port_in_use", "port 8000 is already in use", "OSError: [Errno 98]", False),
    "bad_host": ("address_not_here", "not one of this host", "[Errno 99]", True),
    "low_port": ("port_invalid", "outside 0-65535", "OverflowError", True),
    "vllm_port_uri": ("port_uri", "VLLM_PORT holds tcp://10.0.0.1:8000", "appears to be a URI", True),
    "model_missing": ("model_missing", "/nope does not exist or is not a directory", "Repo id must be", True),
    "no_config": ("model_incomplete", "/srv/models/noconfig holds no config.json", "Invalid repository ID", True),
    "no_weights": ("model_incomplete", "/srv/models/noweights holds no weights", "RuntimeError: Cannot find", True),
    "truncated": ("weights_corrupt", "cut short or corrupt", "SafetensorError: Error while", True),
    "bad_shape": ("weights_do_not_fit", "do not fit", "RuntimeError: The size of tensor a (192)", True),
    "bad_arch": ("architecture_unsupported", "'FrobnicateForCausalLM'", "are not supported for now", True),
    "bad_type": ("architecture_unsupported", "model type frobnicate", "Transformers does not recognize", True),
    "remote_code": ("remote_code", "brings its own code", "contains custom code", True),
    "max_len": (
        "context_too_long",
        "99999 is more than the model has (max_position_embeddings=2048.0)",
        "User-spec",
        True,
    ),
    "tp_heads": (
        "does_not_divide",
        "attention heads (4) must be divisible by the tensor parallel size (3)",
        "(3)",
        True,
    ),
    "quant": ("quantization", "no quantization frob", "Unknown quantization method", True),
    "hub_offline": ("hub_offline", "HF_HUB_OFFLINE", "outgoing traffic has been disabled", True),
    "hub_unreachable": ("hub_unreachable", "cannot be reached", "We couldn't connect to 'http://127.0.0.1:9'", False),
    "hub_gated": ("hub_gated", "gated", "Access to model org/gated is restricted", True),
    "hub_forbidden": ("hub_gated", "gated", "not in the authorized list", True),
    "hub_badtoken": ("hub_token", "refuses the token", "Invalid credentials", True),
    "hub_notfound": ("hub_no_model", "no such model", "org/nothere is not a local folder", True),
    "kv_small": ("kv_cache_too_small", "max_model_len 1024; it can hold 384", "To serve at least one request", True),
    "kv_huge": ("host_memory", "only 8.49 of 10.71 GiB", "ValueError: Available memory on node 0", False),
    "free_mem": ("host_memory", "only 8.45 of 10.71 GiB", "on startup is less than desired", False),
    "no_libnuma": ("kernels_not_loaded", "compiled code", "libnuma.so.1", True),
    "nixl_missing": ("nixl_missing", "NIXL", "NIXL is not available", True),
    # vLLM logs the traceback of a cache directory that it may not write, goes on, and fails for another reason.
    "perm_home": ("file_missing", "model.safetensors does not exist or may not be read", "No such file", True),
    "perm_port": ("permission_denied", "port below 1024", "PermissionError: [Errno 13]", True),
    "ssl_key": ("file_missing", "ssl_keyfile", "FileNotFoundError: [Errno 2]", True),
    "disk_full": ("disk_full", "disk is full", "InductorError: OSError: [Errno 28]", False),
    "ray_cpu": ("ray_unsupported", "platform cpu cannot use Ray", "does not support ray", True),
    "ray_noaddr": ("ray_unreachable", "the Ray head at 10.77.0.10:6399", "Failed to connect to GCS", False),
    "master_port": ("peer_unreachable", "head at 127.0.0.1:18406", "TCP client failed to connect", False),
    "worker_world": ("exception", "Expected group_size <= 8", "RuntimeError: Expected group_size", False),
}


def test_every_failed_run_is_in_the_table(runs):
    assert set(REAL) == set(runs) - {"lonely_rank", "compile", "eager_ok"}


@pytest.mark.parametrize("run", REAL)
def test_real_runs(runs, run):
    found = reasons.reason(journal.from_text(runs[run]), 8000)
    code, summary, evidence, permanent = REAL[run]
    assert found is not None
    assert (found.code, found.permanent) == (code, permanent)
    assert summary in found.summary
    assert evidence in found.evidence
    assert found.fix


@pytest.mark.parametrize("run", ["lonely_rank", "compile", "eager_ok"])
def test_starts_that_did_not_fail_have_no_reason(runs, run):
    assert reasons.reason(journal.from_text(runs[run])) is None


# Where it was read, code, part of the summary, line.
WORDINGS = table("reasons.tsv")


@pytest.mark.parametrize(("source", "code", "summary", "raw"), WORDINGS)
def test_wordings(source, code, summary, raw):
    found = reasons.reason(journal.from_text([raw]), 8000)
    assert found is not None, source
    assert found.code == code
    assert summary in found.summary


def test_every_rule_is_reached_by_a_line(runs):
    raws = [raw for *_rest, raw in WORDINGS] + [raw for run in REAL for raw in runs[run]]
    texts = [journal.clean(raw)[1] for raw in raws]
    unreached = [rule.pattern.pattern for rule in RULES if not any(rule.pattern.search(text) for text in texts)]
    assert unreached == []


@pytest.mark.parametrize(
    "raw",
    [
        "INFO 04-12 08:22:05 [model_runner.py:1456] If out-of-memory error occurs: CUDA out of memory",
        "WARNING 11-21 01:10:16 [system_utils.py:255] Found ulimit of 1024: `OSError: [Errno 24] Too many open files`",
        "WARNING 11-21 01:10:16 [parallel.py:750] Address already in use. Retrying with a new port.",
        "INFO 11-21 01:10:16 [request_logger.py:66] Received request: prompt: '[Errno 98] No module named x'",
    ],
)
def test_information_and_warnings_are_no_failures(raw):
    assert reasons.reason(journal.from_text([raw])) is None


def test_the_first_cause_counts_not_the_wrapper_at_the_end(runs):
    rows = runs["kv_small"]
    assert "Engine core initialization failed" in rows[-1]
    assert reasons.reason(journal.from_text(rows)).code == "kv_cache_too_small"


def test_an_unknown_exception_is_the_last_of_its_chain():
    rows = [
        "ValueError: inner",
        "The above exception was the direct cause of the following exception:",
        "RuntimeError: outer and telling",
        "RuntimeError: Engine core initialization failed. See root cause above.",
    ]
    assert reasons.reason(journal.from_text(rows)).summary == "RuntimeError: outer and telling"


# Invocation of fixtures/units.jsonl: code, part of the summary, part of the evidence, permanent.
UNITS = {
    "4bb9e0": ("unknown_flag", "--frobnicate", "unrecognized arguments", True),
    "5ea79b": ("unit_setup", "environment file is missing", "Failed to load environment files", True),
    "d8aac1": ("unit_setup", "cannot run the unit's program (203)", "locate executable /opt/nope/bin/vllm", True),
    "21748e": ("unit_setup", "user does not exist (217)", "status=217/USER", True),
    "242dc4": ("unit_setup", "a path that the unit names does not exist (226)", "set up mount namespacing", True),
    "5ec927": ("killed", "SIGKILL", "status=9/KILL", False),
    "78d9b5": ("process_died", "killed or crashed", "engine core exited unexpectedly", False),
}


@pytest.mark.parametrize("invocation", UNITS)
def test_a_real_unit_s_journal(units, invocation):
    attempt = next(item for item in units if item.invocation.startswith(invocation))
    found = reasons.reason(attempt.lines, 8000)
    code, summary, evidence, permanent = UNITS[invocation]
    assert (found.code, found.permanent) == (code, permanent)
    assert summary in found.summary
    assert evidence in found.evidence


def test_a_unit_stopped_by_hand_did_not_fail(units):
    attempt = next(item for item in units if item.invocation.startswith("7fd854"))
    assert any("EngineDeadError" in line.text for line in attempt.lines)  # logged on a clean stop as well
    assert reasons.reason(attempt.lines) is None


def own(text, time=0.0):
    return journal.Line(time, "a", True, "", text)


def app(text, time=0.0, level=""):
    return journal.Line(time, "a", False, level, text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x.service: A process of this unit has been killed by the OOM killer.", "host_out_of_memory"),
        ("x.service: Failed with result 'oom-kill'.", "host_out_of_memory"),
        ("x.service: Main process exited, code=dumped, status=7/BUS", "killed"),
        ("x.service: Main process exited, code=dumped, status=4/ILL", "killed"),
        ("x.service: Main process exited, code=exited, status=1/FAILURE", "exited"),
        ("x.service: Main process exited, code=exited, status=200/CHDIR", "unit_setup"),
    ],
)
def test_what_systemd_says(text, code):
    assert reasons.reason([own(text)]).code == code


def test_the_memory_killer_outweighs_what_the_program_said():
    lines = [app("RuntimeError: Engine core died"), own("x.service: Failed with result 'oom-kill'.")]
    assert reasons.reason(lines).code == "host_out_of_memory"


def test_a_known_line_outweighs_the_signal_that_came_of_it():
    lines = [
        app("terminate called after throwing 'std::bad_alloc'"),
        own("x: Main process exited, code=dumped, status=6/ABRT"),
    ]
    assert reasons.reason(lines).code == "host_memory"


def test_old_errors_of_an_engine_that_served_do_not_count():
    lines = [
        app("Application startup complete.", 10),
        app("OSError: [Errno 28] No space left on device", 20),
        app("torch.OutOfMemoryError: CUDA out of memory.", 5000),
        own("x.service: Main process exited, code=exited, status=1/FAILURE", 5001),
    ]
    assert reasons.reason(lines).code == "cuda_out_of_memory"


def test_code_that_a_traceback_quotes_is_no_evidence():
    lines = [
        app('    raise OSError("[Errno 28] No space left on device")', level="ERROR"),
        app("ValueError: other", level="ERROR"),
    ]
    assert reasons.reason(lines).summary == "ValueError: other"


def test_what_comes_of_a_stop_is_no_failure():
    lines = [
        own("Stopping x.service - vLLM engine chat-0..."),
        app("Worker proc VllmWorker-1 died unexpectedly, shutting"),
    ]
    assert reasons.reason(lines) is None
    assert reasons.reason(lines[1:]).code == "process_died"


def test_which_attempt_is_explained(units):
    running, last = units[-1], units[-2]
    assert reasons.last_failed(units, running.invocation, True) is last
    assert reasons.last_failed(units, running.invocation, False) is running
    assert reasons.last_failed([running], running.invocation, True) is None


def test_a_hint_takes_warnings():
    lines = [app("Failed to connect to GCS at address 10.0.0.1:6379 within 5 seconds.", level="WARNING")]
    assert reasons.hint(lines).code == "ray_unreachable"
    assert reasons.hint([app("all is well")]) is None


def test_long_lines_are_cut():
    found = reasons.reason([app("ValueError: " + "x" * 1000)])
    assert len(found.evidence) == 300
