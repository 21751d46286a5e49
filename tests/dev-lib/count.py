"""Counts what meson's tests said: `count.py TESTLOG.json` prints "PASSED FAILED
SKIPPED" and then one line for each failure.

A program that speaks TAP counts for each of its test points (those of a
subtest instead of the subtest's own line), one that prints check's summary
("100%: Checks: 5, Failures: 0, Errors: 0") for each check, any other for one.
A program that ended badly without a failed point counts as one failure more.
"""

import json
import re
import sys

POINT = re.compile(r"^(\s*)(not )?ok\b(.*)$")
DIRECTIVE = re.compile(r"#\s*(SKIP|TODO)\b", re.IGNORECASE)
CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)
GOOD = ("OK", "EXPECTEDFAIL")


def count_tap(text):
    """Returns (passed, [failed names], skipped)."""
    passed, failed, skipped = 0, [], 0
    deepest = []  # indentations with points that no parent has summed up yet
    for line in text.splitlines():
        match = POINT.match(line)
        if not match:
            continue
        indent = len(match.group(1))
        is_summary = any(deeper > indent for deeper in deepest)
        deepest = [d for d in deepest if d <= indent] + [indent]
        if is_summary:
            continue
        directive = DIRECTIVE.search(match.group(3))
        if directive:
            skipped += 1
        elif match.group(2):
            failed.append(match.group(3).strip())
        else:
            passed += 1
    return passed, failed, skipped


def count_test(entry):
    """Returns (passed, [failed names], skipped) of one line of the log."""
    name, result = entry["name"], entry["result"]
    text = entry.get("stdout") or ""
    if result == "SKIP" and not POINT.search(text):
        return 0, [], 1
    # Only these know points: any other program may print "ok" as it likes.
    if re.search(r"^(TAP version|\d+\.\.\d+)", text, re.M):
        passed, failed, skipped = count_tap(text)
    else:
        passed, failed, skipped = 0, [], 0
        for checks, failures, errors in CHECK.findall(text):
            bad = int(failures) + int(errors)
            passed += int(checks) - bad
            failed += ["a check"] * bad
        if not passed and not failed and result in GOOD:
            passed = 1
    if result not in GOOD + ("SKIP",) and not failed:
        failed.append(f"{result.lower()}, exit code {entry.get('returncode')}")
    return passed, [f"{name}: {what}" for what in failed], skipped


def count_log(lines):
    passed, failed, skipped = 0, [], 0
    for line in lines:
        if line.strip():
            good, bad, left = count_test(json.loads(line))
            passed, failed, skipped = passed + good, failed + bad, skipped + left
    return passed, failed, skipped


def self_test():
    def entry(result, stdout, code=0):
        return {"name": "t", "result": result, "stdout": stdout, "returncode": code}

    flat = "1..3\nok 1 /a\nnot ok 2 /b\nok 3 /c # SKIP no v6\n"
    nested = ("TAP version 13\n# Subtest: x\n    ok 1 /x/a\n    not ok 2 /x/b\n"
              "    1..2\nnot ok 1 x\nok 2 y\n1..2\n")
    cases = [
        (entry("OK", "1..1\nok 1 /a\n"), (1, 0, 0)),
        (entry("FAIL", flat), (1, 1, 1)),
        (entry("FAIL", nested), (2, 1, 0)),
        (entry("ERROR", "1..2\nok 1 /a\n", -6), (1, 1, 0)),
        (entry("TIMEOUT", "1..2\n", -9), (0, 1, 0)),
        (entry("SKIP", "1..0 # SKIP no network\n"), (0, 0, 1)),
        (entry("OK", "anything\nok then\n"), (1, 0, 0)),
        (entry("EXPECTEDFAIL", "", 66), (1, 0, 0)),
        (entry("UNEXPECTEDPASS", ""), (0, 1, 0)),
        (entry("OK", "100%: Checks: 5, Failures: 0, Errors: 0\n"), (5, 0, 0)),
        (entry("FAIL", "60%: Checks: 5, Failures: 1, Errors: 1\n", 2), (3, 2, 0)),
        (entry("FAIL", "", 1), (0, 1, 0)),
    ]
    bad = 0
    for given, expected in cases:
        passed, failed, skipped = count_test(given)
        if (passed, len(failed), skipped) != expected:
            print(f"{given}: counted {passed}, {failed}, {skipped}, not {expected}")
            bad = 1
    return bad


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        passed, failed, skipped = count_log(log)
    print(passed, len(failed), skipped)
    for name in failed:
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
