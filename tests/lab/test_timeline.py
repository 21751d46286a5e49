"""The pictures of a call: from two files to an SVG without texts over texts."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

from wzp_lab import svg, timeline

NS = "{http://www.w3.org/2000/svg}"
ADDRESS = "198.51.100.1:4000"


def event(t, kind, **more):
    return dict(more, t=t, e=kind)


def record(role="dialer", began=1700000000000000, monotonic=5000000, more=()):
    return {"version": 1, "call": "abc", "role": role, "nat": "cone",
            "began": began, "monotonic": monotonic, "left_out": {},
            "events": sorted([
                event(100, "local-candidate", addr="203.0.113.1:1",
                      type="srflx"),
                event(200, "remote-candidate", addr=ADDRESS, type="srflx"),
                event(1000, "race"),
                event(2000, "dial", path="relay"),
                event(3000, "dial", path="direct", addr=ADDRESS),
                event(3000, "punch-sent", addr=ADDRESS, type="opener"),
                event(9000, "punch-heard", addr=ADDRESS, type="punch"),
                event(50000, "dialled", path="relay", type="up", took=48000),
                event(50000, "up", path="relay"),
                event(60000, "dialled", path="direct", addr=ADDRESS,
                      type="failed", text="no answer within 2000 ms",
                      took=57000),
                event(61000, "path", path="relay", old="none", text="heard"),
                event(62000, "nominate-sent", path="relay", n=1),
                event(90000, "ack-heard", n=1),
                event(100000, "rtt", path="relay", took=80000),
                *more], key=lambda e: e["t"])}


def draw(*records, **span):
    text = timeline.draw([timeline.Side(r, "x") for r in records], **span)
    return text, xml.fromstring(text)


def texts(root):
    return ["".join(node.itertext()) for node in root.iter(NS + "text")]


class Spans(unittest.TestCase):
    def side(self, *events):
        side = timeline.Side({"version": 1, "events": list(events)}, "x")
        timeline.align([side])
        return side

    def test_clocks(self):
        # The same machine: whatever was done to its wall clock's reading.
        a, b = (timeline.Side(record(), "a"), timeline.Side(
            record(began=1700000000300000, monotonic=5300000), "b"))
        self.assertTrue(timeline.align([a, b]))
        self.assertEqual(a.of("race")[0]["s"], 0)
        self.assertAlmostEqual(b.of("race")[0]["s"], 0.3)
        # Another machine: only the wall clock is shared.
        b = timeline.Side(record(began=1700000000300000, monotonic=9), "b")
        self.assertFalse(timeline.align([a, b]))
        self.assertAlmostEqual(b.of("race")[0]["s"], 0.3)

    def test_sending(self):
        side = self.side(event(0, "race"), event(1, "path", path="relay"),
                         event(3, "path", path="direct"), event(8, "end"))
        self.assertEqual(timeline.sending(side, "relay"), [(1e-6, 3e-6)])
        self.assertEqual(timeline.sending(side, "direct"), [(3e-6, 8e-6)])

    def test_a_state_lasts_until_it_ends(self):
        side = self.side(event(0, "race"), event(1, "up", path="relay"),
                         event(2, "up", path="direct"),
                         event(5, "down", path="relay"), event(9, "end"))
        self.assertEqual(timeline.spans(side, "up", ("down",), "relay"),
                         [(1e-6, 5e-6)])
        self.assertEqual(timeline.spans(side, "up", ("down",), "direct"),
                         [(2e-6, 9e-6)])

    def test_dials(self):
        side = self.side(event(0, "race"), event(1, "dial", path="relay"),
                         event(2, "dial", addr=ADDRESS),
                         event(5, "dialled", addr=ADDRESS, type="failed",
                               text="refused"), event(9, "end"))
        self.assertEqual(timeline.dials(side), [
            (ADDRESS, 2e-6, 5e-6, "failed", "refused"),
            ("relay", 1e-6, 9e-6, "", "")])


class Pictures(unittest.TestCase):
    def test_short_call_is_one_panel(self):
        _, root = draw(record(), record("acceptor"))
        said = texts(root)
        self.assertEqual(said.count("The whole call"), 1)
        self.assertNotIn("The first second", said)
        for word in ("no answer within 2000 ms", "NOMINATE relay",
                     "ACK (heard)", "→ relay: heard", ADDRESS + " srflx"):
            self.assertEqual(said.count(word), 2, word)
        self.assertEqual(sum(s.startswith("dialer, NAT: cone")
                             for s in said), 1)

    def test_long_call_has_its_beginning_apart(self):
        long = record(more=[event(5000000, "gap", path="relay", took=345000),
                            event(9000000, "end", text="hung up")])
        said = texts(draw(long)[1])
        self.assertIn("The first second", said)
        self.assertIn("The whole call", said)
        self.assertEqual(said.count("345 ms"), 1)
        said = texts(draw(long, since=4.0, until=6.0)[1])
        self.assertEqual([s for s in said if s.startswith("The ")], [])
        self.assertIn("345 ms", said)
        self.assertNotIn("end: hung up", said)

    def test_hostile_words_are_text(self):
        bad = "</text><script>&\"'"
        text, root = draw(record(more=[event(99000, "end", text=bad)]))
        self.assertNotIn("<script", text)
        self.assertIn("end: " + bad, texts(root))

    def test_what_was_left_out_is_told(self):
        some = record()
        some["left_out"] = {"rtt": 12}
        self.assertIn("Left out: dialer: 12 rtt", texts(draw(some)[1]))

    def test_no_text_over_another(self):
        crowd = [event(1000 + 700 * i, "suspect-sent" if i % 2 else
                       "nominate-heard", path="direct", n=i)
                 for i in range(80)]
        crowd += [event(1500 + 900 * i, "path", path="relay", old="none",
                        text="a reason of some length, number %d" % i)
                  for i in range(40)]
        _, root = draw(record(more=crowd), record("acceptor", more=crowd))
        boxes = []
        for node in root.iter(NS + "text"):
            x, y = float(node.get("x")), float(node.get("y"))
            wide = svg.width_of("".join(node.itertext())) * 0.9
            x -= {"end": wide, "middle": wide / 2}.get(
                node.get("text-anchor"), 0)
            boxes.append((x, x + wide, y - 9, y + 1, node.text))
        for i, a in enumerate(boxes):
            self.assertGreaterEqual(a[0], 0, a)
            self.assertLessEqual(a[1], svg.WIDTH + 1, a)
            for b in boxes[:i]:
                self.assertFalse(a[0] < b[1] and b[0] < a[1] and
                                 a[2] < b[3] and b[2] < a[3], (a, b))

    def test_both_backgrounds(self):
        text, _ = draw(record())
        self.assertIn("prefers-color-scheme: dark", text)
        self.assertTrue(re.search(r"\.back \{ fill: #fff", text))

    def test_steps_are_round(self):
        self.assertAlmostEqual(svg.step_for(1.0), 0.1)
        self.assertAlmostEqual(svg.step_for(1.3), 0.2)
        self.assertAlmostEqual(svg.step_for(42), 5)
        self.assertAlmostEqual(svg.step_for(0.001), 0.001)


class Program(unittest.TestCase):
    def run_it(self, *args):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                               "timeline")
        return subprocess.run([sys.executable, "-B", program, *args],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for i, data in enumerate((record(), record("acceptor"))):
                paths.append(os.path.join(folder, "%d.json" % i))
                with open(paths[-1], "w", encoding="utf-8") as file:
                    json.dump(data, file)
            out = os.path.join(folder, "out.svg")
            done = self.run_it(*paths, "-o", out)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            xml.parse(out)
            # Neither half a file nor another's is drawn.
            for text in ("{", "[]", '{"version": 2, "events": []}',
                         '{"version": 1, "events": [{"e": "race"}]}'):
                with open(paths[0], "w", encoding="utf-8") as file:
                    file.write(text)
                done = self.run_it(paths[0], "-o", out)
                self.assertEqual(done.returncode, 1, text)
                self.assertIn("timeline: ", done.stderr)
            self.assertEqual(self.run_it(*paths, paths[1], "-o",
                                         out).returncode, 1)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
