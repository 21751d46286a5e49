# Sourced by ./dev: libFuzzer.

# fuzz_target PROGRAM SECONDS: new inputs go to build-fuzz/corpus, beside the
# project's own corpus, which is read; what breaks the target is kept there too.
fuzz_target () {
  local program=$1 name found seconds=$2
  name=$(basename "$program")
  found=build-fuzz/corpus/$name

  mkdir -p "$found"
  step "fuzz-$name" "$name for $seconds s" "$program" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$found/" "$found" $(fuzz_corpus "$name")
}

# The folder with the corpus of a target: tests/fuzz/corpus/uri for fuzz-uri.
fuzz_corpus () {
  local dir=tests/fuzz/corpus/${1#fuzz-}
  if [ -d "$dir" ]; then
    printf '%s' "$dir"
  fi
}

run_fuzz () {
  local only= seconds=60 source target targets=() failed=0

  case ${1:-} in
    '') ;;
    *[!0-9]*) only=${1#fuzz-} seconds=${2:-60} ;;
    *) seconds=$1 ;;
  esac
  for source in tests/fuzz/fuzz-*.c; do
    target=${source%.c}
    case $target in
      */fuzz-driver | *'*') ;;
      */fuzz-"${only:-${target##*/fuzz-}}") targets+=("$target") ;;
    esac
  done
  [ ${#targets[@]} -gt 0 ] || die "no fuzz target ${only:+fuzz-$only }in tests/fuzz"

  need_packages fuzz
  CC=clang configure build-fuzz -Dfuzzer=true -Dc_args=-fsanitize=fuzzer-no-link \
    -Db_sanitize=address,undefined -Db_lundef=false || exit 1
  step ninja-fuzz 'building the fuzz targets' \
    ninja -C build-fuzz "${targets[@]}" || exit 1
  for target in "${targets[@]}"; do
    fuzz_target "build-fuzz/$target" "$seconds" || failed=$((failed + 1))
  done
  say "${#targets[@]} targets, $failed found something"
  [ $failed -eq 0 ]
}
