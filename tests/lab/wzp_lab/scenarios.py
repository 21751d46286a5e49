"""All scenarios of the lab. Docs: docs/connectivity.md."""

import dataclasses

from .model import Scenario, Side, Step

SKEWS = (0, 50, -50, 150, -150)

# ---- the matrix: every kind of router against every other, IPv4 ----

ORDER = ("none", "fw", "pr", "prrej", "prbad", "fc", "ar", "seq", "adm",
         "sym", "udpblk")
OPEN = {"none", "fc", "ar"}
HOME = {"fw", "pr", "prrej"}
HARD = {"adm", "sym"}


def expected(x, y):
    """The design's matrix, symmetric: path and what it needs."""
    pair = {x, y}
    if "udpblk" in pair:
        return "R", ""
    if "none" in pair:
        return "D", "punching" if pair & (HOME | {"prbad", "seq"} |
                                          HARD | {"fc", "ar"}) else ""
    if pair <= HARD:
        return "R", ""
    if "seq" in pair:
        if pair & HARD:
            return ("R", "")
        if pair & {"fc", "ar"}:
            return "D", "punching"
        return "D", "prediction"
    if pair & HARD:
        return ("D", "punching") if pair & {"fc", "ar"} else ("R", "")
    if "prbad" in pair:
        return "D", "opener" if pair & (HOME | {"prbad"}) else "punching"
    return "D", "punching"


def _cell(x, y):
    expect, needs = expected(x, y)
    return Scenario(name="%s-%s" % (x, y), a=Side(x), b=Side(y),
                    expect=expect, needs=needs, skews=SKEWS)


def matrix():
    return [_cell(x, y) for i, x in enumerate(ORDER) for y in ORDER[i:]]


# ---- no punching needed ----

V6 = dict(nat4=None)


def plain():
    home = Side("pr")
    return [
        Scenario("same-lan", home, Side("pr", host=3), "D", group="plain",
                 same_lan=True, skews=SKEWS[:1] + (50, -50), smoke=True,
                 note="one router without hairpinning: the host candidate"),
        Scenario("same-lan-prrej", Side("prrej"), Side("prrej", host=3), "D",
                 group="plain", same_lan=True),
        Scenario("same-lan-sym", Side("sym"), Side("sym", host=3), "D",
                 group="plain", same_lan=True, smoke=True),
        Scenario("same-lan-dual", Side("pr", "fw"), Side("pr", "fw", host=3), "D",
                 group="plain", same_lan=True, smoke=True),
        Scenario("same-lan-v6", Side(nat6="fw", **V6),
                 Side(nat6="fw", host=3, **V6), "D", group="plain",
                 same_lan=True),
        Scenario("hairpin", Side("fc", hairpin=True, args=(
            "--no-host-candidates",)), Side("fc", host=3, args=(
                "--no-host-candidates",)), "D", group="plain", same_lan=True,
                 note="only by the router's own address"),
        Scenario("public", Side("none"), Side("none"), "D", group="plain",
                 skews=SKEWS, smoke=True),
        Scenario("public-v6", Side(nat6="none", **V6),
                 Side(nat6="none", **V6), "D", group="plain", smoke=True),
        Scenario("public-dual", Side("none", "none"), Side("none", "none"),
                 "D", group="plain"),
        Scenario("same-addresses", Side("pr", lan="192.168.1"),
                 Side("pr", lan="192.168.1"), "D", group="plain",
                 needs="punching",
                 note="both are 192.168.1.2 at home: the other's host "
                 "candidate is one's own address"),
        Scenario("neighbour-addresses", Side("pr", lan="192.168.1"),
                 Side("pr", lan="192.168.1", host=3), "D", group="plain",
                 needs="punching",
                 note="the other's host candidate looks like a neighbour's"),
        Scenario("privacy", Side("pr"), Side("pr", args=("--private",)), "R",
                 group="plain", smoke=True,
                 note="accept-mode=generic stays on the relay"),
        Scenario("relay-only", Side("none"), Side(
            "none", args=("--policy=relay",)), "R", group="plain"),
    ]


# ---- IPv6 and both families ----

