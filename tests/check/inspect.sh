#!/bin/sh
# inspect.sh DUMP FOLDER [--update]: compares what the program DUMP prints about
# the elements with FOLDER/inspect-*.txt, or writes these files.
set -eu
dump=$1
folder=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

for element in wzpsink wzpsrc; do
  "$dump" "$element" >"$work/inspect-$element.txt"
  if [ "${3:-}" = --update ]; then
    cp "$work/inspect-$element.txt" "$folder/"
  else
    diff -u "$folder/inspect-$element.txt" "$work/inspect-$element.txt" ||
      status=1
  fi
done
[ $status -eq 0 ] ||
  echo "If that is wanted: in meson devenv, $0 $1 $2 --update"
exit $status
