"""A picture of what happened in a call: the timelines that both sides wrote
(WZP_TIMELINE_DIR, timeline-location), under each other on one axis of time."""

import argparse
import json
import sys

from . import svg

ZOOM_S = 1.0            # the first panel, where the call is longer
LEAD_S = 0.3            # what came before the race
SAME_CLOCK_US = 50000   # two machines' clocks do not agree so well
MAX_TARGETS = 10        # rows of candidates a side
MAX_LABEL = 90          # characters

LEGEND = (
    ("mark sent", "punch, GO, NOMINATE sent"),
    ("mark heard", "the same, heard"),
    ("bar dial", "dial"),
    ("bar link", "connection is up"),
    ("bar relay", "sends by the relay"),
    ("bar direct", "sends directly"),
    ("bar suspect", "suspect"),
    ("bar gap", "no media for over 100 ms"),
)


class TimelineError(Exception):
    pass


class Side:
    """One file. Times in seconds on the picture's axis, see align()."""

    def __init__(self, data, name):
        if not isinstance(data, dict) or data.get("version") != 1 or \
                not isinstance(data.get("events"), list):
            raise TimelineError("%s is no timeline" % name)
        self.data = data
        self.role = str(data.get("role", "?"))
        self.events = [dict(event) for event in data["events"]
                       if isinstance(event, dict)]
        for event in self.events:
            if not isinstance(event.get("t"), (int, float)) or \
                    not isinstance(event.get("e"), str):
                raise TimelineError("%s has an event without time or kind" %
                                    name)

    def shift(self, us):
        for event in self.events:
            event["s"] = (event["t"] + us) / 1e6
            if "until" in event:
                event["until_s"] = (event["until"] + us) / 1e6
            event["took_s"] = event.get("took", 0) / 1e6

    def of(self, *kinds):
        return [event for event in self.events if event["e"] in kinds]

    def title(self):
        nat = self.data.get("nat")
        own = ["%s %s" % (event.get("type", ""), event.get("addr", ""))
               for event in self.of("local-candidate")]
        text = self.role + (", NAT: %s" % nat if nat else "")
        return text + (" – own candidates: " + ", ".join(own) if own else "")


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return Side(json.load(file), path)
    except (OSError, ValueError) as error:
        raise TimelineError("%s: %s" % (path, error)) from error


def align(sides):
    """Both on one axis that begins with the first race. On one machine by
    CLOCK_MONOTONIC, which nobody sets; else by the wall clocks."""
    boots = [side.data.get("began", 0) - side.data.get("monotonic", 0)
             for side in sides]
    same = max(boots) - min(boots) < SAME_CLOCK_US
    clock = "monotonic" if same else "began"
    begins = [side.data.get(clock, 0) for side in sides]
    races = [begin + event["t"] for side, begin in zip(sides, begins)
             for event in side.of("race")[:1]]
    zero = min(races or begins)
    for side, begin in zip(sides, begins):
        side.shift(begin - zero)
    return same


def spans(side, begin, end, path):
    """[(from, to)] between these kinds of events of a path."""
    found, since = [], None
    for event in side.events:
        if event.get("path") != path and event["e"] != "end":
            continue
        if event["e"] == begin and since is None:
            since = event["s"]
        elif event["e"] in end + ("end",) and since is not None:
            found.append((since, event["s"]))
            since = None
    if since is not None and side.events:
        found.append((since, side.events[-1]["s"]))
    return found


def sending(side, path):
    found, since = [], None
    for event in side.of("path", "end"):
        if since is not None:
            found.append((since, event["s"]))
        since = event["s"] if event.get("path") == path else None
    if since is not None:
        found.append((since, side.events[-1]["s"]))
    return found


def dials(side):
    """[(target, from, to, outcome, why)]; target "relay" or an address."""
    found, open_dials = [], {}
    for event in side.of("dial", "dialled"):
        target = event.get("addr", "relay")
        if event["e"] == "dial":
            open_dials[target] = event["s"]
            continue
        since = open_dials.pop(target, event["s"] - event["took_s"])
        found.append((target, since, event["s"], event.get("type", ""),
                      event.get("text", "")))
    last = side.events[-1]["s"] if side.events else 0
    found += [(target, since, last, "", "") for target, since in
              open_dials.items()]
    return found


def targets(side):
    """Rows of candidates: {address: type}, those of the peer first."""
    rows = {}
    for event in side.of("remote-candidate", "punch-sent", "punch-heard",
                         "dial"):
        address = event.get("addr")
        if address and (address not in rows or
                        event["e"] == "remote-candidate"):
            rows[address] = event.get("type", "") \
                if event["e"] == "remote-candidate" else ""
    return rows


def short(text):
    return text if len(text) <= MAX_LABEL else text[:MAX_LABEL - 1] + "…"


def hint(event):
    words = ["%.1f ms" % (event["s"] * 1000), event["e"]]
    words += [str(event[name]) for name in
              ("type", "path", "addr", "text") if event.get(name)]
    if event.get("count"):
        words.append("%d of them" % event["count"])
    return " ".join(words)


def draw_dial(lane, dial):
    _, since, until, outcome, why = dial
    lane.bar("dial", since, until,
             "dial, %.0f ms: %s %s" % ((until - since) * 1000, outcome, why))
    text = outcome if outcome == "up" else why or outcome
    if text:
        lane.label(until, short(text))


