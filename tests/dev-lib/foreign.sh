# Sourced by ./dev: what the peer of another make in tests/foreign needs, the QUIC
# library aioquic. Debian has it from 13 on (packages.sh); elsewhere it comes from
# PyPI into a venv under the build folder.

FOREIGN_VENV=build/foreign-venv

has_aioquic () { have "$1" && "$1" -c 'import aioquic, cryptography' 2>/dev/null; }

# A Python of this machine need not have venv.
make_foreign_venv () {
  local python

  for python in python3 /usr/bin/python3; do
    if "$python" -m venv --clear "$FOREIGN_VENV"; then
      "$FOREIGN_VENV/bin/python" -m pip install --disable-pip-version-check \
        'aioquic>=1.2,<2' cryptography
      return
    fi
  done
  return 1
}

# Without it the tests say that they are skipped, or fail where CI is set.
ensure_foreign () {
  local python

  for python in "$FOREIGN_VENV/bin/python" python3 /usr/bin/python3; do
    has_aioquic "$python" && return
  done
  step foreign-venv "aioquic from PyPI into $FOREIGN_VENV" make_foreign_venv ||
    say "  no aioquic: the tests of the foreign peer cannot run"
}
