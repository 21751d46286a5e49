# Sourced by ./dev: installs what a command needs, on Debian and what descends
# from it. Nothing is asked of apt when all of it is there.

NGTCP2_FLOOR=1.11
NGTCP2_PACKAGES='libngtcp2-dev libngtcp2-crypto-gnutls-dev'

# One requirement a line: KIND WHAT PACKAGE. cmd: a command; pc: a pkg-config
# module with its floor (glib-2.0>=2.74); file: a file; pkg: an installed
# package, where nothing shorter tells.
requirements_build='
cmd gcc gcc
file /usr/include/stdio.h libc6-dev
cmd meson meson
cmd ninja ninja-build
cmd pkg-config pkg-config
cmd python3 python3
pc glib-2.0>=2.74 libglib2.0-dev
pc json-glib-1.0>=1.6 libjson-glib-dev
pc gnutls>=3.7.9 libgnutls28-dev
pc nettle>=3.8 nettle-dev
pc libmicrohttpd>=0.9.75 libmicrohttpd-dev
pc libngtcp2>=1.11 libngtcp2-dev
pc libngtcp2_crypto_gnutls>=1.11 libngtcp2-crypto-gnutls-dev
pc gstreamer-1.0>=1.22 libgstreamer1.0-dev
pc gstreamer-app-1.0>=1.22 libgstreamer-plugins-base1.0-dev
'
requirements_demo="$requirements_build
cmd gst-inspect-1.0 gstreamer1.0-tools
pkg - gstreamer1.0-x
pkg - gstreamer1.0-plugins-base
pkg - gstreamer1.0-plugins-good
pkg - gstreamer1.0-plugins-bad
pkg - gstreamer1.0-plugins-ugly
"
requirements_lint='
cmd git git
cmd python3 python3
cmd clang-format clang-format
'

# For tests/foreign: aioquic, or what a venv with it takes (foreign.sh).
foreign_requirement () {
  case $(. /etc/os-release 2>/dev/null && printf '%s' "${ID:-}${VERSION_ID:-}") in
    debian | debian1[3-9]) echo 'pkg - python3-aioquic' ;;
    *) echo 'pkg - python3-venv' ;;
  esac
}
requirements_test="$requirements_demo $requirements_lint
cmd clang clang
pkg - python3-gi
pkg - gir1.2-gstreamer-1.0
pkg - gir1.2-gst-plugins-base-1.0
cmd spin spin
cmd ip iproute2
cmd nft nftables
$(foreign_requirement)
"
requirements_fuzz="$requirements_build
cmd clang clang
pkg - libclang-rt-dev
"
requirements_lab="$requirements_build
cmd ip iproute2
cmd nft nftables
cmd unshare util-linux
cmd nsenter util-linux
cmd mount mount
"

is_there () {
  case $1 in
    cmd) have "$2" || [ -x "/usr/sbin/$2" ] || [ -x "/sbin/$2" ] ;;
    pc) have pkg-config && pkg-config --exists "${2%%>=*} >= ${2#*>=}" ;;
    file) [ -e "$2" ] ;;
    pkg) [ "$(dpkg-query -W -f '${db:Status-Status}' "$3" 2>/dev/null)" = installed ] ;;
  esac
}

# Prints the packages of a set that are missing, one a line.
missing_packages () {
  local set=requirements_$1 kind what package

  printf '%s\n' "${!set}" | tr -s ' ' | sed 's/^ //' |
    while read -r kind what package; do
      [ -n "$kind" ] || continue
      # Without dpkg the package's name is only a hint: its command or module
      # counts, and nothing can be said about the plugins.
      if [ "$kind" = pkg ] && ! have dpkg-query; then
        continue
      fi
      is_there "$kind" "$what" "$package" || printf '%s\n' "$package"
    done | sort -u
}

as_root () {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

apt_get () {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Options::=--force-confold "$@"
}

# backports_entry CODENAME FILE: prints an apt source for the backports of
# CODENAME made from the first entry for CODENAME with main in FILE: the same
# mirror, key and options, whatever they are. Prints nothing when there is none.
backports_entry () {
  case $2 in
    *.sources)
      awk -v code="$1" '
        function has(list, word, n, i, words) {
          n = split(list, words, " ")
          for (i = 1; i <= n; i++) if (words[i] == word) return 1
          return 0
        }
        function flush() {
          if (!done && types && suite && main && !off) { printf "%s", text; done = 1 }
          text = ""; types = suite = main = off = 0
        }
        /^[ \t]*$/ { flush(); next }
        /^#/ { next }
        {
          key = tolower($1); value = $0; sub(/^[^:]*:[ \t]*/, "", value)
          if (key == "types:") { types = has(value, "deb"); $0 = "Types: deb" }
          else if (key == "suites:") { suite = has(value, code); $0 = "Suites: " code "-backports" }
          else if (key == "components:") { main = has(value, "main"); $0 = "Components: main" }
          else if (key == "enabled:") off = tolower(value) ~ /^(no|false|0)/
          text = text $0 "\n"
        }
        END { flush() }' "$2"
      ;;
    *)
      sed -nE "s/^[[:space:]]*deb[[:space:]]+((\[[^]]*\][[:space:]]+)?[^[:space:]]+)[[:space:]]+$1[[:space:]]+([^#]*[[:space:]])?main([[:space:]].*)?\$/deb \1 $1-backports main/p" \
        "$2" | head -n 1
      ;;
  esac
}

