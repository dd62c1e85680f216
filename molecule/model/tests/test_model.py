# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real hosts and clients, hubs of the tests: what playbooks/models.yml brings, and what a second run costs."""

from __future__ import annotations

import json

SHARED = "/srv/lab/vllm-molecule-model"
HUB, SCOPE = f"{SHARED}/acme--tiny", f"{SHARED}/modelscope--acme--tiny-"
HUBS = ("huggingface", "modelscope", "web")


def _only(lab, start):
    (found,) = lab.host("mo1").check_output(f"ls -d {start}*").split()
    return found


def sums(host, path):
    command = f"cd {path} && find . -type f ! -path '*/.*' ! -name SHA256SUMS -exec sha256sum {{}} + | sort -k 2"
    return host.check_output(command)


def test_hosts_that_share_a_folder_downloaded_once(lab):
    for name in ("mo1", "mo2"):
        host = lab.host(name)
        assert sums(host, HUB) == sums(lab.host("mo1"), "/srv/hub/acme/tiny")
        assert host.file(f"{HUB}/model.safetensors").mode == 0o644
    asked = lab.host("mo1").file("/srv/hub-huggingface.log").content_string.splitlines()
    weights = [line for line in asked if line.startswith("GET") and line.endswith("/model.safetensors")]
    assert len(weights) == 1, weights
    record = json.loads(lab.host("mo2").file(f"{HUB}/.vllm-download.json").content_string)
    assert len(record["commit"]) == 40
    assert record["files"]["model.safetensors"]["digest"].startswith("sha256:")


def test_modelscope_brought_what_was_included(lab):
    names = lab.host("mo1").check_output(f"ls {_only(lab, SCOPE)}").split()
    assert names == ["config.json", "model.safetensors"]


def test_downloads_beside_the_services(lab):
    wanted = sums(lab.host("mo1"), "/srv/hub/acme/tiny")
    for name in ("mo1", "mo2"):
        assert sums(lab.host(name), "/srv/own/web") == wanted
    assert sums(lab.host("mo2"), "/srv/own/rsync") == wanted
    assert not lab.host("mo1").file("/srv/own/rsync").exists


def test_without_the_hubs_a_second_run_changes_nothing_and_a_mended_file_needs_them(lab):
    first = lab.host("mo1")
    for kind in HUBS:
        first.check_output(f"systemctl stop hub-{kind}")
    again = lab.playbook("models.yml")
    assert again.status == 0, again.output
    assert again.changed("mo1", "mo2") == {"mo1": 0, "mo2": 0}
    first.check_output(f"truncate --size 1000 {HUB}/model.safetensors && touch -d 2001-01-01 {HUB}/model.safetensors")
    refused = lab.playbook("models.yml")
    assert refused.status != 0
    assert "acme/tiny" in refused.output
    assert "10.77.46.11:8801 gives no answer" in refused.output
    assert "Fix: let the host reach it" in refused.output
    for kind in HUBS:
        first.check_output(f"systemctl start hub-{kind}")
    mended = lab.playbook("models.yml")
    assert mended.status == 0, mended.output
    assert sorted(mended.changed("mo1", "mo2").values()) == [0, 1]
    assert "acme/tiny: " in mended.output
    assert sums(lab.host("mo2"), HUB) == sums(first, "/srv/hub/acme/tiny")
