#!/bin/sh
# Fails when a program and its man page differ in their options: each option of
# --help, long and short, must head a paragraph of the section OPTIONS, and each
# that does must be in --help. Where groff is there it must find nothing wrong.
#
#   check-man.sh PROGRAM PAGE [COMMAND...]
#   check-man.sh --keys PROGRAM PAGE
#   check-man.sh --self-test
#
# The options of a COMMAND are in the section OPTIONS OF COMMAND. With --keys
# it is about the keys of a configuration file: PROGRAM prints them, a line
# "[group] key" each, by --list-config-keys; on PAGE each stands behind a .TP
# below .SS [group] (or several groups, with ", " between them).

set -u

# The options of a text of --help, one a line.
options_of_help () {
  sed -n -E 's/^ +(-[A-Za-z0-9?]), --([a-z0-9-]+).*/\1\n--\2/p
             t
             s/^ +--([a-z0-9-]+).*/--\1/p' "$1" | sort -u
}

# Those of a section of a page: of the lines that follow .TP.
options_of_page () {
  awk -v section="$2" '
       /^\.SH/ { name = $0; sub(/^\.SH */, "", name); gsub(/"/, "", name)
                 inside = name == section }
       inside && head { print }
       { head = /^\.TP/ }' "$1" |
    sed 's/\\-/-/g; s/\\f[A-Z]/ /g' |
    tr -c 'A-Za-z0-9?\n-' ' ' | tr ' ' '\n' | grep -E '^--?[A-Za-z0-9?]' | sort -u
}

# The keys of a page, "[group] key" each.
keys_of_page () {
  awk '/^\.S[SH]/ { name = $0; sub(/^\.S[SH] */, "", name); gsub(/"/, "", name)
                    n = split(name, groups, /, */) }
       head && /^\.B / { for (i = 1; i <= n; i++)
                           if (groups[i] ~ /^\[.*\]$/) print groups[i] " " $2 }
       { head = /^\.TP/ }' "$1" | sed 's/\\-/-/g' | sort -u
}

# differ PROGRAM-SAYS PAGE-SAYS PAGE: prints what one has and the other lacks.
differ () {
  [ -s "$1" ] || { echo "the program names nothing"; return 0; }
  diff "$1" "$2" >"$dir/diff" && return 1
  sed -n "s|^< |$3 lacks |p; s|^> |the program lacks |p" "$dir/diff"
}

# check HELP PAGE [SECTION]
check () {
  options_of_help "$1" >"$dir/of-help"
  options_of_page "$2" "${3:-OPTIONS}" >"$dir/of-page"
  if differ "$dir/of-help" "$dir/of-page" "$2"; then
    return 1
  fi
  lint "$2"
}

# check_keys KEYS PAGE
check_keys () {
  sort -u "$1" >"$dir/keys"
  keys_of_page "$2" >"$dir/of-page"
  if differ "$dir/keys" "$dir/of-page" "$2"; then
    return 1
  fi
  lint "$2"
}

lint () {
  if command -v groff >/dev/null; then
    groff -man -Tutf8 -ww -z "$1" >"$dir/groff" 2>&1
    if [ -s "$dir/groff" ]; then
      cat "$dir/groff"
      return 1
    fi
  fi
}

self_test () {
  missed=0
  printf '%s\n' 'Help Options:' '  -h, --help      Show' '  --trust=HOW  or --not-me' >"$dir/help"
  # What a page must be like, and what is wrong with others.
  good='.SH OPTIONS\n.TP\n.BR \\-h ", " \\-\\-help\nSee \\-\\-other.\n.TP\n.BI \\-\\-trust= HOW\nHow.'
  try () {
    printf "%b\n" ".TH X 1 2020-01-01 x\n.SH NAME\nx \\- y\n$2" >"$dir/page.1"
    if check "$dir/help" "$dir/page.1" >"$dir/said"; then got=good; else got=bad; fi
    if [ $got != "$1" ]; then
      echo "not $1: $2"
      cat "$dir/said"
      missed=1
    fi
  }
  try good "$good"
  try bad "$good\n.TP\n.B \\-\\-more\nNot there."
  try bad '.SH OPTIONS\n.TP\n.B \\-\\-trust\nHow.'
  try bad '.SH OPTIONS\n.TP\n.BR \\-\\-help\nx\n.TP\n.BI \\-\\-trust= HOW\nHow.'
  try bad '.SH OTHER\n.TP\n.BR \\-h ", " \\-\\-help\nx\n.TP\n.BI \\-\\-trust= HOW\nHow.'
  printf '%s\n' '[a] one' '[b c] one' '[b c] two' '[d] two' >"$dir/all"
  good='.SS [a]\n.TP\n.B one\nIt.\n.SS [b c], [d]\n.TP\n.B two\nIt.\n.SS [b c]\n.TP\n.B one\nIt.'
  try_keys () {
    printf "%b\n" ".TH X 5 2020-01-01 x\n.SH NAME\nx \\- y\n$2" >"$dir/page.5"
    if check_keys "$dir/all" "$dir/page.5" >"$dir/said"; then got=good; else got=bad; fi
    if [ $got != "$1" ]; then
      echo "not $1: $2"
      cat "$dir/said"
      missed=1
    fi
  }
  try_keys good "$good"
  try_keys bad "$good\n.SS [d]\n.TP\n.B one\nNot there."
  try_keys bad "${good#*It.}"
  try_keys bad "$good\n.TP\n.B three\nNot there."
  [ $missed -eq 0 ]
}

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
case ${1:-} in
  --self-test) self_test ;;
  --keys)
    "$2" --list-config-keys >"$dir/list" || exit 1
    check_keys "$dir/list" "$3"
    ;;
  ''|-*)
    echo "usage: $0 PROGRAM PAGE [COMMAND...] | --keys PROGRAM PAGE | --self-test" >&2
    exit 2
    ;;
  *)
    program=$1 page=$2 bad=0
    shift 2
    LC_ALL=C "$program" --help >"$dir/help" || exit 1
    check "$dir/help" "$page" || bad=1
    for command; do
      LC_ALL=C "$program" "$command" --help >"$dir/help" || exit 1
      check "$dir/help" "$page" \
        "OPTIONS OF $(printf %s "$command" | tr '[:lower:]' '[:upper:]')" || bad=1
    done
    exit $bad
    ;;
esac
