"""What the lab makes of what it sees, and that its scenarios are in order."""

import sys
import unittest

from wzp_lab import judge, report, routers, scenarios
from wzp_lab.model import Scenario, Side, Step


class Peer:
    def __init__(self, *events):
        self.events = list(events)


def path(t, new):
    return {"t": t, "e": "path", "old": "none", "new": new}


def frames(*triples):
    return {"t": 0, "e": "frames", "a": [x for t in triples for x in t]}


def talker(n, step=20000, first=1000000, sent=None, paths=("direct",),
           skip=()):
    """A peer that heard n frames at a steady pace, but those in skip."""
    events = [{"t": 900000, "e": "progress", "step": "race"},
              {"t": first, "e": "heard"}]
    events += [path(950000 + i * 1000, name) for i, name in enumerate(paths)]
    events.append(frames(*[(i, first + i * step, 20000) for i in range(n)
                           if i not in skip]))
    call = {"role": "dialer", "path": paths[-1], "connect_us": 40000,
            "first_media_us": 60000, "direct_us": 45000, "dials": []}
    events.append(dict(call, t=first + n * step, e="stats"))
    events.append(dict(call, t=first + n * step, e="summary",
                       sent=n if sent is None else sent))
    return Peer(*events)


def verdict(a, b, expect="D", codes=None, trouble=None, **more):
    scenario = Scenario("x", Side(), Side(), expect, **more)
    return judge.judge(scenario, {"a": a, "b": b}, [],
                       codes or {"a": 0, "b": 0}, trouble, [])


class Judging(unittest.TestCase):
    def test_all_is_well(self):
        result = verdict(talker(100), talker(100))
        self.assertEqual(result["verdict"], "reached")
        self.assertEqual(result["path"], "D")
        self.assertEqual(result["why"], [])
        self.assertEqual(report.heard_ms(result), 100)
        self.assertEqual(report.direct_ms(result), 45)

    def test_relay_instead_of_direct_is_not_reached(self):
        relay = talker(100, paths=("relay",))
        self.assertEqual(verdict(relay, relay)["verdict"], "not reached")
        self.assertEqual(verdict(relay, relay, "R")["verdict"], "reached")

    def test_direct_first_is_asked_for(self):
        relay = talker(100, paths=("relay",))
        self.assertEqual(verdict(relay, relay, "R", first="D")["verdict"],
                         "not reached")
        both = talker(100, paths=("direct", "relay"))
        self.assertEqual(verdict(both, both, "R", first="D")["verdict"],
                         "reached")

    def test_different_paths_fail(self):
        result = verdict(talker(100), talker(100, paths=("relay",)))
        self.assertEqual(result["verdict"], "failed")
        self.assertIn("different paths", result["why"][0])

    def test_repeated_and_disordered_frames_fail(self):
        twice = talker(5)
        twice.events.insert(-2, frames((4, 1100000, 0)))
        self.assertIn("repeated", verdict(twice, talker(5))["why"][0])
        back = talker(5)
        back.events.insert(-2, frames((7, 1100000, 0), (6, 1110000, 0)))
        self.assertIn("disordered", verdict(back, talker(5))["why"][0])

    def test_silence_and_exit_codes_fail(self):
        mute = Peer({"t": 900000, "e": "progress", "step": "race"},
                    path(950000, "direct"),
                    {"t": 1, "e": "stats", "path": "direct", "role": "x"})
        self.assertIn("never heard", verdict(mute, talker(5))["why"][0])
        self.assertEqual(verdict(talker(5), talker(5),
                                 codes={"a": 0, "b": -11})["why"],
                         ["b ended with -11"])
        self.assertEqual(verdict(talker(5), talker(5), trouble="late")["why"],
                         ["late"])

    def test_frames_are_counted(self):
        counted = judge.count_frames([(0, 1, 0), (2, 2, 0), (1, 3, 0),
                                      (1, 4, 0)], 5)
        self.assertEqual(counted, {"sent": 5, "received": 4, "lost": 2,
                                   "repeated": 1, "disordered": 1})

    def test_gap(self):
        seen = [(i, t, 0) for i, t in enumerate(
            (0, 20000, 40000, 340000, 360000, 380000))]
        self.assertEqual(judge.gap_ms(seen, 50000, 380000), 300)
        # It began before the moment that is asked about.
        self.assertEqual(judge.gap_ms(seen, 41000, 50000), 300)
        self.assertEqual(judge.gap_ms(seen, 345000, 380000), 20)
        # Nothing more came.
        self.assertEqual(judge.gap_ms(seen, 370000, 1380000), 1000)
        self.assertEqual(judge.gap_ms([], 0, 5000), 5)

    def test_apart(self):
        a = Peer(path(0, "relay"), path(100000, "direct"))
        b = Peer(path(10000, "relay"), path(140000, "direct"))
        self.assertEqual(judge.apart_ms(a, b), 40)
        self.assertEqual(judge.apart_ms(a, a), 0)
        # One that does not send yet is not apart.
        self.assertEqual(judge.apart_ms(Peer(path(0, "relay")), Peer()), 0)

    def test_traffic_is_of_the_time_between(self):
        def snapshot(media, direct, relay):
            return {"t": 0, "e": "stats", "role": "dialer",
                    "bytes_payload_sent": media, "paths": [
                        {"path": "direct", "bytes_sent": direct},
                        {"path": "relay", "bytes_sent": relay}]}
        peer = Peer(snapshot(1000, 5000, 4000), snapshot(3000, 8000, 4100))
        self.assertEqual(judge.traffic(peer), {"direct": 1.5, "relay": 0.05})
        self.assertEqual(judge.traffic(Peer(snapshot(1, 1, 1))), {})

    def test_an_error_must_name_both_paths(self):
        said = Peer({"t": 1, "e": "retrying", "error":
                     "direct: no answer; relay: no answer"})
        self.assertEqual(verdict(said, said, "E")["verdict"], "reached")
        said = Peer({"t": 1, "e": "retrying", "error": "relay: no answer"})
        self.assertEqual(verdict(said, said, "E")["verdict"], "failed")


