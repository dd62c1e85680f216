# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notation, against a reader of our own that follows systemd's manual; real systemd reads it in Molecule."""

from __future__ import annotations

import re

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.units import notation
from hypothesis import given
from hypothesis import strategies as st

# Each pair was put through systemd 252 and came back from /proc/PID/cmdline as it stands on the left.
ARGUMENTS = [
    ("--port", "--port"),
    ("a,b:c=d/e.f@g+h_i", "a,b:c=d/e.f@g+h_i"),
    ("", '""'),
    (";", '";"'),
    ("\\;", '"\\\\;"'),
    ("#x", '"#x"'),
    ("a b", '"a b"'),
    ("%n", '"%%n"'),
    ("$HOME", '"$$HOME"'),
    ("${X}", '"$${X}"'),
    ("$$", '"$$$$"'),
    ("a'b", '"a\'b"'),
    ('a"b', '"a\\"b"'),
    ("a\\", '"a\\\\"'),
    ("x\ny", '"x\\ny"'),
    ("x\ty", '"x\\ty"'),
    ("\x01\x7f", '"\\x01\\x7f"'),
    ("é😀", '"é😀"'),
    ("*", '"*"'),
    ('{"a": [1, "$b"]}', '"{\\"a\\": [1, \\"$$b\\"]}"'),
]


@pytest.mark.parametrize(("argument", "written"), ARGUMENTS)
def test_an_argument_is_quoted(argument, written):
    line = notation.command_line(["/bin/x", argument])
    assert re.sub(r" \\\n +", " ", line) == f"/bin/x {written}"


@pytest.mark.parametrize("sign", list("-@:+!|"))
def test_a_prefix_sign_is_harmless_behind_the_program(sign):
    assert read_command(notation.command_line(["/bin/x", f"{sign}y"])) == ["/bin/x", f"{sign}y"]


def test_every_option_starts_a_line():
    line = notation.command_line(["/bin/vllm", "serve", "/m", "--port", "8000", "--eager", "--name", "a b"])
    assert line.splitlines() == [
        "/bin/vllm serve /m \\",
        "    --port 8000 \\",
        "    --eager \\",
        '    --name "a b"',
    ]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("vllm", "not an absolute path"),
        ("-/bin/x", "not an absolute path"),
        ("@/bin/x", "not an absolute path"),
        ("", "not an absolute path"),
        ("/bin/", "not an absolute path"),
        ("/opt/a$b", "a sign that systemd refuses"),
        ("/opt/a'b", "a sign that systemd refuses"),
        ('/opt/a"b', "a sign that systemd refuses"),
        ("/opt/a\\b", "a sign that systemd refuses"),
        ("/opt/a\nb", "a sign that systemd refuses"),
    ],
)
def test_a_program_that_systemd_cannot_run_is_refused(program, why):
    with pytest.raises(ValueError, match=why):
        notation.command_line([program, "x"])


def test_an_empty_command_is_refused():
    with pytest.raises(ValueError, match="empty"):
        notation.command_line([])


@pytest.mark.parametrize("program", ["/opt/a b/x", "/opt/%n"])
def test_a_program_may_have_an_odd_path(program):
    assert read_command(notation.command_line([program])) == [program]


ENVIRONMENT = [
    ("2", '"2"'),
    ("", '""'),
    (" a ", '" a "'),
    ("a b # c", '"a b # c"'),
    ("it's", '"it\'s"'),
    ('say "x"', '"say \\"x\\""'),
    ("$HOME `id`", '"\\$HOME \\`id\\`"'),
    ("a\\n", '"a\\\\n"'),
    ("%n", '"%n"'),
    ("a\tb", '"a\tb"'),
    ("é\u2028", '"é\u2028"'),
]


@pytest.mark.parametrize(("value", "written"), ENVIRONMENT)
def test_a_value_is_quoted(value, written):
    assert notation.environment_value(value) == written


@pytest.mark.parametrize("value", ["secret\n", "se\ncret", "secret\r", "\x1bsecret", "\x7fsecret"])
def test_a_value_with_a_control_character_is_refused_and_not_told(value):
    with pytest.raises(ValueError, match="control character") as caught:
        notation.environment_value(value)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("code", [0x0, 0xD800, 0xDFFF, 0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF])
@pytest.mark.parametrize("write", [notation.environment_value, lambda text: notation.command_line(["/x", text])])
def test_what_systemd_refuses_is_refused(write, code):
    with pytest.raises(ValueError, match=r"NUL|is not a character"):
        write(f"a{chr(code)}b")


@pytest.mark.parametrize(("text", "written"), [("chat 100%", "chat 100%%"), ("a $b", "a $b"), ("é", "é")])
def test_a_setting_keeps_its_text(text, written):
    assert notation.setting(text) == written


@pytest.mark.parametrize("text", ["a\nExecStart=/bin/evil", "a\rb", "a\\"])
def test_a_setting_cannot_begin_another_line(text):
    with pytest.raises(ValueError, match="line break"):
        notation.setting(text)


texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\"'\\$%;#` \t\n")).filter(
    lambda text: not any(c == "\0" or 0xFDD0 <= ord(c) <= 0xFDEF or ord(c) & 0xFFFE == 0xFFFE for c in text)
)


@given(st.lists(texts))
def test_any_arguments_come_back(arguments):
    assert read_command(notation.command_line(["/bin/x", *arguments])) == ["/bin/x", *arguments]


@given(texts.filter(lambda text: not any((c < " " and c != "\t") or c == "\x7f" for c in text)))
def test_any_value_comes_back(value):
    written = notation.environment_value(value)
    assert "\n" not in written
    assert re.sub(r"\\(.)", r"\1", written[1:-1]) == value


def read_command(line):
    """systemd.service(5), "Command lines" and "Specifiers"; systemd.syntax(7) for continued lines and quotes."""
    joined = []
    for part in line.split("\\\n"):
        assert not part.lstrip().startswith(("#", ";")), "systemd would pass over this line"
        joined.append(part)
    words, word, quoted, signs = [], None, False, iter(" ".join(joined))
    for sign in signs:
        if sign == "\\":
            escape = next(signs)
            value = (
                chr(int(next(signs) + next(signs), 16))
                if escape == "x"
                else {"n": "\n", "t": "\t", "r": "\r"}.get(escape, escape)
            )
            word = (word or "") + value
        elif sign == '"':
            quoted, word = not quoted, word or ""
        elif sign == " " and not quoted:
            words += [] if word is None else [word]
            word = None
        elif sign in "%$":
            assert next(signs) == sign, "a specifier or variable would be expanded"
            word = (word or "") + sign
        else:
            assert quoted or sign not in "'\n;", "not plain"
            word = (word or "") + sign
    assert not quoted
    return words + ([] if word is None else [word])