def families():
    def v6(kind):
        return Side(nat6=kind, **V6)

    cells = [Scenario("v6-%s-%s" % (x, y), v6(x), v6(y), expected(x, y)[0],
                      needs=expected(x, y)[1], group="ipv6",
                      skews=SKEWS if x == y == "fw" else (0,))
             for x, y in (("none", "fw"), ("fw", "fw"), ("fw", "pr"),
                          ("pr", "pr"), ("fw", "prbad"), ("fw", "sym"),
                          ("fc", "pr"), ("ar", "sym"), ("seq", "pr"),
                          ("adm", "fw"), ("prrej", "prrej"),
                          ("udpblk", "fw"))]
    return cells + [
        Scenario("v4-only-v6-only", Side("pr"), v6("fw"), "R", group="ipv6",
                 smoke=True, note="no family in common"),
        Scenario("dual-fw", Side("pr", "fw"), Side("pr", "fw"), "D",
                 group="ipv6", needs="punching"),
        Scenario("dual-v4-dead", Side("none", "none"), Side("none", "none"),
                 "D", group="ipv6", setup=("block a b 4", "block b a 4"),
                 note="IPv4 between the peers goes nowhere"),
        Scenario("dual-v6-dead", Side("none", "none"), Side("none", "none"),
                 "D", group="ipv6", setup=("block a b 6", "block b a 6"),
                 smoke=True, note="IPv6 between the peers goes nowhere"),
        Scenario("dual-v6-breaks", Side("none", "none"), Side("none", "none"),
                 "D", group="ipv6", first="D", needs="another candidate after "
                 "a dead one", seconds=8,
                 setup=("pass a b 6 5", "pass b a 6 5", "slow a b 4 15",
                        "slow b a 4 15"),
                 note="IPv6 is faster and takes the handshake, then drops "
                 "everything"),
        Scenario("v6-breaks", v6("none"), v6("none"), "R", group="ipv6",
                 first="R", seconds=6,
                 setup=("pass a b 6 5", "pass b a 6 5"),
                 note="the same without IPv4: the relay must carry it"),
    ]


# ---- what else stands in the way ----

def odd():
    def two(kind, outer):
        return Side(kind, outer4=outer)

    return [
        Scenario("double-pr", two("pr", "pr"), Side("pr"), "D", group="odd",
                 needs="punching"),
        Scenario("double-both", two("pr", "pr"), two("pr", "pr"), "D",
                 group="odd", needs="punching"),
        Scenario("double-sym", two("pr", "sym"), two("pr", "sym"), "R",
                 group="odd"),
        Scenario("carrier-fc", two("pr", "fc"), Side("pr"), "D", group="odd",
                 needs="punching"),
        Scenario("double-public", two("pr", "pr"), Side("none"), "D",
                 group="odd", needs="roles by nat", skews=(0,)),
        Scenario("lifetime-5s", Side("pr", udp_timeout=5), Side("none"), "D",
                 group="odd", needs="roles by nat", seconds=14, limit=45,
                 note="a mapping lives 5 s; media keeps it"),
        Scenario("prbad-spoilt", Side("prbad"), Side("prbad"), "D",
                 group="odd", first="R", skews=(600, -600), seconds=20,
                 limit=60, needs="a fresh socket",
                 note="one hears of the call so much later that the other's "
                 "punches spoil its port"),
        Scenario("one-way-block", Side("none"), Side("none"), "R",
                 group="odd", setup=("block a b",),
                 note="the caller's packets to the peer get lost, the "
                 "other direction is open"),
        Scenario("relay-dead-in-race", Side("none"), Side("none"), "D",
                 group="odd", seconds=5, steps=(
                     Step("block_relay", when="race"),),
                 note="direct only"),
        Scenario("both-dead", Side("none"), Side("none"), "E", group="odd",
                 seconds=1, limit=40, setup=("block a b", "block b a"),
                 steps=(Step("block_relay", when="race"),),
                 note="a clean error that names both paths"),
    ]


# ---- delay and loss ----

def links():
    public = Side("none")
    out = []
    for ms in (5, 50, 100, 200):
        out.append(Scenario(
            "delay-%d" % ms, public, public, "D", group="links", delay_ms=ms,
            seconds=5, smoke=ms == 100))
    for percent in (1, 2, 5, 10, 20):
        out.append(Scenario(
            "loss-%d" % percent, public, public, "D", group="links",
            direct_loss=percent, relay_loss=percent, seconds=6, limit=40,
            media_within=10, smoke=percent == 5))
    out.append(Scenario("loss-20-relay", Side("udpblk"), Side("udpblk"), "R",
                        group="links", relay_loss=20, seconds=6, limit=40,
                        media_within=10))
    out.append(Scenario("jitter-30", public, public, "D", group="links",
                        jitter_ms=30, seconds=6))
    return out


# ---- what happens in a call ----

