# Sourced by ./dev: the stages of `./dev test`, each counted.

PASSED=0
FAILED=0
SKIPPED=0

# The last line is for programs to read too: it has always the same form.
summary_line () {
  [ "$SKIPPED" -eq 0 ] || say "$SKIPPED skipped"
  say "$PASSED passed, $FAILED failed"
}

fail_stage () {
  FAILED=$((FAILED + 1))
  say "  FAILED: $*"
}

skip_stage () {
  SKIPPED=$((SKIPPED + 1))
  say "  skipped: $*"
}

# Adds what meson's log of a build folder says to the counters. $2: meson's
# exit code, which is a failure even if no test in the log is.
count_tests () {
  local log counted passed failed skipped

  # A wrapper's name is put into the file's name: testlog-env.json.
  log=$(find "$1/meson-logs" -name 'testlog*.json' -size +0 2>/dev/null | head -n 1)
  if [ -z "$log" ]; then
    fail_stage "no test ran in $1"
    return
  fi
  counted=$(python3 tests/dev-lib/count.py "$log") || {
    fail_stage "cannot read $log"
    return
  }
  read -r passed failed skipped <<<"$counted"
  [ "$failed" -eq 0 ] && [ "$2" -ne 0 ] && failed=1
  PASSED=$((PASSED + passed))
  FAILED=$((FAILED + failed))
  SKIPPED=$((SKIPPED + skipped))
  say "    $passed passed, $failed failed, $skipped skipped"
  if [ "$failed" -gt 0 ]; then
    printf '%s\n' "$counted" | tail -n +2 | sed 's/^/    FAILED: /'
    say "    (what they printed: ${log%.json}.txt)"
  fi
}

# build_stage DIR TEXT [MESON OPTION...]: sets up and builds; counts as one test.
build_stage () {
  local dir=$1 text=$2
  shift 2

  if configure "$dir" "$@" &&
    step "ninja-${dir#build-}" "$text" ninja -C "$dir"; then
    PASSED=$((PASSED + 1))
    return 0
  fi
  fail_stage "$text"
  return 1
}

# test_stage DIR TEXT [MESON TEST ARGUMENT...]: runs tests of a folder that is built.
test_stage () {
  local dir=$1 text=$2
  shift 2

  rm -f "$dir"/meson-logs/testlog*
  quiet_step "test-${dir#build-}" "$text" meson test -C "$dir" \
    --no-rebuild --no-stdsplit --logbase testlog --print-errorlogs "$@"
  count_tests "$dir" $?
}

# Tells whether a program built with these flags runs here: $1 a name, the
# rest the flags; PROBE_PREFIX is put before the program.
probe () {
  local program=$LOG_DIR/probe-$1
  shift

  printf 'int main (void) { return 0; }\n' >"$program.c"
  gcc "$@" -o "$program" "$program.c" >"$program.log" 2>&1 &&
    ${PROBE_PREFIX:-} "$program" >>"$program.log" 2>&1
}

stage_gcc () {
  build_stage build-gcc 'gcc -Werror' -Dwerror=true || return
  test_stage build-gcc 'all tests' --no-suite lint
}

stage_clang () {
  CC=clang build_stage build-clang 'clang -Werror' -Dwerror=true
}

# AddressSanitizer, LeakSanitizer, UndefinedBehaviorSanitizer.
stage_asan () {
  local leaks=1

  build_stage build-asan 'AddressSanitizer, UndefinedBehaviorSanitizer' \
    -Db_sanitize=address,undefined -Db_lundef=false || return
  if ! ASAN_OPTIONS=detect_leaks=1 probe asan -fsanitize=address; then
    leaks=0
    skip_stage "leaks: LeakSanitizer cannot run here (it needs ptrace)"
  fi
  # GStreamer's plugin scanner is a program without the sanitizer and could
  # not load the plugin: no fork for it.
  ASAN_OPTIONS=detect_leaks=$leaks:halt_on_error=1:strict_string_checks=1 \
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0 \
    GST_REGISTRY_FORK=no WZP_TEST_SLOWER=4 \
    test_stage build-asan 'all tests under both' --no-suite lint -t 4
}

# ThreadSanitizer over what has threads of ours. Not over the elements: their
# tests load every plugin of the system into the same process.
stage_threads () {
  local prefix= shim

  mkdir -p "$LOG_DIR"
  if ! probe tsan -fsanitize=thread; then
    # Too much address space randomisation for its memory layout.
    prefix="setarch $(uname -m) -R"
    if ! PROBE_PREFIX=$prefix probe tsan -fsanitize=thread; then
      skip_stage "threads: ThreadSanitizer cannot run here: $(tail -n 1 "$LOG_DIR/probe-tsan.log")"
      return
    fi
  fi
  build_stage build-tsan 'ThreadSanitizer' \
    -Db_sanitize=thread -Db_lundef=false || return
  shim=$PWD/build-tsan/tests/support/libtsan-shim.so
  TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp exitcode=66 history_size=4" \
    GST_REGISTRY_FORK=no WZP_TEST_SLOWER=8 \
    test_stage build-tsan 'the integration tests, and those of session and quic' \
    --suite integration --suite session --suite quic -t 8 --wrapper "${prefix:+$prefix }env LD_PRELOAD=$shim"
}

stage_lab () {
  [ -x tests/lab/run ] || return 0
  need_packages lab
  configure build && build build || {
    fail_stage 'the build for the lab'
    return
  }
  quiet_step lab-smoke 'NAT lab, the short round' tests/lab/run --smoke
  case $? in
    0) PASSED=$((PASSED + 1)) ;;
    77) skip_stage "NAT lab: $(tail -n 1 "$LOG_DIR/lab-smoke.log")" ;;
    *)
      fail_stage 'NAT lab, the short round'
      show_log "$LOG_DIR/lab-smoke.log"
      ;;
  esac
}

# The tests whose name matches a pattern, in build/.
test_matching () {
  local names

  configure build && build build || exit 1
  mapfile -t names < <(meson test -C build --list 2>/dev/null |
    sed 's/^.* \/ //' | grep -E -- "$1" | sort -u)
  [ ${#names[@]} -gt 0 ] || die "no test matches $1; all: meson test -C build --list"
  test_stage build "tests that match $1" "${names[@]}"
}

run_test () {
  case ${1:-} in
    -*) [ "$1" = --quick ] || die "./dev test knows --quick, not $1" ;;
  esac
  need_packages test
  ensure_foreign
  case ${1:-} in
    '' | --quick)
      say 'lint'
      lint_all
      say 'gcc'
      stage_gcc
      ;;
    *) test_matching "$1" ;;
  esac
  if [ -z "${1:-}" ]; then
    say 'clang'
    stage_clang
    say 'memory and undefined behaviour'
    stage_asan
    say 'threads'
    stage_threads
    stage_lab
  fi
  summary_line
  [ "$FAILED" -eq 0 ]
}
