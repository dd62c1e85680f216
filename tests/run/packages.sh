#!/bin/sh
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Usage: tests/run/packages.sh COMMAND...
# Installs the system packages of those COMMANDs that are missing, with consent only: asked for on a terminal; without
# one, root, CI=true or YES=1 is consent. YES=0 forbids it always. `python` means one that find_python.sh accepts.
# dockerd and debootstrap are asked for here and left to the playbooks: the roles container_engine and lab install them.
set -eu
here=$(dirname -- "$0")

say() { printf 'packages: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

missing= # what the person is asked about
install= # what is installed here
for command in "$@"; do
    if [ "$command" = python ]; then
        "$here/find_python.sh" >/dev/null && continue
    elif command -v "$command" >/dev/null; then
        continue
    fi
    case $command in
        dockerd) missing="$missing docker.io"; continue ;;
        debootstrap) missing="$missing debootstrap"; continue ;;
        python) package=python3-venv ;;
        ssh | ssh-keygen) package=openssh-client ;;
        ip) package=iproute2 ;;
        nft) package=nftables ;;
        *) package=$command ;;
    esac
    case "$install " in *" $package "*) ;; *) install="$install $package" missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || die "missing:$missing. There is no apt-get here: install them by this machine's own means"
as_root=
[ "$(id -u)" = 0 ] || as_root='sudo '
fix="${as_root}apt-get install --yes --no-install-recommends$missing"

if [ "${YES:-}" = 0 ]; then
    die "missing:$missing. YES=0 forbids installing them. Fix: $fix"
elif [ "${YES:-}" = 1 ] || [ "${CI:-}" = true ]; then
    say "installing what is missing:$missing"
elif [ -t 0 ] && [ -t 2 ]; then
    printf 'packages: missing:%s. Install them? [y/N] ' "$missing" >&2
    read -r answer
    case $answer in [yY]*) ;; *) die "nothing was installed. Fix: $fix" ;; esac
elif [ -z "$as_root" ]; then
    say "installing what is missing:$missing"
else
    die "missing:$missing, and nobody to ask. Fix: $fix, or set YES=1"
fi

[ -n "$install" ] || exit 0
# shellcheck disable=SC2086 # lists of names without blanks
{
    ${as_root}apt-get update --quiet=2 &&
        ${as_root}env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $install
} >&2 || die "apt-get failed. Fix: $fix"
