#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a repository's signing key on a host, if it is the right one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: signing_key
short_description: Put a package repository's signing key on a host, once its fingerprint is known
version_added: 0.1.0
description:
  - Fetches the key, and writes it only if its primary keys are exactly the ones whose fingerprints are given. A key
    from the same server as the packages proves nothing by itself.
  - A file that holds the right keys is left alone, and nothing is fetched.
  - Needs neither gpg nor apt-key.
author:
  - The vllm.cluster authors (@vllm-cluster)
options:
  url:
    description: Where the key is. An address, or C(file:///path) on the host.
    type: str
    required: true
  fingerprints:
    description: Of the primary keys, 40 or 64 hexadecimal digits each. Blanks and small letters do not matter.
    type: list
    elements: str
    required: true
  path:
    description: Where it goes. APT wants V(.asc) for an armoured key and V(.gpg) for another.
    type: path
    required: true
  timeout:
    description: Seconds that the server has.
    type: int
    default: 30
attributes:
  check_mode:
    support: full
    description: Fetches the key, judges it, and writes nothing.
  diff_mode:
    support: none
    description: A key is not compared by eye.
  idempotent:
    support: full
    description: A file with the right keys is left alone.
"""

EXAMPLES = r"""
- name: Trust the container toolkit's repository
  vllm.cluster.signing_key:
    url: https://nvidia.github.io/libnvidia-container/gpgkey
    fingerprints: [C95B321B61E88C1809C4F759DDCAE044F796ECB0]
    path: /etc/apt/keyrings/nvidia-container-toolkit.asc
"""

RETURN = r"""
fingerprints:
  description: Of the keys that the file has, or would have.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import fetch_url
from ansible_collections.vllm.cluster.plugins.module_utils.host import drop_in
from ansible_collections.vllm.cluster.plugins.module_utils.repositories import openpgp


def kept(path, wanted):
    """Whether the file holds the right keys."""
    try:
        with open(path, "rb") as file:
            return sorted(openpgp.fingerprints(file.read())) == wanted
    except (OSError, openpgp.KeyFormatError):
        return False


def fetched(module, url, wanted):
    """The key's bytes; ends the module where it is not the right one."""
    response, info = fetch_url(module, url, timeout=module.params["timeout"])
    data = response.read() if response is not None else b""
    # file:// has no status but that of nothing wrong
    if response is None or info.get("status") not in (200, None, -1):
        module.fail_json(
            msg=f"{url}: the key could not be fetched: {info.get('msg')}. Fix: check the repository's address"
        )
    try:
        found = sorted(openpgp.fingerprints(data))
    except openpgp.KeyFormatError as error:
        module.fail_json(msg=f"{url}: this is no signing key: {error}. Fix: check the repository's address")
    if found != wanted:
        module.fail_json(
            msg=f"{url}: the key's fingerprint is {', '.join(found)}, and {', '.join(wanted)} is trusted. Nothing was "
            "written. Fix: find out whose key it is; if it is right, name its fingerprint"
        )
    return data


def main():
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "fingerprints": {"type": "list", "elements": "str", "required": True, "no_log": False},
            "path": {"type": "path", "required": True},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    path = module.params["path"]
    wanted = sorted(item.replace(" ", "").upper() for item in module.params["fingerprints"])
    if kept(path, wanted):
        changed = module.set_mode_if_different(path, "0644", False)
        module.exit_json(changed=changed, fingerprints=wanted)
    data = fetched(module, module.params["url"], wanted)
    if not module.check_mode:
        drop_in.write(module, path, data)
    module.exit_json(changed=True, fingerprints=wanted)


if __name__ == "__main__":
    main()
