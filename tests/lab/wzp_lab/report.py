"""Results as lines, tables and a last word."""

import json
import math

from . import scenarios


def load(paths):
    results = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            results += json.load(file)["runs"]
    return results


def percentile(values, share):
    """By the nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values):
    """Median, p95 and largest of milliseconds."""
    values = [v for v in values if v is not None]
    if not values:
        return "–"
    return "%.0f / %.0f / %.0f" % (percentile(values, 0.5),
                                   percentile(values, 0.95), max(values))


def _sides(result):
    return [result[s] for s in ("a", "b") if isinstance(result.get(s), dict)]


def _worst(result, name):
    values = [side.get(name) for side in _sides(result)]
    return max(values) if values and None not in values else None


def heard_ms(result):
    """Until both have heard the other."""
    return _worst(result, "heard_ms")


def direct_ms(result):
    return _worst(result, "direct_ms")


def gaps_ms(result):
    """Of each step: the longer of both sides' waits."""
    return [(gap["do"], max(gap["gap_ms"].values())) for gap in
            result.get("gaps", []) if gap["gap_ms"]]


def _ms(value):
    return "–" if value is None else "%.0f" % value


def line(result, done, total):
    if result["verdict"] == "lab":
        text = "LAB: " + "; ".join(result["why"])
    else:
        text = "%s  heard %5s  direct %5s" % (
            result.get("path", "-"), _ms(heard_ms(result)),
            _ms(direct_ms(result)))
        for do, gap in gaps_ms(result):
            text += "  %s: gap %.0f" % (do, gap)
        if result["verdict"] != "reached":
            text += "  " + result["verdict"].upper() + (
                ": " + "; ".join(result["why"]) if result["why"] else "")
    return "%4d/%d  %-36s %s %s" % (done, total, result["name"],
                                    result.get("expect", " "), text)


def _rows(results):
    order = [s.name for s in scenarios.all_scenarios()]
    rows = {}
    for result in results:
        rows.setdefault(result["scenario"], []).append(result)
    return sorted(rows.items(), key=lambda item: order.index(item[0]))


def _paths(results):
    counts = {}
    for result in results:
        path = result.get("path", "?")
        counts[path] = counts.get(path, 0) + 1
    return " ".join("%s %d" % (path, n) if len(counts) > 1 else path
                    for path, n in sorted(counts.items()))


def _cells(results):
    cells = {}
    for result in results:
        if scenarios.find(result["scenario"]).group == "matrix":
            cells.setdefault(result["scenario"], []).append(result)
    return cells


def _grid(cell_text):
    """A table of the kinds against each other; cell_text of each name."""
    out = ["| A \\ B | " + " | ".join(scenarios.ORDER) + " |",
           "|---" * (len(scenarios.ORDER) + 1) + "|"]
    for i, x in enumerate(scenarios.ORDER):
        row = [cell_text("%s-%s" % (x, y)) if j >= i else ""
               for j, y in enumerate(scenarios.ORDER)]
        out.append("| **%s** | %s |" % (x, " | ".join(row)))
    return "\n".join(out) + "\n"


def matrix(results):
    """How many of the runs of each cell came to direct."""
    cells = _cells(results)

    def text(name):
        runs = cells.get(name)
        if not runs:
            return ""
        direct = sum(1 for r in runs if r.get("path") == "D")
        bad = sum(1 for r in runs if r["verdict"] in ("failed", "lab"))
        return "%s %d/%d%s" % (scenarios.find(name).expect, direct, len(runs),
                               " %d!" % bad if bad else "")

    return _grid(text) if cells else ""


def times(results):
    """Median and p95 of each cell: first media, and direct where it was."""
    cells = _cells(results)

    def text(name):
        runs = cells.get(name, [])
        parts = []
        for of in (heard_ms, direct_ms):
            values = [v for v in map(of, runs) if v is not None]
            if values:
                parts.append("%.0f/%.0f" % (percentile(values, 0.5),
                                            percentile(values, 0.95)))
        return ", ".join(parts)

    return _grid(text) if cells else ""