class Tables(unittest.TestCase):
    def test_percentiles(self):
        values = list(range(1, 101))
        self.assertEqual(report.percentile(values, 0.5), 50)
        self.assertEqual(report.percentile(values, 0.95), 95)
        self.assertEqual(report.percentile([7], 0.95), 7)
        self.assertEqual(report.spread([None, 2, 1]), "1 / 2 / 2")
        self.assertEqual(report.spread([None]), "–")

    def test_exit_code(self):
        runs = [{"verdict": "reached"}, {"verdict": "not reached"}]
        self.assertEqual(report.close(runs, False), 0)
        self.assertEqual(report.close(runs, True), 1)
        self.assertEqual(report.close(runs + [{"verdict": "lab"}], False), 1)


class Scenarios(unittest.TestCase):
    def test_names_are_unique(self):
        names = [s.name for s in scenarios.all_scenarios()]
        self.assertEqual(len(names), len(set(names)))
        for name in names:
            self.assertEqual(scenarios.find(name).name, name)

    def test_the_matrix_is_whole(self):
        cells = scenarios.matrix()
        self.assertEqual(len(cells), 66)
        self.assertTrue(all(s.skews == (0, 50, -50, 150, -150)
                            for s in cells))
        self.assertEqual(set(scenarios.ORDER), set(routers.KINDS))

    def test_steps_fit(self):
        from wzp_lab.actions import Actions
        for scenario in scenarios.all_scenarios():
            for step in scenario.steps:
                self.assertIsInstance(step, Step)
                self.assertTrue(hasattr(Actions, step.do), step.do)
                self.assertLess(step.at, scenario.seconds)
            self.assertIn(scenario.expect, "DRE")
            self.assertLess(scenario.seconds + scenario.media_within,
                            scenario.limit)

    def test_every_kind_has_rules(self):
        for kind in routers.KINDS:
            if kind == "none":
                continue
            for family, wan in ((4, "198.51.100.1"), (6, "2001:db8:a::1")):
                text = routers.rules(kind, family, wan)
                self.assertIn("chain forward", text)
                self.assertEqual(text.count("{"), text.count("}"))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
