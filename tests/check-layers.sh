#!/bin/sh
# Fails when a file includes what its layer must not know, or when a module
# that is to be pure reaches for a socket, a clock or a thread.
#
#   check-layers.sh              checks the project
#   check-layers.sh --self-test  checks that each kind of violation is found
#
# CONTRIBUTING.md has the picture. A layer is a folder of src, or gst-plugin.

set -u

# check_tree ROOT: prints the violations of a tree; fails if there are any.
check_tree () {
  (
    cd "$1" || exit 1
    files=$(find src gst-plugin -name '*.[ch]' 2>/dev/null | sort)
    # shellcheck disable=SC2086
    awk '
    function layer_of(path, parts) {
      split(path, parts, "/")
      return parts[1] == "src" ? parts[2] : parts[1]
    }
    function has(list, word) { return index(" " list " ", " " word " ") > 0 }
    function is_pure(path) {
      return path ~ /^src\/(proto|media)\// || path ~ /^src\/race\/wzp-(race|nominate|puncher|punch-budget|punch-targets)\.[ch]$/
    }
    function tell(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad = 1 }
    function check_project_header(name, base, target) {
      base = name; sub(/.*\//, "", base)
      if (!(base in home)) return
      target = home[base]
      if (target != layer && !has(below[layer], target))
        tell(layer " includes " base ", which is of " target)
      if (pure && target != "proto" && target != "crypto" && target != layer)
        tell("a pure module includes " base ", which is of " target)
    }
    function check_system_header(name) {
      if (name ~ /^ngtcp2\// && layer != "quic")
        tell(name " outside src/quic")
      if (name ~ /^gnutls\// && layer != "quic" &&
          !(layer == "crypto" && name ~ /^gnutls\/(gnutls|crypto|x509|abstract)\.h$/))
        tell(name " outside src/quic")
      if (name ~ /^nettle\// && layer != "quic" && layer != "crypto")
        tell(name " outside src/crypto")
      if (name ~ /^gst\// && layer != "gst-plugin")
        tell(name " outside gst-plugin")
      if (pure && name ~ /^(sys\/socket\.h|gio\/|pthread\.h|threads\.h|poll\.h|sys\/epoll\.h)/)
        tell("a pure module includes " name)
    }
    # Comments may name anything: they are taken out, over line ends too.
    function code_of(line, out, at) {
      out = ""
      while (line != "") {
        if (in_comment) {
          at = index(line, "*/")
          if (at == 0) return out
          line = substr(line, at + 2); in_comment = 0
        } else {
          at = index(line, "/*")
          if (at == 0) return out line
          out = out substr(line, 1, at - 1); line = substr(line, at + 2); in_comment = 1
        }
      }
      return out
    }
    BEGIN {
      below["proto"] = ""
      below["crypto"] = "proto"
      below["net"] = "crypto proto"
      below["quic"] = "net crypto proto"
      below["media"] = "crypto proto"
      below["race"] = "quic net crypto proto"
      below["signal"] = "quic net crypto proto"
      below["session"] = "race signal media quic net crypto proto"
      below["relay"] = "signal quic net crypto proto"
      below["netcheck"] = "signal quic net crypto proto"
      below["gst-plugin"] = "session media proto"
      for (i = 1; i < ARGC; i++) {
        base = ARGV[i]; sub(/.*\//, "", base)
        if (base ~ /\.h$/) home[base] = layer_of(ARGV[i])
      }
    }
    FNR == 1 {
      layer = layer_of(FILENAME); pure = is_pure(FILENAME); in_comment = 0
      if (!(layer in below)) tell(layer " is no layer that this check knows")
    }
    {
      code = code_of($0)
      if (match(code, /^[ \t]*#[ \t]*include[ \t]*["<][^">]*[">]/)) {
        name = substr(code, RSTART, RLENGTH)
        quoted = name ~ /"$/
        sub(/^[^"<]*["<]/, "", name); sub(/[">]$/, "", name)
        if (quoted) check_project_header(name); else check_system_header(name)
      } else if (pure && match(code, /(^|[^a-z_])(g_get_monotonic_time|g_get_real_time|g_date_time_new_now_[a-z]+|wzp_clock_now_[a-z]+|clock_gettime|gettimeofday|g_thread_new|pthread_create|g_usleep)[ \t]*\(/))
        tell("a pure module calls " substr(code, RSTART))
      else if (layer != "quic" && match(code, /gnutls_(session_t|init|handshake|record_|credentials_|priority_|certificate_allocate)/))
        tell("TLS outside src/quic: " substr(code, RSTART))
    }
    END { exit bad }' $files /dev/null
  )
}

# expect NAME FILE LINE...: a tree with just this file in it must be refused,
# and the file must be named.
expect () {
  name=$1 file=$2
  shift 2
  mkdir -p "$tree/$(dirname "$file")"
  printf '%s\n' "$@" >"$tree/$file"
  if said=$(check_tree "$tree"); then
    echo "not found: $name"
    missed=1
  else
    case $said in
      "$file:"*) ;;
      *)
        echo "$name: found something else: $said"
        missed=1
        ;;
    esac
  fi
  rm "$tree/$file"
}

self_test () {
  tree=$(mktemp -d) || return 1
  trap 'rm -rf "$tree"' EXIT
  missed=0

  for layer in proto crypto net quic media race signal session relay netcheck; do
    mkdir -p "$tree/src/$layer"
    : >"$tree/src/$layer/wzp-a-$layer.h"
  done
  # What is allowed must pass, comments must not count.
  printf '%s\n' '#include "wzp-a-session.h"' '#include "wzp-a-race.h"' \
    '#include "wzp-a-media.h"' '#include "wzp-a-proto.h"' >"$tree/src/session/wzp-x.c"
  printf '%s\n' '#include <gnutls/gnutls.h>' '#include <gnutls/x509.h>' \
    '#include <nettle/curve25519.h>' >"$tree/src/crypto/wzp-x.c"
  printf '%s\n' '#include <ngtcp2/ngtcp2.h>' '#include <gnutls/gnutls.h>' \
    >"$tree/src/quic/wzp-x.c"
  printf '%s\n' '/* of g_get_monotonic_time()' '#include <gio/gio.h> */' \
    >"$tree/src/proto/wzp-x.c"
  if ! check_tree "$tree"; then
    echo "a tree without a violation was refused"
    missed=1
  fi

  expect 'proto on crypto' src/proto/wzp-b.c '#include "wzp-a-crypto.h"'
  expect 'crypto on net' src/crypto/wzp-b.h '#include "wzp-a-net.h"'
  expect 'net on quic' src/net/wzp-b.c '#include "wzp-a-quic.h"'
  expect 'quic on race' src/quic/wzp-b.c '#include "wzp-a-race.h"'
  expect 'media on net' src/media/wzp-b.c '#include "wzp-a-net.h"'
  expect 'race on signal' src/race/wzp-b.c '#include "wzp-a-signal.h"'
  expect 'race on media' src/race/wzp-b.c '#include "wzp-a-media.h"'
  expect 'signal on race' src/signal/wzp-b.c '# include "wzp-a-race.h"'
  expect 'signal on session' src/signal/wzp-b.c '#include "wzp-a-session.h"'
  expect 'session on relay' src/session/wzp-b.c '#include "wzp-a-relay.h"'
  expect 'relay on session' src/relay/wzp-b.c '#include "wzp-a-session.h"'
  expect 'relay on race' src/relay/wzp-b.c '#include "wzp-a-race.h"'
  expect 'netcheck on relay' src/netcheck/wzp-b.c '#include "wzp-a-relay.h"'
  expect 'netcheck on race' src/netcheck/wzp-b.c '#include "wzp-a-race.h"'
  expect 'signal on netcheck' src/signal/wzp-b.c '#include "wzp-a-netcheck.h"'
  expect 'by a path' src/proto/wzp-b.c '#include "../net/wzp-a-net.h"'
  expect 'plugin on quic' gst-plugin/gstwzpsrc.c '#include "wzp-a-quic.h"'
  expect 'plugin on race' gst-plugin/gstwzpsrc.c '#include "wzp-a-race.h"'
  expect 'ngtcp2 in session' src/session/wzp-b.c '#include <ngtcp2/ngtcp2.h>'
  expect 'ngtcp2 in plugin' gst-plugin/gstwzpsrc.c '#include <ngtcp2/ngtcp2.h>'
  expect 'TLS in crypto' src/crypto/wzp-b.c '#include <gnutls/dtls.h>'
  expect 'a TLS session in crypto' src/crypto/wzp-b.c 'static gnutls_session_t session;'
  expect 'x509 in net' src/net/wzp-b.c '#include <gnutls/x509.h>'
  expect 'nettle in media' src/media/wzp-b.c '#include <nettle/aes.h>'
  expect 'gst in src' src/session/wzp-b.c '#include <gst/gst.h>'
  expect 'socket in proto' src/proto/wzp-b.c '#include <sys/socket.h>'
  expect 'gio in media' src/media/wzp-b.h '#include <gio/gio.h>'
  expect 'thread in race' src/race/wzp-race.c '#include <pthread.h>'
  expect 'net in the pure part of race' src/race/wzp-race.h '#include "wzp-a-net.h"'
  expect 'clock in nominate' src/race/wzp-nominate.c 'gint64 t = g_get_monotonic_time ();'
  expect 'our clock in media' src/media/wzp-b.c '/* a */ t = wzp_clock_now_us ();'
  expect 'a folder that is no layer' src/extra/wzp-b.c 'int x;'

  [ $missed -eq 0 ]
}

case ${1:-} in
  --self-test) self_test ;;
  '') check_tree "$(dirname "$0")/.." ;;
  *)
    echo "usage: $0 [--self-test]" >&2
    exit 2
    ;;
esac