apt_source_files () {
  local apt=${1:-/etc/apt} file

  for file in "$apt/sources.list" "$apt"/sources.list.d/*.list \
    "$apt"/sources.list.d/*.sources; do
    [ -f "$file" ] && printf '%s\n' "$file"
  done
}

# Makes the backports suite known to apt, from the mirror already configured.
add_backports () {
  local code=$1 file entry target

  while IFS= read -r file; do
    entry=$(backports_entry "$code" "$file")
    [ -n "$entry" ] || continue
    case $file in
      *.sources) target=/etc/apt/sources.list.d/gst-wzp-backports.sources ;;
      *) target=/etc/apt/sources.list.d/gst-wzp-backports.list ;;
    esac
    printf '%s\n' "$entry" | as_root tee "$target" >/dev/null || return 1
    say "added $target, made from $file"
    if apt_get update; then
      return 0
    fi
    as_root rm -f "$target"
    say "the configured mirror has no $code-backports"
    return 1
  done < <(apt_source_files)
  say "no configured apt source has $code with main in it"
  return 1
}

# Prints the newest ngtcp2 that apt knows of, from any suite.
newest_ngtcp2 () {
  apt-cache madison libngtcp2-dev 2>/dev/null | awk -F'|' '{ gsub (/ /, "", $2); print $2 }' |
    while read -r version; do
      # dpkg's order, by a bubble of one.
      if [ -z "${best:-}" ] || dpkg --compare-versions "$version" gt "$best"; then
        best=$version
        printf '%s\n' "$best"
      fi
    done | tail -n 1
}

# Prints which packages to give to apt-get for the ngtcp2 that is new enough:
# with the suite where the release's own is too old.
ngtcp2_arguments () {
  local code candidate package
  candidate=$(apt-cache policy libngtcp2-dev | sed -n 's/^ *Candidate: //p')
  code=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")

  for package in $NGTCP2_PACKAGES; do
    if dpkg --compare-versions "${candidate:-0}" ge "$NGTCP2_FLOOR"; then
      printf '%s\n' "$package"
    else
      printf '%s/%s-backports\n' "$package" "$code"
    fi
  done
}

ensure_ngtcp2_known () {
  local code newest
  code=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  newest=$(newest_ngtcp2)

  if ! dpkg --compare-versions "${newest:-0}" ge "$NGTCP2_FLOOR"; then
    say "this release has ngtcp2 ${newest:-of no version}; looking into $code-backports"
    add_backports "$code" || return 1
    newest=$(newest_ngtcp2)
  fi
  if ! dpkg --compare-versions "${newest:-0}" ge "$NGTCP2_FLOOR"; then
    say "ngtcp2 $NGTCP2_FLOOR or newer is needed; apt knows ${newest:-none}." \
      "Debian 12 (by backports), Debian 13 and newer have it"
    return 1
  fi
}

install_packages () {
  local wanted=() package ngtcp2=

  for package in "$@"; do
    case " $NGTCP2_PACKAGES " in
      *" $package "*) ngtcp2=yes ;;
      *) wanted+=("$package") ;;
    esac
  done
  if [ -n "$ngtcp2" ]; then
    ensure_ngtcp2_known || return 1
    mapfile -t -O "${#wanted[@]}" wanted < <(ngtcp2_arguments)
  fi
  apt_get install --no-install-recommends "${wanted[@]}"
}

# need_packages SET: see to it that all of requirements_SET is there.
need_packages () {
  local missing

  mapfile -t missing < <(missing_packages "$1")
  [ ${#missing[@]} -gt 0 ] || return 0

  if ! have apt-get; then
    die "missing, by their Debian names: ${missing[*]}"
  fi
  if [ "$(id -u)" -ne 0 ]; then
    have sudo || die "run as root, or first: apt-get install ${missing[*]}"
    # Asks for the password here, where it can be seen.
    sudo -v || die "sudo is needed to install: ${missing[*]}"
  fi
  step apt-update 'apt-get update' apt_get update ||
    die 'apt-get update failed'
  step apt-install "installing ${#missing[@]} packages and what they need" \
    install_packages "${missing[@]}" || die 'cannot install what is missing'

  mapfile -t missing < <(missing_packages "$1")
  [ ${#missing[@]} -eq 0 ] || die "still missing: ${missing[*]}"
}
