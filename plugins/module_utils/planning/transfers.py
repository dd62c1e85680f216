# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``kv_transfer_config`` and ``ec_transfer_config`` against what the release's connectors take."""

from __future__ import annotations

import typing as t

from ..releases import connectors, runtimes, versions
from ..releases import packages as distributions
from ..releases.standing import Standing
from .errors import Refusals
from .intent import Service
from .options import Options

ROLES = ("kv_producer", "kv_consumer", "kv_both")
_KV = "kv-transfer-config"
_EC = "ec-transfer-config"
_EXTRA = "kv_connector_extra_config"
#: Keys that a connector needs in some of its uses only: P2pNcclConnector reads http_port where it has a proxy, and
#: kv_port has a default.
_SOMETIMES = ("http_port", "kv_port")
#: Variables that the plan sets for connectors of kv_transfer (connectors/).
_PLANNED = ("VLLM_NIXL_SIDE_CHANNEL_HOST", "LMCACHE_CONFIG_FILE", "MOONCAKE_CONFIG_PATH")
#: From this release on a connector of the other engine is refused at start; before, V1 gives way to V0 by itself.
_ENGINES_APART = "0.8.5"
#: From this release on a configuration must name a connector; before, one without is ignored.
_NAME_WANTED = "0.11.1"


def check(service: Service, options: Options, packages: t.Sequence[str], refusals: Refusals) -> None:
    """Refuse what stops the engine at its start. packages: requirement lines beside vLLM, of the env runtime."""
    found = options.mapping(_KV)
    if found is not None and found.broken:
        fix = "write it as a mapping: {kv_connector: NixlConnector, kv_role: kv_both}"
        refusals.add("argument-json", found.path, None, found.broken, fix)
    elif found is not None:
        _Check(service, options, packages, refusals).config(found.path, found.values, found.paths, found.dotted)
    _encoder(options, refusals)


def names(options: Options) -> list[str]:
    """The KV connectors that a service uses, those inside MultiConnector too."""
    found = options.mapping(_KV)
    result: list[str] = []
    queue: list[t.Any] = [found.values] if found is not None else []
    while queue:
        config = queue.pop(0)
        if isinstance(config, dict):
            result += [str(config["kv_connector"])] if config.get("kv_connector") else []
            queue += children(config)
    return result


def children(config: t.Mapping[str, t.Any]) -> list[t.Any]:
    """The configurations inside that of MultiConnector, as written."""
    extra = config.get(_EXTRA)
    children = extra.get("connectors") if isinstance(extra, dict) else None
    return list(children) if config.get("kv_connector") == "MultiConnector" and isinstance(children, list) else []


