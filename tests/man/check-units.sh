#!/bin/sh
# Fails when systemd finds something wrong with a unit, or a service that is
# less closed than it was. Skipped (77) where there is no systemd-analyze that
# can look at units that are not loaded.
#
#   check-units.sh PROGRAM UNIT...

set -u

# Times ten. 1.3 was reached; what is left is the network that a relay needs.
MAX_EXPOSURE=15

analyze () { SYSTEMD_COLORS=0 systemd-analyze "$@"; }

if ! analyze security --help 2>/dev/null | grep -q -- --offline; then
  echo "there is no systemd-analyze with --offline"
  exit 77
fi
program=$(cd "$(dirname "$1")" && pwd)/${1##*/}
shift
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# As installed, but for the program, which is not yet.
for unit; do
  sed "s|^\(Exec[A-Za-z]*=\)/[^ ]*/wzp-relay|\1$program|" "$unit" >"$dir/${unit##*/}"
done

bad=0
said=$(analyze verify --man=no "$dir"/* 2>&1) || bad=1
said=$(printf '%s\n' "$said" | grep -F wzp-relay)
if [ $bad -ne 0 ] || [ -n "$said" ]; then
  printf '%s\n' "$said"
  bad=1
fi
for unit in "$dir"/*.service; do
  analyze security --offline=yes --threshold=$MAX_EXPOSURE "$unit" >"$dir/said" 2>&1 || {
    tail -n 3 "$dir/said"
    bad=1
  }
done
exit $bad
