#!/bin/sh
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Usage: tests/run/in_venv.sh COMMAND [ARGUMENT...]
# Runs a command of .venv (made first when needed) with the one set of variables that our tools take:
#   NEEDS  commands of the system that must be there; see packages.sh
# For a shell: tests/run/in_venv.sh bash
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)

# shellcheck disable=SC2086 # a list of names without blanks
"$root/tests/run/setup.sh" ${NEEDS:-}

PATH="$root/.venv/bin:$PATH"
# Where vllm.cluster is found by tools that start outside playbooks/: molecule, ansible-doc, ansible, antsibull-docs.
ANSIBLE_COLLECTIONS_PATH="$root/playbooks/collections"
# Ansible's caches stay in the checkout; its ssh sockets do not, because their paths are short of room.
ANSIBLE_HOME="$root/.cache/ansible"
ANSIBLE_SSH_CONTROL_PATH_DIR="${HOME:-/root}/.ansible/cp"
# Output that can be read, kept and searched.
MOLECULE_COMMAND_BORDERS=false
[ -t 1 ] || export NO_COLOR=1
export MOLECULE_COMMAND_BORDERS PATH ANSIBLE_COLLECTIONS_PATH ANSIBLE_HOME ANSIBLE_SSH_CONTROL_PATH_DIR
exec "$@"
