#!/bin/sh
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# make_base_image.sh TAG SUITE MIRROR PACKAGES
# Makes a bare Debian with debootstrap and imports it as the image TAG. PACKAGES is a comma-separated list.
set -eu
tag=$1 suite=$2 mirror=$3 packages=$4

# Not below /tmp: it may be small, and mounted without devices or programs.
work=$(mktemp --directory --tmpdir=/var/tmp vllm-lab-base.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' HUP INT TERM
root=$work/root

debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror"

# What must differ between hosts (keys, machine id) and what only takes room.
rm -f "$root"/etc/ssh/ssh_host_* "$root"/etc/hostname "$root"/etc/resolv.conf "$root"/var/lib/dbus/machine-id
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
: >"$root/etc/machine-id"

# In two steps: a tar that breaks off must not become an image.
tar --create --file="$work/root.tar" --directory="$root" --numeric-owner --exclude='./dev/*' .
docker import "$work/root.tar" "$tag"
