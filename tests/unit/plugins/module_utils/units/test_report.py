# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.module_utils.units import report, texts
from ansible_collections.vllm.cluster.plugins.module_utils.units.host_files import HostFiles
from ansible_collections.vllm.cluster.plugins.module_utils.units.transaction import Found, Wanted, decide

DIR = "/etc/systemd/system"
A, B = "vllm-a-0.service", "vllm-b-0.service"
FILES = HostFiles(DIR, "/etc/vllm/units", "/var/lib/vllm-units")


def service(name, port=8000, key="s3cret", plain="1", restart_with=()):
    text = f"[Service]\nExecStart=/bin/x \\\n    --port {port}\n"
    environment = f'PLAIN="{plain}"\n{texts.SECRETS_MARK}\nKEY="{key}"\n'
    return Wanted(name, texts.stamp(name, text), environment, tuple(restart_with))


def running(unit):
    digest = texts.digest(unit.text, unit.environment)
    return Found(
        unit.text, unit.environment, digest, fragment=f"{DIR}/{unit.name}", active_state="active", enabled=True
    )


def subject(before, after):
    found = {unit.name: running(unit) for unit in before}
    return decide(after, found, DIR), after, found, FILES


def test_nothing_changes():
    same = subject([service(A)], [service(A)])
    assert report.refusal(*same) == ""
    assert report.diffs(*same) == []
    assert report.result(*same) == {
        "changed": False,
        "actions": [],
        "restarted": [],
        "started": [],
        "removed": [],
        "reloaded": False,
        "consent_needed": [],
    }


def test_a_refusal_names_units_and_lines_and_no_secret():
    before = [service(A), service(B, restart_with=[A])]
    told = report.refusal(*subject(before, [service(A, port=8001, key="0ther", plain="2"), before[1]]))
    assert "2 running unit(s) would be restarted or removed" in told
    assert "vllm_allow_restart: true" in told
    assert told.splitlines()[1:] == [
        f"restart {A}: the unit file changes, the environment changes",
        "    -    --port 8000",
        "    +    --port 8001",
        '    -PLAIN="1"',
        "    -KEY=(hidden)",
        '    +PLAIN="2"',
        "    +KEY=(hidden, changed)",
        f"restart {B}: restarts with {A}",
    ]


def test_a_refusal_to_remove_is_short():
    told = report.refusal(*subject([service(A), service(B)], [service(A)]))
    assert told.splitlines()[1:] == [f"remove {B}: not in the plan"]


def test_a_unit_whose_file_is_gone_is_not_told_line_by_line():
    _transaction, after, found, files = subject([service(A)], [service(A)])
    found = {A: Found(None, found[A].environment, found[A].record, active_state="active", enabled=True)}
    told = report.refusal(decide(after, found, DIR), after, found, files)
    assert told.splitlines()[1:] == [f"restart {A}: its file is gone"]


def test_diffs_show_both_files_and_no_secret():
    shown = report.diffs(*subject([service(A)], [service(A, port=8001, key="0ther")]))
    assert [(item["before_header"], item["after_header"]) for item in shown] == [
        (f"{DIR}/{A}", f"{DIR}/{A}"),
        ("/etc/vllm/units/vllm-a-0.env",) * 2,
    ]
    assert "--port 8000" in shown[0]["before"]
    assert "--port 8001" in shown[0]["after"]
    assert shown[1]["before"] == 'PLAIN="1"\nKEY=(hidden)\n'
    assert shown[1]["after"] == 'PLAIN="1"\nKEY=(hidden, changed)\n'


def test_a_file_that_stays_has_no_diff():
    shown = report.diffs(*subject([service(A)], [service(A, plain="2")]))
    assert [item["after_header"] for item in shown] == ["/etc/vllm/units/vllm-a-0.env"]


def test_diffs_of_new_and_removed_units():
    shown = report.diffs(*subject([service(A)], [service(B)]))
    assert [(bool(item["before"]), bool(item["after"])) for item in shown] == [(True, False)] * 2 + [(False, True)] * 2
    assert "s3cret" not in str(shown)


def test_the_result_tells_what_changes_in_short_and_no_secret():
    before = [service(A), service(B)]
    found = report.result(*subject(before, [service(A, port=8001, key="0ther", plain="2")]))
    assert [(action["unit"], action["changes"]) for action in found["actions"]] == [
        (B, []),
        (A, ["--port: 8000 -> 8001", "PLAIN: 1 -> 2", "KEY: a secret, another"]),
    ]
    assert "s3cret" not in str(found)
    assert "0ther" not in str(found)
