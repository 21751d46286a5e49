"""What came of a run, from what the peers told.

Verdicts: "reached" (the path that the design says, or a better one), "not
reached" (all is well, but the path is the relay where direct is expected),
"failed" (a rule was broken, in words in `why`), "lab" (the lab itself)."""

SHOWN = {"direct": "D", "relay": "R", "none": "-"}
SETTLE_US = 300 * 1000


def frames_of(peer):
    """(number, arrival, lateness in us) of each, as they came."""
    out = []
    for event in peer.events:
        if event["e"] == "frames":
            flat = event["a"]
            out += list(zip(flat[0::3], flat[1::3], flat[2::3]))
    return out


def path_changes(peer):
    return [(event["t"], event["new"]) for event in peer.events
            if event["e"] == "path"]


def path_at_end(peer):
    """Of the last snapshot before the end, which a hang-up cannot change."""
    stats = [event for event in peer.events if event["e"] == "stats"]
    return SHOWN.get(stats[-1].get("path", "none"), "-") if stats else "-"


def last_call(peer):
    calls = [event for event in peer.events
             if event["e"] in ("stats", "summary", "race") and "role" in event]
    return calls[-1] if calls else {}


def count_frames(frames, sent):
    numbers = [number for number, _, _ in frames]
    return {"sent": sent, "received": len(numbers),
            "lost": max(0, sent - len(set(numbers))),
            "repeated": len(numbers) - len(set(numbers)),
            "disordered": sum(1 for x, y in zip(numbers, numbers[1:])
                              if y < x)}


def gap_ms(frames, start_us, end_us):
    """The longest wait for a frame that began or ended after start_us."""
    times = [t for _, t, _ in frames]
    longest = 0
    for before, after in zip(times, times[1:]):
        if after >= start_us and before <= end_us:
            longest = max(longest, after - before)
    if times and times[-1] < end_us:
        longest = max(longest, end_us - times[-1])
    if not times:
        longest = end_us - start_us
    return longest / 1000


def longest_gap_ms(frames):
    """Of the whole call, between two arrivals."""
    times = [t for _, t, _ in frames]
    return max((y - x for x, y in zip(times, times[1:])), default=0) / 1000


def lost_between(frames, start_us, end_us):
    """Numbers that never came and lie between arrivals in that time."""
    got = {number for number, _, _ in frames}
    near = [number for number, t, _ in frames
            if start_us - SETTLE_US <= t <= end_us]
    if not near:
        return 0
    return sum(1 for number in range(min(near), max(near) + 1)
               if number not in got)


def apart_ms(a, b):
    """How long, together, both sides sent on different paths, once both sent
    at all."""
    marks = sorted([(t, 0, path) for t, path in path_changes(a)] +
                   [(t, 1, path) for t, path in path_changes(b)])
    now = ["none", "none"]
    total, since = 0, None
    for t, side, path in marks:
        if since is not None:
            total += t - since
        now[side] = path
        differs = "none" not in now and now[0] != now[1]
        since = t if differs else None
    return total / 1000


def wall_ms(peer, from_us, **wanted):
    for event in peer.events:
        if event["t"] >= from_us and all(event.get(name) == value
                                         for name, value in wanted.items()):
            return (event["t"] - from_us) / 1000
    return None


def _ms(call, name):
    value = call.get(name, -1)
    return value / 1000 if value >= 0 else None


