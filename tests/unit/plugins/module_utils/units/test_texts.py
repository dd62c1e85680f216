# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.units import texts
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError

NAME = "vllm-chat-0.service"
UNIT = """# Written by vllm.cluster
[Unit]
Description=engine
After=network.target

[Service]
Type=exec
# why
User=vllm
ExecStart=/bin/vllm serve \\
    --port 8000
ExecStop=/bin/docker stop \\
    --time 5
Restart=always
TimeoutStopSec=60

[Install]
WantedBy=vllm.target
"""


@pytest.mark.parametrize("name", [NAME, "vllm-r1-0-ray.service", "vllm-A.b_c-0.service"])
def test_good_names(name):
    texts.check_name(name)


@pytest.mark.parametrize(
    "name",
    [None, 1, "", "vllm.target", "vllm-.service", "vllm-a", "vllm-a/b.service", "vllm-a@b.service", "xvllm-a.service"],
)
def test_bad_names(name):
    with pytest.raises(UnitError, match="cannot be a unit's name"):
        texts.check_name(name)


def test_a_stamped_text_is_ours_under_its_own_name_only():
    stamped = texts.stamp(NAME, UNIT)
    assert stamped.startswith(UNIT)
    assert texts.is_stamped(NAME, stamped)
    assert not texts.is_stamped("vllm-copy-0.service", stamped)
    assert not texts.is_stamped(NAME, UNIT)
    assert not texts.is_stamped(NAME, stamped + "\n[Service]\nExecStart=/bin/other\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Description=engine", "Description=other"),
        ("After=network.target", "After=network.target ray.service"),
        ("# why", "# because"),
        ("\n# why", ""),
        ("Restart=always", "Restart=on-failure\nRestartSec=3"),
        ("TimeoutStopSec=60", "TimeoutStopSec=90"),
        ("--time 5", "--time 6"),
        ("WantedBy=vllm.target", "WantedBy=multi-user.target"),
    ],
)
def test_what_systemd_takes_on_reload_is_no_part_of_the_process(old, new):
    assert old in UNIT
    assert not texts.process_differs(UNIT, UNIT.replace(old, new))
    assert texts.digest(UNIT, "A=1") == texts.digest(UNIT.replace(old, new), "# c\nA=1\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("--port 8000", "--port 8001"),
        ("User=vllm", "User=root"),
        ("User=vllm", "User=vllm\nNoNewPrivileges=yes"),
        ("Type=exec", "Type=simple"),
        ("Restart=always", "Restart=always\nEnvironment=A=1"),
    ],
)
def test_what_a_process_is_made_from(old, new):
    assert texts.process_differs(UNIT, UNIT.replace(old, new))
    assert texts.digest(UNIT, "A=1") != texts.digest(UNIT.replace(old, new), "A=1")


def test_a_section_begins_anew():
    assert texts.process_part("[Service]\nRestart=always\n[Other]\nA=1") == "[Service]\n[Other]\nA=1"


def test_the_digest_covers_the_environment_and_keeps_the_parts_apart():
    assert texts.digest(UNIT, "A=1") != texts.digest(UNIT, "A=2")
    assert texts.digest("[Service]\nA=1", "B=2") != texts.digest("[Service]\nA=1\nB=2", "")


def environment(plain, secret=None):
    return f"# head\n{plain}\n" + ("" if secret is None else f"{texts.SECRETS_MARK}\n{secret}\n")


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, environment('A="1"', 'K="s3cret"'), ("", 'A="1"\nK=(hidden)\n')),
        (environment('A="1"', 'K="s3cret"'), None, ('A="1"\nK=(hidden)\n', "")),
        (
            environment('A="1"', 'K="s3cret"'),
            environment('A="2"', 'K="s3cret"'),
            ('A="1"\nK=(hidden)\n', 'A="2"\nK=(hidden)\n'),
        ),
        (
            environment('A="1"', 'K="s3cret"'),
            environment('A="1"', 'K="s3cret2"'),
            ('A="1"\nK=(hidden)\n', 'A="1"\nK=(hidden, changed)\n'),
        ),
        # A variable that becomes secret is hidden on both sides, and so is one that was.
        (environment('K="s3cret"', ""), environment("", 'K="s3cret"'), ("K=(hidden)\n", "K=(hidden)\n")),
        (environment("", 'K="s3cret"'), environment('K="s3cret"', ""), ("K=(hidden)\n", "K=(hidden)\n")),
        # Without the mark nothing is known to be plain.
        (environment('A="s3cret"'), environment('A="1"', ""), ("A=(hidden)\n", "A=(hidden, changed)\n")),
        # A value that somebody broke over lines by hand.
        (environment('A="1"', 'K="x\ns3cret"'), environment('A="1"', ""), ('A="1"\nK=(hidden)\n', 'A="1"\n')),
        # Signs at which Python, and not systemd, breaks lines.
        (None, environment("", 'K="a\u2028s3cret=b\x85s3cret=c"'), ("", "K=(hidden)\n")),
        (None, None, ("", "")),
    ],
)
def test_what_of_an_environment_is_shown(before, after, shown):
    assert texts.masked(before, after) == shown
    assert "s3cret" not in "".join(texts.masked(before, after))


def test_the_shown_text_never_holds_the_whole_file():
    # Ansible blots out any occurrence of a no_log value, and the file's text is one.
    plain = environment('A="1"', "")
    assert plain not in texts.masked(None, plain)[1]


def test_changed_lines_only():
    assert texts.changed_lines("a\nb\nc\n", "a\nB\nc\n") == ["-b", "+B"]
    assert texts.changed_lines("a\n", "a\n") == []
    assert texts.changed_lines("--a\n@@\n", "++b\n@@\n") == ["---a", "+++b"]
    assert texts.changed_lines("a\u2028b\n", "a\u2028c\n") == ["-a\u2028b", "+a\u2028c"]


def test_what_a_unit_says_of_itself_is_no_part_of_its_process():
    name, plain = "vllm-a-0.service", "[Service]\nExecStart=/bin/x\n"
    marked = plain + "\n[X-vllm.cluster.plan]\nKind=engine\nModel=50%%\n"
    assert texts.marks(texts.stamp(name, marked)) == {"Kind": "engine", "Model": "50%"}
    assert texts.marks(texts.stamp(name, plain)) == {}
    assert not texts.process_differs(texts.stamp(name, plain), texts.stamp(name, marked))
