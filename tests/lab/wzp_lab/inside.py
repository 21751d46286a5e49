"""One run: inside namespaces of its own (see runner.py) it builds the network,
starts the relay and the peers, lets happen what the scenario says, and writes
result.json into its folder."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time

from . import actions, judge, net, routers, scenarios

POLL_S = 0.005
# Frames under way when the senders fall silent.
DRAIN_S = 0.35
END_S = 3.0


class Log:
    """Everything that the processes say, in the order in which it came."""

    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")
        self.lock = threading.Lock()

    def write(self, who, line):
        with self.lock:
            self.file.write("%d %s %s\n" %
                            (actions.now_us(), who, line.rstrip("\n")))

    def close(self):
        with self.lock:
            self.file.close()


class Process:
    """A program in a namespace, its lines of output kept."""

    def __init__(self, who, netns, args, log, env=None):
        self.who, self.log = who, log
        self.lines, self.events = [], []
        self.started_us = actions.now_us()
        self.popen = subprocess.Popen(
            net.inside(netns, *args), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=dict(os.environ, **(env or {})))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stdout:
            self.log.write(self.who, line)
            self.lines.append(line.rstrip("\n"))
            if line.startswith("{"):
                try:
                    self.events.append(json.loads(line))
                except ValueError:
                    pass

    def tell(self, command):
        try:
            self.popen.stdin.write(command + "\n")
            self.popen.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass

    def has(self, **wanted):
        return any(all(event.get(name) == value
                       for name, value in wanted.items())
                   for event in list(self.events))

    def end(self, seconds=END_S):
        """Its exit code; None: it had to be killed."""
        try:
            code = self.popen.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            code = None
        self.reader.join(timeout=1)
        return code


class Run:
    def __init__(self, spec):
        self.spec = spec
        self.folder = spec["folder"]
        self.scenario = scenarios.find(spec["scenario"])
        if spec.get("seconds") and not self.scenario.steps:
            self.scenario = dataclasses.replace(self.scenario,
                                                seconds=spec["seconds"])
        self.log = Log(os.path.join(self.folder, "log.txt"))
        self.peers, self.relay, self.network = {}, None, None
        self.steps = []     # (step, moment)
        self.actions = actions.Actions(self)
        self.build = spec["build"]

    def program(self, *path):
        return os.path.join(self.build, *path)

    def start_relay(self):
        self.relay = Process(
            "relay", "relay",
            [self.program("src", "relay", "wzp-relay"), "--no-config",
             "--key-file", os.path.join(self.folder, "relay.key"),
             "--port", str(routers.RELAY_PORT),
             "--second-port", str(routers.SECOND_PORT),
             "--print-address", "--drain-timeout", "0"], self.log)
        self.wait_for(lambda: "ready" in self.relay.lines, 10,
                      "the relay to start")

    def kill_relay(self):
        self.relay.popen.kill()
        self.relay.end()

    def wait_for(self, is_so, seconds, what):
        until = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > until:
                raise TimeoutError("waited %g s for %s" % (seconds, what))
            time.sleep(POLL_S)

    def start_peer(self, name, side, *args):
        place = self.network.a if name == "a" else self.network.b
        fingerprint = [line for line in self.relay.lines
                       if line.startswith("relay=")][0].split("=")[-1]
        self.peers[name] = Process(
            name, place.host,
            [self.program("tests", "lab", "wzp-lab-peer"),
             "--relay=" + self.network.relay_address(place),
             "--relay-fingerprint=" + fingerprint, *args, *side.args],
            self.log, {"G_MESSAGES_DEBUG": os.environ.get("WZP_LAB_DEBUG", ""),
                       "HOME": self.folder,
                       "WZP_TIMELINE_DIR": self.folder})

    def has_media(self):
        return all(peer.has(e="path") and peer.has(e="heard")
                   for peer in self.peers.values())

    def do_steps(self, when, began):
        for step in self.scenario.steps:
            if step.when != when:
                continue
            time.sleep(max(0, began + step.at - time.monotonic()))
            moment = getattr(self.actions, step.do)(*step.args)
            self.steps.append((step, moment))
            self.log.write("lab", "%s %s" % (step.do, step.args))

    def carry_out(self):
        scenario = self.scenario
        self.start_relay()
        self.start_peer("b", scenario.b, "--alias=lab-b")
        self.wait_for(
            lambda: self.peers["b"].has(e="progress", step="listening"), 10,
            "the listener to be registered")
        self.start_peer("a", scenario.a, "--peer=lab-b")
        if any(step.when == "race" for step in scenario.steps):
            self.wait_for(
                lambda: all(peer.has(e="progress", step="race")
                            for peer in self.peers.values()),
                10, "both sides to race")
            self.do_steps("race", time.monotonic())
        if scenario.expect == "E":
            self.wait_for(
                lambda: any(peer.has(e="state", state="failed") or
                            peer.has(e="retrying") or
                            peer.has(e="state", state="disconnected")
                            for peer in self.peers.values()),
                scenario.limit - 5, "an error")
        else:
            self.wait_for(self.has_media, scenario.limit / 2,
                          "media both ways")
        began = time.monotonic()
        self.do_steps("media", began)
        time.sleep(max(0, began + scenario.seconds - time.monotonic()))

    def end(self):
        """Everybody is told to end, and does. Exit codes by name."""
        codes = {}
        for peer in self.peers.values():
            peer.tell("quiet")
        time.sleep(DRAIN_S + self.scenario.delay_ms * 3 / 1000)
        for peer in self.peers.values():
            peer.tell("stats")
        time.sleep(0.02)
        for peer in self.peers.values():
            peer.tell("stop")
        for name, peer in self.peers.items():
            codes[name] = peer.end()
        if self.relay and self.relay.popen.poll() is None:
            self.relay.popen.send_signal(signal.SIGTERM)
            codes["relay"] = self.relay.end()
        return codes

    def run(self):
        wire = net.Wire(self.program("tests", "lab", "wzp-lab-wire"),
                        self.spec["seed"], self.log)
        trouble, codes = None, {}
        try:
            self.network = net.Network(self.scenario, wire, self.spec["seed"],
                                       self.spec["skew"], self.folder)
            self.carry_out()
        except TimeoutError as error:
            trouble = str(error)
        finally:
            codes = self.end()
            wire.end()
        return judge.judge(self.scenario, self.peers, self.steps, codes,
                           trouble, wire.counts)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    net.mount_run()
    run = Run(spec)
    try:
        result = run.run()
    except net.LabError as error:
        result = {"verdict": "lab", "why": [str(error)]}
    run.log.close()
    result.update({name: spec[name] for name in ("scenario", "seed", "skew")})
    path = os.path.join(spec["folder"], "result.json")
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.rename(path + ".new", path)


if __name__ == "__main__":
    main()