def draw_targets(panel, side):
    rows = list(targets(side).items())
    attempts = dials(side)
    for address, kind in rows[:MAX_TARGETS]:
        lane = panel.lane("%s %s" % (address, kind))
        for event in side.of("punch-sent", "punch-heard"):
            if event.get("addr") != address:
                continue
            style = event["e"].split("-")[1]
            if "until_s" in event:
                lane.line(style, event["s"], event["until_s"], hint(event))
            lane.mark(style, event["s"], hint(event))
        for dial in attempts:
            if dial[0] == address:
                draw_dial(lane, dial)
    if len(rows) > MAX_TARGETS:
        panel.lane("… and %d more" % (len(rows) - MAX_TARGETS))
    lane = panel.lane("relay")
    for dial in attempts:
        if dial[0] == "relay":
            draw_dial(lane, dial)


def draw_punches(panel, side):
    events = side.of("punch-sent", "punch-heard")
    lane = panel.lane("punches")
    for event in events:
        lane.mark(event["e"].split("-")[1], event["s"], hint(event))
    for event in side.of("dial"):
        lane.mark("dial", event["s"], hint(event))


NAMES = {"go": "GO", "nominate": "NOMINATE", "ack": "ACK",
         "suspect": "SUSPECT"}


def draw_agreement(panel, side):
    lane = panel.lane("agreement")
    told = {}   # when a text was last written: copies follow each other
    for event in side.of("go-sent", "go-heard", "nominate-sent",
                         "nominate-heard", "ack-sent", "ack-heard",
                         "suspect-sent", "suspect-heard"):
        name, style = event["e"].split("-")
        lane.mark(style, event["s"], hint(event))
        text = " ".join(word for word in (
            NAMES[name], event.get("path"),
            "(heard)" if style == "heard" else "") if word)
        if event["s"] - told.get(text, -panel.end) > panel.span() / 10:
            lane.label(event["s"], text)
        told[text] = event["s"]


def draw_paths(panel, side):
    for path in ("direct", "relay"):
        lane = panel.lane("%s path" % path)
        for since, until in spans(side, "up", ("down",), path):
            lane.bar("link", since, until, "the %s connection is up" % path)
        for since, until in sending(side, path):
            lane.bar(path, since, until, "sends by the %s path" % path)
        for since, until in spans(side, "suspect",
                                  ("trusted", "down", "up"), path):
            lane.bar("suspect", since, until, "suspect")
        for event in side.of("proved", "dead", "down"):
            if event.get("path") == path:
                lane.mark(event["e"], event["s"], hint(event))
                lane.label(event["s"], event["e"])


def draw_changes(panel, side):
    lane = panel.lane("what and why")
    for event in side.of("path", "suspect", "network", "media", "end"):
        text = {"path": "→ %s: %s" % (event.get("path"),
                                      event.get("text", "")),
                "suspect": "%s suspect: %s" % (event.get("path"),
                                               event.get("text", "")),
                "network": event.get("text", ""),
                "media": "media %s" % event.get("type", ""),
                "end": "end: %s" % event.get("text", "")}[event["e"]]
        lane.mark("note", event["s"], hint(event))
        lane.label(event["s"], short(text))


def draw_rtts(panel, side):
    samples = {path: [(event["s"], event["took_s"] * 1000)
                      for event in side.of("rtt")
                      if event.get("path") == path]
               for path in ("relay", "direct")}
    if any(samples.values()):
        panel.chart("round trip, ms", samples)


def draw_gaps(panel, side):
    lane = panel.lane("gaps in media")
    for event in side.of("gap"):
        lane.bar("gap", event["s"] - event["took_s"], event["s"], hint(event))
        lane.label(event["s"], "%.0f ms" % (event["took_s"] * 1000))


def draw_side(panel, side, parts):
    panel.heading(side.title())
    for part in parts:
        part(panel, side)


RACE = (draw_targets, draw_agreement, draw_paths, draw_changes)
CALL = (draw_punches, draw_agreement, draw_paths, draw_changes, draw_rtts,
        draw_gaps)
ALL = RACE + (draw_rtts, draw_gaps)


def draw(sides, since=None, until=None):
    same = align(sides)
    moments = [event["s"] for side in sides for event in side.events]
    first = max(min(moments + [0]), -LEAD_S)
    last = max(moments + [first + 0.001])
    picture = svg.Picture(
        "Call %s – %s" % (short(str(sides[0].data.get("call", "?"))),
                          "one clock" if same else "by the wall clocks"))
    picture.legend(LEGEND)
    if since is not None or until is not None:
        panels = [("A part of it", since if since is not None else first,
                   until if until is not None else last, ALL)]
    elif last > 1.5 * ZOOM_S:
        panels = [("The first second", first, ZOOM_S, RACE),
                  ("The whole call", first, last, CALL)]
    else:
        panels = [("The whole call", first, last, ALL)]
    for title, begin, end, parts in panels:
        panel = picture.panel(title, begin, max(end, begin + 0.001))
        for side in sides:
            draw_side(panel, side, parts)
        panel.close()
    left = ["%s: %s %s" % (side.role, count, kind) for side in sides
            for kind, count in (side.data.get("left_out") or {}).items()]
    if left:
        picture.foot("Left out: " + ", ".join(left))
    return picture.text()


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="tests/lab/timeline",
        description="An SVG of the timelines that the sides of a call wrote "
        "(WZP_TIMELINE_DIR or the property timeline-location).")
    parser.add_argument("files", nargs="+", metavar="JSON",
                        help="one side's file, or both sides'")
    parser.add_argument("-o", dest="out", required=True, metavar="OUT.SVG")
    parser.add_argument("--from", dest="since", type=float, metavar="S",
                        help="only from then on, seconds of the axis")
    parser.add_argument("--to", dest="until", type=float, metavar="S",
                        help="only until then")
    options = parser.parse_args(argv)
    try:
        if len(options.files) > 2:
            raise TimelineError("a call has two sides")
        text = draw([load(path) for path in options.files], options.since,
                    options.until)
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(text)
    except (TimelineError, OSError) as error:
        print("timeline: %s" % error, file=sys.stderr)
        return 1
    return 0