def events():
    public, home = Side("none"), Side("pr")
    mate = Side("pr", host=3)
    return [
        Scenario("blackhole", public, public, "R", first="D", group="events",
                 seconds=6, gap_limit_ms=300, smoke=True,
                 steps=(Step("block_direct", at=2),),
                 note="nothing passes directly any more, nobody is told"),
        Scenario("blackhole-one-way", public, public, "R", first="D",
                 group="events", seconds=6, gap_limit_ms=300,
                 steps=(Step("block_one_way", ("a", "b"), at=2),)),
        Scenario("blackhole-and-back", public, public, "D", first="D",
                 group="events", seconds=16, limit=45,
                 steps=(Step("block_direct", at=2), Step("open_direct", at=5)),
                 note="direct again after ten answers and the hold-down"),
        Scenario("direct-loses", public, public, "R", first="D",
                 group="events", seconds=16, limit=45,
                 steps=(Step("loss_direct", (15,), at=4),),
                 note="15 % are lost directly, nothing by the relay"),
        Scenario("blackhole-lan", home, mate, "D", first="D", same_lan=True,
                 group="events", seconds=6, gap_limit_ms=300,
                 steps=(Step("wait", at=2),), note="the same LAN, left alone"),
        Scenario("traffic-direct", public, public, "D", group="events",
                 seconds=23, limit=45, steps=(Step("note_stats", at=3),),
                 note="bytes sent for media and beside it, over 20 s"),
        Scenario("traffic-relay", Side("udpblk"), Side("udpblk"), "R",
                 group="events", seconds=23, limit=45,
                 steps=(Step("note_stats", at=3),),
                 note="the same by the relay"),
        Scenario("relay-killed", public, public, "D", first="D",
                 group="events", seconds=6, gap_limit_ms=60, smoke=True,
                 steps=(Step("kill_relay", at=2),),
                 note="during a direct call: must go unnoticed"),
        Scenario("relay-restart", public, public, "D", first="D",
                 group="events", seconds=8, gap_limit_ms=60,
                 steps=(Step("restart_relay", at=2),)),
        Scenario("relay-restart-on-relay", Side("udpblk"), Side("udpblk"),
                 "R", group="events", seconds=12, limit=45,
                 steps=(Step("restart_relay", at=2),),
                 note="the call has only the relay"),
        Scenario("relay-blackhole", Side("udpblk"), Side("udpblk"), "R",
                 group="events", seconds=9, limit=45,
                 steps=(Step("block_relay", at=2), Step("open_relay", at=3)),
                 note="the relay is out of reach for a second"),
        Scenario("rebind-ports", home, public, "D", first="D",
                 group="events", seconds=8, needs="roles by nat",
                 steps=(Step("rebind_ports", ("a",), at=2),),
                 note="the router forgets its mappings"),
        Scenario("rebind-address", home, public, "D", first="D",
                 group="events", seconds=8, needs="roles by nat",
                 steps=(Step("rebind_address", ("a",), at=2),),
                 note="the router gets another address"),
        Scenario("rebind-relay", Side("udpblk"), Side("udpblk"), "R",
                 group="events", seconds=9,
                 steps=(Step("rebind_ports", ("a",), at=2),),
                 note="by the relay only"),
        Scenario("readdress-lan", home, mate, "D", first="D", same_lan=True,
                 group="events", seconds=9, limit=45, needs="roaming",
                 steps=(Step("readdress", ("a",), at=2),),
                 note="a host gets another address"),
        Scenario("readdress-relay", Side("udpblk"), Side("udpblk"), "R",
                 group="events", seconds=9, limit=45,
                 steps=(Step("readdress", ("a",), at=2),)),
        Scenario("cable-lan", home, mate, "D", first="D", same_lan=True,
                 group="events", seconds=14, limit=60, needs="roaming",
                 steps=(Step("pull_cable", ("a",), at=2),
                        Step("plug_cable", ("a",), at=4)),
                 note="pulled for two seconds"),
        Scenario("late-direct", Side("none"), Side("none"), "D", first="R",
                 group="events", seconds=10, limit=45,
                 setup=("block a b", "block b a"), needs="upgrade",
                 steps=(Step("open_direct", at=3),),
                 note="direct becomes possible 3 s after the relay won"),
    ]


def all_scenarios():
    return (plain() + families() + odd() + links() + events() + matrix() +
            smoke_cells())


def smoke_cells():
    """Cells of the matrix for the short round, at one skew each."""
    cells = []
    for x, y, skew in (("pr", "pr", 0), ("sym", "sym", 50),
                       ("udpblk", "pr", -50), ("fc", "prbad", 0),
                       ("none", "sym", 150)):
        cells.append(dataclasses.replace(
            _cell(x, y), name="smoke-%s-%s" % (x, y), group="smoke",
            skews=(skew,), smoke=True))
    return cells


def find(name):
    for scenario in all_scenarios():
        if scenario.name == name:
            return scenario
    raise KeyError(name)
