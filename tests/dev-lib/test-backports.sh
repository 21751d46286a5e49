#!/usr/bin/env bash
# packages.sh: a backports source is made of whatever mirror is configured.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/dev-lib/common.sh
. tests/dev-lib/packages.sh

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

# expect NAME FILE EXPECTED, the file's text on standard input.
expect () {
  local got
  cat >"$dir/$2"
  got=$(backports_entry bookworm "$dir/$2")
  if [ "$got" != "$3" ]; then
    printf '%s:\n--- expected\n%s\n--- got\n%s\n' "$1" "$3" "$got"
    failed=1
  fi
}

expect 'one line' a.list 'deb http://mirror.test/debian bookworm-backports main' <<'TXT'
# deb http://wrong.test/debian bookworm main
deb-src http://wrong.test/debian bookworm main
deb http://wrong.test/debian bookworm-updates main
deb http://wrong.test/debian bookworm contrib
deb http://mirror.test/debian bookworm main contrib
deb http://second.test/debian bookworm main
TXT

expect 'one line with options' b.list \
  'deb [arch=amd64 signed-by=/k.gpg] https://mirror.test/d bookworm-backports main' <<'TXT'
deb [arch=amd64 signed-by=/k.gpg] https://mirror.test/d bookworm contrib main non-free
TXT

expect 'no such suite' c.list '' <<'TXT'
deb http://mirror.test/debian trixie main
TXT

expect 'deb822' d.sources 'Types: deb
URIs: http://mirror.test/debian
Suites: bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/k.gpg' <<'TXT'
Types: deb
URIs: http://security.test/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main

# a word
Types: deb deb-src
URIs: http://mirror.test/debian
# another
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/k.gpg

Types: deb
URIs: http://second.test/debian
Suites: bookworm
Components: main
TXT

expect 'deb822 with a key inside' e.sources 'Types: deb
URIs: http://mirror.test/debian
Suites: bookworm-backports
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----' <<'TXT'
Types: deb
URIs: http://mirror.test/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----
TXT

expect 'sources only' f.sources '' <<'TXT'
Types: deb-src
URIs: http://mirror.test/debian
Suites: bookworm
Components: main
TXT

exit $failed