class _Check:
    def __init__(self, service: Service, options: Options, packages: t.Sequence[str], refusals: Refusals) -> None:
        self._version: str = service["version"]
        self._runtime: str = service["runtime"]
        self._options = options
        self._planned = service.transfer is not None  # then the plan brings packages and variables
        self._packages = {distributions.distribution(line) for line in packages}
        self._refusals = refusals

    def config(
        self,
        path: str,
        values: t.Mapping[str, t.Any],
        paths: t.Mapping[str, str],
        dotted: t.Collection[str] = (),
    ) -> None:
        """One kv_transfer_config. paths: where each key is written. dotted: keys judged with the options (serve.py)."""
        self._keys(path, {key: value for key, value in values.items() if key not in dotted}, paths)
        name, role = values.get("kv_connector"), values.get("kv_role")
        where = paths.get("kv_connector", f"{path}.kv_connector")
        if role is not None and role not in ROLES:
            rule = f"vLLM knows the roles {', '.join(ROLES)}"
            self._refusals.add("kv-role", paths.get("kv_role", path), role, rule, f"write {_role_meant(role)}")
        if name is None:
            if versions.parse(self._version) >= versions.parse(_NAME_WANTED):
                self._refusals.add(
                    "kv-connector", path, None, "names no KV connector", "add kv_connector, or leave it out"
                )
            return
        if role is None:
            rule = "a KV connector needs a role"
            self._refusals.add("kv-role", path, None, rule, f"add kv_role: {', '.join(ROLES[:2])} or {ROLES[2]}")
        needs = connectors.needs(str(name), self._version)
        if needs is None:
            if not values.get("kv_connector_module_path"):
                standing = connectors.find(str(name), self._version)
                rule = f"vLLM {self._version} has no such KV connector"
                self._refusals.add("kv-connector", where, name, rule, standing.advice)
            return
        extra = values.get(_EXTRA)
        self._connector(needs, where, path, values, extra if isinstance(extra, dict) else {}, role)
        for index, child in enumerate(children(values)):
            inner = f"{path}.{_EXTRA}.connectors[{index}]"
            if isinstance(child, dict):
                self.config(inner, child, {str(key): f"{inner}.{key}" for key in child})
            else:
                rule = "is not a mapping with kv_connector and kv_role"
                self._refusals.add("argument-json", inner, None, rule, "write one mapping for each connector")

    def _keys(self, path: str, values: t.Mapping[str, t.Any], paths: t.Mapping[str, str]) -> None:
        """Keys of the configuration itself."""
        strict = runtimes.has_trait("transfer_config_refuses_unknown_keys", self._version)
        for key in values:
            standing = connectors.transfer_key(str(key), self._version)
            where = paths.get(str(key), path)
            if standing.valid:
                continue
            if strict:
                rule = f"kv_transfer_config of vLLM {self._version} has no such key"
                self._refusals.add("kv-transfer-key", where, None, rule, standing.advice)
            else:
                message = f"kv_transfer_config of vLLM {self._version} ignores this key"
                self._refusals.warn("kv-transfer-key-ignored", where, message, standing.advice)

    def _connector(
        self,
        needs: connectors.Needs,
        where: str,
        path: str,
        values: t.Mapping[str, t.Any],
        extra: t.Mapping[str, t.Any],
        role: t.Any,
    ) -> None:
        name = needs.name
        if needs.platforms:
            rule = f"{name} runs on {' and '.join(needs.platforms)} only"
            self._refusals.add("kv-connector-platform", where, name, rule, "use NixlConnector")
        self._engine(needs, where)
        for key in needs.transfer_required:
            if key not in values and key not in _SOMETIMES:
                self._refusals.add("kv-connector-key", path, None, f"{name} needs {key}", f"add {key}")
        own = extra.get("spec_name") or extra.get("spec_module_path")  # another piece of code, with keys of its own
        for key in needs.required:
            if key not in extra and key not in _SOMETIMES and not own:
                rule = f"{name} of vLLM {self._version} needs {_EXTRA}.{key}"
                where = "extra" if self._planned else _EXTRA
                self._refusals.add("kv-connector-key", path, None, rule, f"add {where}: {{{key}: …}}")
        for key in extra:
            self._extra_key(connectors.extra_key(name, str(key), self._version), name, path)
        if role in ROLES and role not in needs.roles:
            message = f"{name} is made for {' and '.join(needs.roles)}, not for {role}"
            self._refusals.warn("kv-role-unfit", path, message, f"write kv_role: {needs.roles[0]}")
        for variable, about in needs.variables.items():
            self._variable(name, variable, about)
        lacking = [package for package in needs.packages if package.lower() not in self._packages]
        planned = self._planned and set(lacking) <= set(connectors.INSTALLED)
        if (
            lacking
            and not planned
            and self._runtime == "env"
            and not any(_alike(lacking[0], have) for have in self._packages)
        ):
            wanted = "".join((lacking[0], connectors.packages(name, self._version)[lacking[0]]))
            message = f"{name} imports {lacking[0]}, which no environment of vLLM holds by itself"
            self._refusals.warn("kv-connector-package", where, message, f"add {wanted!r} to vllm_env_packages")

    def _extra_key(self, standing: Standing, name: str, path: str) -> None:
        """A key that vLLM does not read: of another release, or a likely slip."""
        if standing.valid or not (standing.known or standing.advice.startswith("did you mean")):
            return
        message = f"{name} of vLLM {self._version} does not read {standing.name}"
        self._refusals.warn("kv-connector-key-ignored", f"{path}.{_EXTRA}.{standing.name}", message, standing.advice)

    def _engine(self, needs: connectors.Needs, where: str) -> None:
        """A connector of V0 cannot run in V1, nor the other way round."""
        if not runtimes.has_trait("v0_engine", self._version) or runtimes.has_trait("v0_default", self._version):
            return
        written = self._options.env.get("VLLM_USE_V1")
        apart = versions.parse(self._version) >= versions.parse(_ENGINES_APART)
        v1_taken = written != "0" if apart else written == "1"
        if needs.engine == "v0" and v1_taken:
            rule = f"{needs.name} runs in the V0 engine only, and {self._version} starts V1"
            fix = f"set {self._options.env_path('VLLM_USE_V1')}: 0, or use a connector of V1"
            self._refusals.add("kv-connector-engine", where, needs.name, rule, fix)
        elif needs.engine == "v1" and written == "0":
            rule = f"{needs.name} runs in the V1 engine only"
            fix = f"remove {self._options.env_path('VLLM_USE_V1')}"
            self._refusals.add("kv-connector-engine", where, needs.name, rule, fix)

    def _variable(self, name: str, variable: str, about: str) -> None:
        if self._options.sets(variable) or (self._planned and variable in _PLANNED and not self._is_old(name)):
            return
        if variable == "LMCACHE_CONFIG_FILE" and any(other.startswith("LMCACHE_") for other in self._options.env):
            return
        path = self._options.env_path(variable)
        if variable == "MOONCAKE_CONFIG_PATH":
            self._refusals.add("kv-connector-variable", path, None, f"{name} does not start without it", f"set {about}")
        else:
            self._refusals.warn("kv-connector-variable-unset", path, f"{name} reads it: {about}", "set it")

    def _is_old(self, name: str) -> bool:
        """A connector of V0 that shares its name with another, which the plan knows how to serve."""
        needs = connectors.needs(name, self._version)
        return needs is not None and needs.engine == "v0" and name.startswith("Mooncake")


def _encoder(options: Options, refusals: Refusals) -> None:
    """The encoder cache's connector."""
    found = options.mapping(_EC)
    if found is None:
        return
    if found.broken:
        refusals.add("argument-json", found.path, None, found.broken, "write it as a mapping")
        return
    name = found.values.get("ec_connector")
    if name is None or found.values.get("ec_connector_module_path"):
        return
    standing = connectors.find_encoder(str(name), options.version)
    if not standing.valid:
        where = found.paths.get("ec_connector", found.path)
        rule = f"vLLM {options.version} has no such encoder cache connector"
        refusals.add("kv-connector", where, name, rule, standing.advice)


def _role_meant(role: t.Any) -> str:
    return next((known for known in ROLES if known.endswith(f"_{role}")), f"one of {', '.join(ROLES)}")


def _alike(wanted: str, have: str) -> bool:
    """``mooncake-transfer-engine-cuda13`` serves as ``mooncake-transfer-engine``."""
    return have.replace("_", "-").startswith(wanted.replace("_", "-").lower())
