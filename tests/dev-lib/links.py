"""Checks that the relative links of the Markdown files lead somewhere.

A link to a heading (`file.md#some-heading`) must name one that exists.
Addresses with a scheme are left alone: nothing here asks the network.
"""

import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
FENCE = re.compile(r"^(```|~~~)")
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def markdown_files():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", "*.md"],
        capture_output=True, text=True, check=True).stdout
    return [pathlib.Path(line) for line in listed.splitlines()
            if pathlib.Path(line).is_file()]


def prose_lines(path):
    """Yields (number, line) outside code blocks, without code spans."""
    in_fence = False
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if FENCE.match(line.strip()):
            in_fence = not in_fence
        elif not in_fence:
            yield number, re.sub(r"`[^`]*`", "", line)


def anchors(path):
    """The names that a forge gives to the headings of a file."""
    names = set()
    in_fence = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if FENCE.match(line.strip()):
            in_fence = not in_fence
        match = None if in_fence else re.match(r"^#+\s+(.*?)\s*#*$", line)
        if match:
            text = re.sub(r"[^\w\- ]", "", match.group(1).lower())
            names.add(text.replace(" ", "-"))
    return names


def problem(source, link):
    """Says what is wrong with a link, or None."""
    if SCHEME.match(link):
        return None
    target, _, anchor = link.partition("#")
    path = source.parent / target if target else source
    if not path.exists():
        return f"{link}: no such file"
    if anchor and path.suffix == ".md" and anchor not in anchors(path):
        return f"{link}: no such heading"
    return None


def main():
    bad = 0
    for source in markdown_files():
        for number, line in prose_lines(source):
            for link in LINK.findall(line):
                said = problem(source, link)
                if said:
                    print(f"{source}:{number}: {said}")
                    bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
