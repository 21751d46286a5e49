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


def matrix(results):
    """How many of the runs of each cell came to direct."""
    cells = {}
    for result in results:
        scenario = scenarios.find(result["scenario"])
        if scenario.group == "matrix":
            cells.setdefault(scenario.name, []).append(result)
    if not cells:
        return ""
    out = ["| A \\ B | " + " | ".join(scenarios.ORDER) + " |",
           "|---" * (len(scenarios.ORDER) + 1) + "|"]
    for i, x in enumerate(scenarios.ORDER):
        row = []
        for j, y in enumerate(scenarios.ORDER):
            runs = cells.get("%s-%s" % (x, y), []) if j >= i else None
            if runs is None:
                row.append("")
            elif not runs:
                row.append("?")
            else:
                direct = sum(1 for r in runs if r.get("path") == "D")
                bad = sum(1 for r in runs if r["verdict"] in ("failed", "lab"))
                row.append("%s %d/%d%s" % (scenarios.expected(x, y)[0], direct,
                                           len(runs), " !" if bad else ""))
        out.append("| %s | %s |" % (x, " | ".join(row)))
    return "\n".join(out) + "\n"


def one_by_one(results):
    out = ["| scenario | runs | expected | came to | kept the rules | first "
           "media ms | direct ms | gap ms | on different paths ms |",
           "|---|---|---|---|---|---|---|---|---|"]
    for name, runs in _rows(results):
        well = [r for r in runs if r["verdict"] in ("reached", "not reached")]
        steps = {}
        for result in runs:
            for do, gap in gaps_ms(result):
                steps.setdefault(do, []).append(gap)
        gaps = "; ".join("%s %s" % (do, spread(v)) if len(steps) > 1
                         else spread(v) for do, v in steps.items())
        out.append("| %s | %d | %s | %s | %d/%d | %s | %s | %s | %s |" % (
            name, len(runs), scenarios.find(name).expect, _paths(runs),
            len(well), len(runs), spread(heard_ms(r) for r in runs),
            spread(direct_ms(r) for r in runs), gaps,
            spread(r.get("apart_ms") for r in runs)))
    return "\n".join(out) + "\n"


def tables(results):
    parts = [matrix(results), one_by_one(results),
             "Times are median / p95 / largest."]
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
