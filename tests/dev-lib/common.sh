# Sourced by ./dev: words on the terminal, steps with their time and log.

LOG_DIR=build/log

say () { printf '%s\n' "$*"; }

die () {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The last lines of a log, indented, and where the rest is. A compiler's
# command line is longer than anyone reads.
show_log () {
  tail -n 30 "$1" | cut -c 1-300 | sed 's/^/    /'
  say "    (all of it: $1)"
}

# Waits for a process; on a terminal its elapsed time and ninja's "[3/80]" are
# kept on the line. Returns the process's exit code.
watch_process () {
  local pid=$1 text=$2 log=$3 start=$SECONDS

  if [ -t 1 ]; then
    while kill -0 "$pid" 2>/dev/null; do
      printf '\r  %-56s %4d s  %-12s' "$text" $((SECONDS - start)) \
        "$(tail -c 400 "$log" | grep -o '\[[0-9]*/[0-9]*\]' | tail -n 1)"
      sleep 0.5
    done
    printf '\r%80s\r' ''
  else
    printf '  %-56s' "$text"
  fi
  wait "$pid"
}

# quiet_step NAME TEXT COMMAND...: runs a command with its output in
# build/log/NAME.log; one line with the seconds it took. Returns its exit code.
quiet_step () {
  local text=$2 log=$LOG_DIR/$1.log start=$SECONDS pid rc word=
  shift 2

  mkdir -p "$LOG_DIR"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  # A background process of a script does not see the terminal's interrupt.
  trap 'kill -TERM "$pid" 2>/dev/null; exit 130' INT TERM
  watch_process "$pid" "$text" "$log"
  rc=$?
  trap - INT TERM
  [ -t 1 ] && printf '  %-56s' "$text"
  [ $rc -eq 0 ] || word='  FAILED'
  printf ' %4d s%s\n' $((SECONDS - start)) "$word"
  return $rc
}

# The same, and on failure the log's tail is shown.
step () {
  quiet_step "$@" && return
  local rc=$?
  show_log "$LOG_DIR/$1.log"
  return $rc
}

have () { command -v "$1" >/dev/null 2>&1; }

# The project's own files, one a line: what git knows and what it would take.
list_files () {
  git ls-files -co --exclude-standard -- "$@" 2>/dev/null |
    while IFS= read -r file; do
      [ -f "$file" ] && printf '%s\n' "$file"
    done
}