def by_skew(results):
    """Of all cells together, by the path that it came to and the skew."""
    groups = {}
    for result in results:
        if result.get("group") == "matrix" and result.get("path") in "DR":
            key = (result["path"], abs(result["skew"]))
            groups.setdefault(key, []).append(result)
    if not groups:
        return ""
    out = ["| path | skew ms | runs | first media ms | direct ms |",
           "|---|---|---|---|---|"]
    for (path, skew), runs in sorted(groups.items()):
        out.append("| %s | %s | %d | %s | %s |" % (
            {"D": "direct", "R": "relay"}[path],
            "±%d" % skew if skew else "0", len(runs),
            spread(map(heard_ms, runs)),
            spread(map(direct_ms, runs)) if path == "D" else ""))
    return "\n".join(out) + "\n"


def _lost(result, index):
    lost = result["gaps"][index]["lost"]
    return max(lost.values()) if lost else None


def gaps(results):
    """Of the scenarios in which something happens: how long nothing came."""
    out = []
    for name, runs in _rows(results):
        scenario = scenarios.find(name)
        runs = [r for r in runs if r.get("gaps")]
        for i, step in enumerate(s for s in scenario.steps
                                 if s.when == "media"):
            these = [r for r in runs if len(r["gaps"]) > i]
            if not these:
                continue
            out.append("| %s | %s | %d | %s | %s | %s | %s |" % (
                name, step.do.replace("_", " "), len(these),
                spread(gaps_ms(r)[i][1] for r in these),
                "≤ %.0f p95" % scenario.gap_limit_ms
                if scenario.gap_limit_ms else "",
                spread(_lost(r, i) for r in these), _paths(these)))
    if not out:
        return ""
    return "\n".join(["| scenario | what | runs | gap ms | target | frames "
                      "lost | came to |", "|---|---|---|---|---|---|---|",
                      *out]) + "\n"


def traffic(results):
    """Bytes of UDP sent for a byte of media."""
    out = []
    for name, runs in _rows(results):
        paths = {}
        for result in runs:
            for side in _sides(result):
                for path, share in side.get("traffic", {}).items():
                    paths.setdefault(path, []).append(share)
        for path, shares in sorted(paths.items()):
            out.append("| %s | %s | %d | %.3f |" % (
                name, path, len(shares), percentile(shares, 0.5)))
    return "\n".join(["| scenario | path | sides | bytes sent for a byte of "
                      "media |", "|---|---|---|---|", *out]) + "\n" \
        if out else ""


def one_by_one(results):
    out = ["| scenario | runs | expected | came to | rules kept | first media "
           "ms | direct ms | longest gap ms | different paths ms |",
           "|---|---|---|---|---|---|---|---|---|"]
    for name, runs in _rows(results):
        if runs[0].get("group") == "matrix":
            continue
        well = [r for r in runs if r["verdict"] in ("reached", "not reached")]
        out.append("| %s | %d | %s | %s | %d | %s | %s | %s | %s |" % (
            name, len(runs), scenarios.find(name).expect, _paths(runs),
            len(well), spread(map(heard_ms, runs)),
            spread(map(direct_ms, runs)),
            spread(_worst(r, "gap_ms") for r in runs),
            spread(r.get("apart_ms") for r in runs)))
    return "\n".join(out) + "\n" if len(out) > 2 else ""


def tables(results):
    parts = [matrix(results), times(results), by_skew(results),
             gaps(results), traffic(results), one_by_one(results),
             "Of three figures: median / p95 / largest."]
    return "\n".join(part for part in parts if part)


def close(results, strict):
    """The last line, and the exit code."""
    counts = {}
    for result in results:
        counts[result["verdict"]] = counts.get(result["verdict"], 0) + 1
    missed = counts.get("not reached", 0)
    failed = counts.get("failed", 0) + counts.get("lab", 0)
    if missed:
        print("%d runs came to the relay where the design says direct" %
              missed)
    if strict:
        failed += missed
    print("%d passed, %d failed" % (len(results) - failed, failed))
    return 1 if failed else 0
