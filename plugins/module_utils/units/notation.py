# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in the notation of systemd's files: systemd.service(5) "Command lines", systemd.exec(5) "EnvironmentFile="."""

from __future__ import annotations

import re
import typing as t

#: Stands for itself wherever an argument is read, also as the first sign of a continued line.
_PLAIN_ARGUMENT = re.compile(r"[A-Za-z0-9_@+=:,./-]+", re.ASCII)
#: systemd refuses a program's path with the first three, and leaves a doubled dollar sign in it as it stands.
_NOT_IN_PROGRAM = "\"'\\$"
_ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "$$", "%": "%%", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
#: systemd needs the first two; a shell that reads the file, all.
_ENVIRONMENT_ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in '\\"`$'})


def command_line(argv: t.Sequence[str]) -> str:
    """``Exec…=`` text whose process gets exactly ``argv``; options start a line of their own, so that diffs are short.

    Raises ValueError for what systemd cannot pass on.
    """
    if not argv:
        raise ValueError("the command is empty")
    lines = [[_program(argv[0])]]
    for argument in argv[1:]:
        quoted = _argument(argument)
        if argument.startswith("-"):
            lines.append([quoted])
        else:
            lines[-1].append(quoted)
    return " \\\n    ".join(" ".join(line) for line in lines)


def environment_value(value: str) -> str:
    """The right side of an environment file's line; the process gets exactly ``value``.

    Raises ValueError for NUL, line breaks and other control characters, which are mistakes here (a key read from a
    file with its line end), and for what systemd cannot pass on; the message does not repeat the value.
    """
    _refuse_unencodable(value)
    if any((sign < " " and sign != "\t") or sign == "\x7f" for sign in value):
        raise ValueError("holds a line break or another control character")
    return f'"{value.translate(_ENVIRONMENT_ESCAPES)}"'


def environment_text(value: str) -> str:
    """What environment_value was given; any other text as it is."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return re.sub(r'\\([\\"`$])', r"\1", value[1:-1])


def setting(value: str) -> str:
    """Text of a setting whose ``%`` specifiers systemd expands, such as Description=.

    Raises ValueError for text that would end the line.
    """
    _refuse_unencodable(value)
    if any(sign < " " or sign == "\x7f" for sign in value) or value.endswith("\\"):
        raise ValueError("holds a line break or another control character, or ends in a backslash")
    return value.replace("%", "%%")


def _program(path: str) -> str:
    """An absolute path, so that none of the prefixes (``-@:+!``) that systemd reads, in quotes too, can begin it."""
    if not path.startswith("/") or path.endswith("/"):
        raise ValueError(f"the program {path!r} is not an absolute path")
    if any(sign in _NOT_IN_PROGRAM or sign < " " or sign == "\x7f" for sign in path):
        raise ValueError(f"the program's path {path!r} holds a sign that systemd refuses there")
    return _argument(path)


def _argument(value: str) -> str:
    _refuse_unencodable(value)
    if _PLAIN_ARGUMENT.fullmatch(value):
        return value
    return '"' + "".join(_ESCAPES.get(sign) or _control(sign) for sign in value) + '"'


def _control(sign: str) -> str:
    return f"\\x{ord(sign):02x}" if sign < " " or sign == "\x7f" else sign


def _refuse_unencodable(value: str) -> None:
    """systemd refuses a file that holds a code point which Unicode calls a noncharacter."""
    for sign in value:
        code = ord(sign)
        if code == 0:
            raise ValueError("holds a NUL character")
        if 0xD800 <= code <= 0xDFFF or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE:
            raise ValueError(f"holds U+{code:04X}, which is not a character")
