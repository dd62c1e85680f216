# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures of what the service was told: its arguments, addresses and ports."""

from __future__ import annotations

from .rule import rule

_ARGS = "correct it in the service's args"
_HOLDER = "end the process that holds it, or give the service another port"

RULES = (
    rule(
        "unknown_flag",
        r"error: unrecognized arguments: (?P<flags>.+)",
        "this vLLM release does not know {flags}",
        "remove it from the service's args, or write the name that this release takes",
    ),
    rule(
        "ambiguous_flag",
        r"error: ambiguous option: (?P<flag>\S+) could match (?P<of>.+)",
        "{flag} is short for several flags: {of}",
        "write the flag in full",
    ),
    rule(
        "invalid_value",
        r"error: argument (?P<flag>-[\w./-]+): .*validation errors? for ",
        "the value of {flag} is refused",
        _ARGS,
        more=2,
    ),
    rule(
        "invalid_value",
        r"error: argument (?P<flag>-[\w./-]+): (?P<why>.+)",
        "the value of {flag} is refused: {why}",
        _ARGS,
    ),
    rule(
        "config_file",
        r"Unable to read the config file at (?P<path>\S+)\. Check",
        "the config file {path} cannot be read",
        "make the file, readable by the unit's user, or drop --config",
    ),
    rule(
        "chat_template",
        r"supplied chat template string \((?P<path>[^)]*)\) appears path-like, but doesn't exist",
        "the chat template {path} does not exist",
        "put the file on the host or correct chat_template",
    ),
    rule(
        "parser_name",
        r"invalid (?P<kind>tool call|reasoning) parser: (?P<name>\S+)",
        "there is no {kind} parser named {name} in this release",
        _ARGS,
    ),
    rule(
        "connector",
        r"Unsupported connector type: (?P<name>\S+)",
        "this vLLM release has no KV connector {name}",
        "write the name that this release takes",
    ),
    rule(
        "port_in_use",
        r"listen on any local network address\. port: (?P<port>\d+)",
        "port {port} (internal) is already in use",
        _HOLDER,
        permanent=False,
    ),
    rule(
        "port_in_use",
        r"ZMQError: Address already in use \(addr='\w+://\S*:(?P<port>\d+)'\)",
        "port {port} (internal) is already in use",
        _HOLDER,
        permanent=False,
    ),
    rule(
        "port_in_use",
        r"attempting to bind on address \('[^']*', (?P<port>\d+)[^)]*\): address already in use",
        "port {port} is already in use",
        _HOLDER,
        permanent=False,
    ),
    rule(
        "port_in_use",
        r"\[Errno 98\]|EADDRINUSE",
        "{its_port} is already in use",
        _HOLDER,
        permanent=False,
    ),
    rule(
        "address_not_here",
        r"\[Errno 99\]|EADDRNOTAVAIL",
        "the address to listen on is not one of this host",
        "correct host in the service's args or the host's address",
    ),
    rule(
        "port_invalid",
        r"bind\(\): port must be 0-65535",
        "the port is outside 0-65535",
        "correct the service's port",
    ),
    rule(
        "port_uri",
        r"VLLM_PORT '(?P<value>[^']*)' appears to be a URI",
        "VLLM_PORT holds {value}, not a port",
        "unset VLLM_PORT (Kubernetes sets it for a service named vllm)",
    ),
    rule(
        "config_refused",
        r"^\s*Value error, (?P<why>.+)",
        "vLLM refuses the configuration: {why}",
        _ARGS,
        weak=True,
    ),
)
