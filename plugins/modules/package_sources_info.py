#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: package_sources_info
short_description: Where a machine gets its packages from
version_added: 0.1.0
author:
  - The vllm.cluster authors (@vllm-cluster)
description:
  - Reads the settings of pip, uv and apt, the proxy variables and the added certificate authorities of a machine.
  - The lab passes them on to its hosts, which stand behind the same mirror or proxy.
  - On a machine without such settings the lists are empty.
options:
  environment:
    description:
      - Environment variables to read in place of the module's own, for a module that runs as another user than the
        person who called Ansible. Empty values count as not set.
      - C(HOME) finds that person's pip configuration. C(PIP_*) wins over it, as in pip.
    type: dict
    default: {}
extends_documentation_fragment:
  - vllm.cluster.read_only
seealso:
  - name: The lab
    description: How lab hosts are made.
    link: https://github.com/vllm-cluster/vllm.cluster/blob/main/docs/lab.md
"""

EXAMPLES = r"""
- name: Read where this machine gets its packages from
  vllm.cluster.package_sources_info:
    environment:
      HOME: "{{ lookup('ansible.builtin.env', 'HOME') }}"
      PIP_FIND_LINKS: "{{ lookup('ansible.builtin.env', 'PIP_FIND_LINKS') }}"
  register: sources
  no_log: true  # an address may carry a password
"""

RETURN = r"""
python:
  description: Where Python packages come from, in pip's words; uv's variables stand for what pip does not set.
  returned: success
  type: dict
  contains:
    index_url:
      description: Address of the index, or V(null) for pip's own.
      type: str
    extra_index_urls:
      description: Further indexes.
      type: list
      elements: str
    find_links:
      description: Folders and pages with wheels.
      type: list
      elements: str
    trusted_hosts:
      description: Hosts whose certificate is not checked.
      type: list
      elements: str
    no_index:
      description: Whether only RV(python.find_links) are used.
      type: bool
    timeout_s:
      description: Time-out in seconds, or V(null).
      type: int
folders:
  description: Folders of the machine that RV(python) names.
  returned: success
  type: list
  elements: str
  sample: [/srv/wheels]
apt_settings:
  description: Settings of apt that say how to reach a repository.
  returned: success
  type: dict
  sample: {"Acquire::http::Proxy": "http://proxy.example.org:3128"}
apt_repositories:
  description: Release name to repository address.
  returned: success
  type: dict
  sample: {"bookworm": "http://deb.debian.org/debian"}
proxies:
  description: Proxy variables, in lower case.
  returned: success
  type: dict
certificates:
  description: PEM certificates that the machine trusts beyond those of its distribution.
  returned: success
  type: list
  elements: str
credentials:
  description: Whether an address above carries a user name or a password.
  returned: success
  type: bool
"""

import glob
import os
import sys

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.lab import sources

# Debian's, then Red Hat's bundle of what the machine trusts.
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
STOCK = "/usr/share/ca-certificates/*/*.crt"


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def output(module: AnsibleModule, argv: list, environ: dict) -> str:
    """What a command prints; a machine without it has no such settings."""
    status, text, _error = module.run_command(argv, environ_update=environ)
    return text if status == 0 else ""


def main() -> None:
    module = AnsibleModule(
        argument_spec={"environment": {"type": "dict", "default": {}}},
        supports_check_mode=True,
    )
    given = {name: str(value) for name, value in module.params["environment"].items() if value}
    environ = {**os.environ, **given}

    python = sources.python_sources(output(module, [sys.executable, "-m", "pip", "config", "list"], given), environ)
    settings, repositories = {}, {}
    if module.get_bin_path("apt-get"):
        settings = sources.apt_settings(output(module, ["apt-config", "dump"], given))
        wanted = ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"]
        repositories = sources.apt_repositories(output(module, wanted, given))
    bundle = environ.get("SSL_CERT_FILE") or next(filter(os.path.exists, BUNDLES), "")
    proxies = sources.proxies(environ)
    addresses = [python["index_url"] or ""] + python["extra_index_urls"] + python["find_links"]
    addresses += list(proxies.values()) + list(settings.values()) + list(repositories.values())

    module.exit_json(
        changed=False,
        python=python,
        folders=[folder for folder in sources.local_folders(python) if os.path.isdir(folder)],
        apt_settings=settings,
        apt_repositories=repositories,
        proxies=proxies,
        certificates=sources.added_certificates(read(bundle), map(read, glob.glob(STOCK))),
        credentials=sources.holds_credentials(addresses),
    )


if __name__ == "__main__":
    main()
