#!/bin/sh
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Usage: tests/run/demo.sh up|down
# up: the lab, then the collection's main job on it. DEMO_MODEL=<hub id> serves that model instead of the tiny one,
# DEMO_EXECUTOR=ray runs the engine's hosts by Ray instead of mp.
set -eu
cd "$(dirname -- "$0")/../.."

times=
phase() { # title; command
    title=$1
    shift
    printf '\n==> %s\n' "$title"
    began=$(date +%s)
    "$@" || {
        status=$?
        printf '==> %s: FAILED after %s s\n' "$title" "$(($(date +%s) - began))" >&2
        exit "$status"
    }
    spent="$title $(($(date +%s) - began)) s"
    printf '==> %s\n' "$spent"
    times="${times:+$times, }$spent"
}

play() { # playbook; options
    playbook=$1
    shift
    ./tests/run/in_venv.sh ansible-playbook --inventory inventories/demo "playbooks/$playbook.yml" "$@"
}

# The lab's containers are made by root on this machine; its hosts are reached as root by ssh.
become=
[ "$(id -u)" = 0 ] || sudo --non-interactive true 2>/dev/null || become=--ask-become-pass

case ${1:-} in
    up)
        # shellcheck disable=SC2086 # a list of names without blanks
        phase tools ./tests/run/setup.sh ${NEEDS:-}
        # shellcheck disable=SC2086
        phase lab play lab_up $become
        phase cluster play site ${DEMO_MODEL:+--extra-vars "demo_model=$DEMO_MODEL"} \
            ${DEMO_EXECUTOR:+--extra-vars "demo_executor=$DEMO_EXECUTOR"}
        key=$(sed -n 's/^ *api_key: *\([^ ]*\).*/\1/p' inventories/demo/group_vars/all/vllm.yml)
        printf '\nTo try the curl line above, first: export VLLM_API_KEY=%s\n' "$key"
        ;;
    down)
        # shellcheck disable=SC2086
        phase lab play lab_down $become \
            --extra-vars '{"lab_remove_images": true, "lab_remove_cache": true, "lab_stop_engine": true}'
        ;;
    *)
        echo "usage: $0 up|down" >&2
        exit 2
        ;;
esac
printf 'wall time: %s\n' "$times"