def _side(peer, other):
    call = last_call(peer)
    frames = frames_of(peer)
    summary = [e for e in other.events if e["e"] == "summary"]
    sent = summary[-1]["sent"] if summary else 0
    late = sorted(lateness for _, _, lateness in frames)
    race_us = next((e["t"] for e in peer.events
                    if e["e"] == "progress" and e["step"] == "race"), None)
    heard = wall_ms(peer, race_us, e="heard") if race_us else None
    return {
        "path": path_at_end(peer), "role": call.get("role", ""),
        "race_us": race_us,
        "connect_ms": _ms(call, "connect_us"),
        "heard_ms": heard,
        "direct_ms": _ms(call, "direct_us"),
        "changes": [(t, SHOWN[p]) for t, p in path_changes(peer)],
        "frames": count_frames(frames, sent),
        "gap_ms": longest_gap_ms(frames),
        "late_ms": late[len(late) // 2] / 1000 if late else None,
        "dials": call.get("dials", []), "calls": call.get("calls", 0),
        "bad": call.get("bad", 0),
        "bytes": {path["path"]: path["bytes_sent"]
                  for path in call.get("paths", [])},
        "payload": call.get("bytes_payload_sent", 0),
        "traffic": traffic(peer),
        "errors": [e.get("error") or e.get("text", "") for e in peer.events
                   if "error" in e or e["e"] == "warning"],
    }


def _gaps(scenario, peers, steps):
    out = []
    for index, (step, moment) in enumerate(steps):
        if step.when == "race":
            continue
        entry = {"do": step.do, "args": list(step.args), "gap_ms": {},
                 "lost": {}, "settled_ms": {}}
        following = [m for _, m in steps[index + 1:]]
        for name, peer in peers.items():
            frames = frames_of(peer)
            end = following[0] if following else max(
                [t for _, t, _ in frames[-1:]] + [moment])
            if not following:
                end = moment + int(
                    (scenario.seconds - step.at) * 1e6) - SETTLE_US
            entry["gap_ms"][name] = gap_ms(frames, moment, end)
            entry["lost"][name] = lost_between(frames, moment, end)
            last = [t for t, _ in path_changes(peer) if moment <= t <= end]
            entry["settled_ms"][name] = ((last[-1] - moment) / 1000
                                         if last else None)
        out.append(entry)
    return out


def _check_error(peers, why):
    """Both paths dead: the caller says so, and names both."""
    texts = [event.get("error", "") for event in peers["a"].events
             if event["e"] in ("state", "retrying")]
    if not any("relay" in text.lower() and "direct" in text.lower()
               for text in texts):
        why.append("no error that names both paths, but: %s" % texts)


def _check_media(scenario, sides, why):
    for name, side in sides.items():
        if side["heard_ms"] is None:
            why.append("%s never heard anything" % name)
        elif side["heard_ms"] > scenario.media_within * 1000:
            why.append("%s heard nothing for %.0f ms" %
                       (name, side["heard_ms"]))
    if sides["a"]["path"] != sides["b"]["path"]:
        why.append("different paths at the end: a %s, b %s" %
                   (sides["a"]["path"], sides["b"]["path"]))


def _check_frames(sides, why):
    for name, side in sides.items():
        for fault in ("repeated", "disordered"):
            if side["frames"][fault]:
                why.append("%s got %d frames %s" %
                           (name, side["frames"][fault], fault))


def traffic(peer):
    """Between the first and the last snapshot that was asked for: bytes of UDP
    sent on each path for a byte of media."""
    stats = [e for e in peer.events if e["e"] == "stats" and "role" in e]
    if len(stats) < 2:
        return {}
    first, last = stats[0], stats[-1]
    media = last["bytes_payload_sent"] - first["bytes_payload_sent"]
    if media <= 0:
        return {}
    before = {path["path"]: path["bytes_sent"] for path in first["paths"]}
    return {path["path"]: (path["bytes_sent"] - before.get(path["path"], 0)) /
            media for path in last["paths"]}


def judge(scenario, peers, steps, codes, trouble, ways):
    why = []
    if trouble:
        why.append(trouble)
    for name, code in codes.items():
        if code != 0:
            why.append("%s ended with %s" % (name, code))
    if set(peers) != {"a", "b"}:
        return {"verdict": "failed", "why": why, "expect": scenario.expect}
    sides = {name: _side(peer, peers["b" if name == "a" else "a"])
             for name, peer in peers.items()}
    result = {"expect": scenario.expect, "a": sides["a"], "b": sides["b"],
              "gaps": _gaps(scenario, peers, steps), "ways": ways,
              "apart_ms": apart_ms(peers["a"], peers["b"])}
    _check_frames(sides, why)
    if scenario.expect == "E":
        _check_error(peers, why)
        result["path"] = "E" if not why else "-"
    else:
        _check_media(scenario, sides, why)
        result["path"] = (sides["a"]["path"] if sides["a"]["path"] ==
                          sides["b"]["path"] else "%s/%s" %
                          (sides["a"]["path"], sides["b"]["path"]))
        paths = {p for s in sides.values() for _, p in s["changes"]}
        result["first"] = "D" if "D" in paths else "R"
    result["why"] = why
    if why:
        result["verdict"] = "failed"
    elif (scenario.expect == "D" and result["path"] != "D") or (
            scenario.settle() == "D" and result["first"] != "D"):
        result["verdict"] = "not reached"
    else:
        result["verdict"] = "reached"
    return result
