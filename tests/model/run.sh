#!/bin/sh
# Checks nominate.pml with spin: all interleavings, from three beginnings; then
# that a model with a rule left out is refused.
#
#   run.sh FOLDER [EVENTS [LOSSES [REPEATS]]]    FOLDER: where to work
#
# 2 1 1 takes some seconds and is what the test suite runs; 3 2 1 some minutes.
set -eu
model=$(cd "$(dirname "$0")" && pwd)/nominate.pml
work=$1/model-$$
bounds="-DEVENTS=${2:-2} -DLOSSES=${3:-1} -DREPEATS=${4:-1}"

for program in spin gcc; do
  command -v $program >/dev/null || {
    echo "skipped: $program is not here"
    exit 77
  }
done
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
cd "$work"

# check BOUNDS...: prints the count of states; fails when something is found.
check () {
  # shellcheck disable=SC2086
  spin "$@" -a "$model" >spin.log || { cat spin.log; exit 1; }
  # -f: weakly fair, NFAIR: room for all the processes.
  gcc -O2 -w -DNFAIR=4 -DCOLLAPSE -o pan pan.c
  ./pan -a -f -m1000000 >pan.log
  grep -q 'errors: 0' pan.log && ! grep -q 'error: max search depth' pan.log
}

status=0
for start in NOTHING RELAY BOTH; do
  # shellcheck disable=SC2086
  if check $bounds -DSTART_$start; then
    echo "start $start: $(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.log) states, no error"
  else
    echo "start $start: refused"
    cat pan.log
    [ ! -f "$model.trail" ] || spin $bounds -DSTART_$start -t -p "$model" | tail -60
    status=1
  fi
done
for rule in OLD PROOF RESEND WRITER; do
  # shellcheck disable=SC2086
  if check $bounds -DSTART_BOTH -DBREAK_$rule; then
    echo "without rule $rule: nothing was found"
    status=1
  else
    echo "without rule $rule: refused, as it should be"
  fi
done
exit $status
