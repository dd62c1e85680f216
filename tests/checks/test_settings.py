# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's pip settings reach uv; unusable interpreters are passed over."""

from __future__ import annotations

import subprocess
import sys

import pip_settings
import pytest
import pythons
from checkout import ROOT

LISTING = """\
:env:.find-links='/env wheels'
:env:.timeout='9'
global.cert='/etc/ca.pem'
global.extra-index-url='file:///one file:///two'
global.find-links='/file'
global.index-url='https://mirror.example/simple'
install.trusted-host='a.example b.example'
list.format='columns'
"""


def test_the_environment_wins_over_files_and_other_commands_do_not_count():
    assert pip_settings.settings(LISTING) == {
        "cert": "/etc/ca.pem",
        "extra-index-url": "file:///one file:///two",
        "find-links": "/env wheels",
        "index-url": "https://mirror.example/simple",
        "timeout": "9",
        "trusted-host": "a.example b.example",
    }


def test_uv_gets_each_list_in_its_own_form():
    options = {**pip_settings.settings(LISTING), "find-links": "/one /two"}
    assert pip_settings.variables(options) == {
        "SSL_CERT_FILE": "/etc/ca.pem",
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_FIND_LINKS": "/one,/two",
        "UV_HTTP_TIMEOUT": "9",
        "UV_INDEX": "file:///one file:///two",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "a.example b.example",
    }


def test_no_settings_set_nothing():
    assert pip_settings.variables(pip_settings.settings("")) == {}


def test_the_real_pip_is_read_and_set_variables_are_left_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/it's")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_FIND_LINKS", "/mine")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    pip_settings.main()
    printed = capsys.readouterr().out
    script = f'{printed}\necho "$UV_DEFAULT_INDEX $UV_FIND_LINKS"'
    shown = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout
    assert shown == "https://mirror.example/it's /mine\n"


def executable(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_shim_that_only_says_no_is_passed_over(tmp_path):
    executable(tmp_path / "one" / "python3.12", "#!/bin/sh\necho 'no such version' >&2\nexit 127\n")
    executable(tmp_path / "one" / "python3.11-config", "#!/bin/sh\necho 3 11\n")
    second = executable(tmp_path / "two" / "python3.12", "#!/bin/sh\necho 3 12\n")
    executable(tmp_path / "three" / "python3.12", "#!/bin/sh\necho 3 12\n")
    oldest = executable(tmp_path / "three" / "python3.9", "#!/bin/sh\necho 3 9\n")
    found = pythons.find([tmp_path / name for name in ("one", "two", "three", "absent")])
    assert list(found.items()) == [((3, 9), oldest), ((3, 12), second)]


def test_this_interpreter_is_usable():
    assert pythons.version_of(sys.executable) == sys.version_info[:2]


@pytest.mark.parametrize("answer", ["exit 127", "exit 1"])
def test_the_environments_python_is_one_that_works(tmp_path, monkeypatch, answer):
    bad = executable(tmp_path / "python3", f"#!/bin/sh\n{answer}\n")
    monkeypatch.setenv("PYTHON", str(bad))
    done = subprocess.run([ROOT / "tests/run/find_python.sh"], check=True, capture_output=True, text=True)
    shown = done.stdout.strip()
    assert shown != str(bad)
    assert (3, 11) <= pythons.version_of(shown) <= (3, 13)
