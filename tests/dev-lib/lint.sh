# Sourced by ./dev: what can be said about the files without building them.
# Each check is a function that prints what is wrong and returns non-zero; 77
# with a word on why means: not checked here.

CLANG_FORMAT_MAJOR=14

check_layers () { sh tests/check-layers.sh; }

check_layers_self_test () { sh tests/check-layers.sh --self-test; }

check_backports () { bash tests/dev-lib/test-backports.sh; }

check_counting () { python3 tests/dev-lib/count.py --self-test; }

check_format () {
  local major
  major=$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/')
  if [ "$major" != $CLANG_FORMAT_MAJOR ]; then
    echo "clang-format $major is installed, the code is formatted by" \
      "$CLANG_FORMAT_MAJOR, and they differ"
    return 77
  fi
  list_files '*.c' | xargs -r clang-format --dry-run -Werror
}

# Prints the lines that match in the project's text files; fails if there are any.
must_not_match () {
  ! list_files | grep -vE '\.(png|svg|bin)$|^tests/fuzz/corpus/|^COPYING$' |
    grep -vxF tests/dev-lib/lint.sh |
    tr '\n' '\0' | xargs -0 -r grep -nIE "$@" /dev/null
}

check_white_space () { must_not_match '[[:blank:]]+$'; }

check_end_of_file () {
  local bad=0 file
  while IFS= read -r file; do
    if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then
      echo "$file: no newline at its end"
      bad=1
    fi
  done < <(list_files '*.c' '*.h' '*.sh' '*.py' '*.md' '*.build' dev .ci/run)
  return $bad
}

check_sizes () {
  list_files '*.c' '*.h' '*.py' '*.sh' | tr '\n' '\0' | xargs -0 -r wc -l |
    awk '$2 != "total" && $1 > 800 { print $2 ": " $1 " lines, split it at 800"; bad = 1 }
      END { exit bad }'
}

check_shell () {
  local bad=0 file
  while IFS= read -r file; do
    case $(head -n 1 "$file") in
      '#!'*bash*) bash -n "$file" || bad=1 ;;
      '#!'*/sh*) sh -n "$file" || bad=1 ;;
      *) case $file in *.sh) bash -n "$file" || bad=1 ;; esac ;;
    esac
  done < <(list_files dev .ci/run '*.sh' 'tests/*/run' 'tests/*/smoke')
  return $bad
}

check_python () {
  list_files '*.py' | tr '\n' '\0' |
    xargs -0 -r python3 -c 'import ast, sys
for path in sys.argv[1:]:
    ast.parse(open(path, encoding="utf-8").read(), path)'
}

# Paths that exist on one machine only.
check_paths () {
  must_not_match '(^|[^[:alnum:]_./-])/(work|root|var/tmp)/'
}

# Hosts of package mirrors: the well-known ones, and those of this machine.
check_mirrors () {
  local hosts
  hosts=$(apt_source_files | tr '\n' '\0' | xargs -0 -r grep -hoE '[a-z+]+://[^/ ]+' 2>/dev/null |
    sed 's|.*://||; s|.*@||; s|:[0-9]*$||; s/\./\\./g' | sort -u | paste -sd '|')
  must_not_match "(deb|security|ftp|snapshot|archive|httpredir)\.(debian|ubuntu)\.(org|com)|pypi\.org|pythonhosted\.org|pkg\.dev${hosts:+|$hosts}"
}

check_links () { python3 tests/dev-lib/links.py; }

LINT_CHECKS='
layers: a layer includes only what is below it
layers_self_test: the layer check finds each kind of violation
backports: backports are derived from a configured mirror
counting: test results are counted right
format: clang-format
white_space: no white space at the end of a line
end_of_file: a newline at the end of each file
sizes: no file over 800 lines
shell: shell syntax
python: Python syntax
paths: no path of one machine
mirrors: no name of a package mirror
links: links in the documents lead somewhere
'

# Runs all checks; adds to the counters of stages.sh.
lint_all () {
  local name text output rc

  mkdir -p "$LOG_DIR"
  while IFS=: read -r name text; do
    [ -n "$name" ] || continue
    output=$("check_$name" 2>&1 </dev/null)
    rc=$?
    case $rc in
      0) PASSED=$((PASSED + 1)) ;;
      77)
        SKIPPED=$((SKIPPED + 1))
        say "  skipped:${text}: $output"
        ;;
      *)
        FAILED=$((FAILED + 1))
        say "  FAILED:$text"
        printf '%s\n' "$output" | head -n 40 | sed 's/^/    /'
        ;;
    esac
  done <<<"$LINT_CHECKS"
}

run_lint () {
  PASSED=0 FAILED=0 SKIPPED=0
  need_packages lint
  lint_all
  summary_line
  [ "$FAILED" -eq 0 ]
}

run_format () {
  need_packages lint
  case $(clang-format --version) in
    *"version $CLANG_FORMAT_MAJOR."*) ;;
    *) say "note: the code is formatted by clang-format $CLANG_FORMAT_MAJOR;" \
      "this is $(clang-format --version)" ;;
  esac
  list_files '*.c' | tr '\n' '\0' | xargs -0 -r clang-format -i
}

run_doc () {
  local file

  check_links || exit 1
  if ! have dot; then
    say 'links: all lead somewhere; graphviz is not installed, no picture drawn'
    return 0
  fi
  while IFS= read -r file; do
    step "dot-$(basename "$file" .dot)" "drawing ${file%.dot}.svg" \
      dot -Tsvg "$file" -o "${file%.dot}.svg" || exit 1
  done < <(list_files 'docs/*.dot')
  say "links and pictures are in order"
}
