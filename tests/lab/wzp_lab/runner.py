"""The command line of the lab: which runs there are, their start, their end,
what came of them."""

import argparse
import concurrent.futures
import ctypes
import fcntl
import fnmatch
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

from . import report, scenarios

HERE = os.path.dirname(os.path.abspath(__file__))
PARENT_DEATH = 1    # PR_SET_PDEATHSIG
KEPT_WHEN_WELL = ("log.txt", "result.json")
# What the peers wrote of their calls: CALL-ROLE.json.
TIMELINES = ("-dialer.json", "-acceptor.json", "-none.json")
# In the environment of every process of a round, to be found by.
MARK = "WZP_LAB_ROUND"
EXIT_SKIPPED = 77


def die_with_parent():
    ctypes.CDLL(None).prctl(PARENT_DEATH, signal.SIGKILL)


def namespaces(as_user=False):
    """The command that gives a run namespaces of its own. All its processes
    are in one process namespace: they end when its first one does, whatever
    becomes of us, and network and mounts go with them."""
    args = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc",
            "--kill-child=KILL", "--propagation", "private"]
    if as_user or os.geteuid() != 0:
        args[1:1] = ["--user", "--map-root-user"]
    return args


def why_not(build, prefix):
    """In words, what the lab lacks here; None: nothing."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for tool in ("unshare", "nsenter", "mount", "ip", "nft"):
        if not shutil.which(tool):
            return "there is no %s" % tool
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "/dev/net/tun cannot be opened"
    probe = subprocess.run(
        prefix + ["sh", "-c", "ip link set lo up && nft add table ip t "
                        "&& nft 'add chain ip t c { type nat hook postrouting "
                        "priority 100; }' && nft add rule ip t c masquerade"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    if probe.returncode != 0:
        return "no namespaces with NAT here: %s" % " ".join(
            probe.stdout.split())
    for path in (("src", "relay", "wzp-relay"), ("tests", "lab", "wzp-lab-peer"),
                 ("tests", "lab", "wzp-lab-wire")):
        if not os.path.exists(os.path.join(build, *path)):
            raise SystemExit("%s is not built" % os.path.join(build, *path))
    return None


def left_behind(mark):
    """Processes of the round that still live."""
    found, wanted = [], ("%s=%s" % (MARK, mark)).encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


def choose(options):
    """The runs: (scenario, skew, seed)."""
    runs, patterns = [], options.names or ["*"]
    for scenario in scenarios.all_scenarios():
        if options.smoke:
            if not scenario.smoke:
                continue
        elif scenario.group == "smoke" and scenario.name not in patterns:
            continue
        if options.group and scenario.group not in options.group:
            continue
        if not any(fnmatch.fnmatchcase(scenario.name, p) for p in patterns):
            continue
        skews = scenario.skews
        if options.skew is not None:
            skews = options.skew
        elif options.smoke:
            skews = skews[:1]
        for i, skew in enumerate(skews):
            # Who dials changes with the seed: not the same at every skew.
            for repeat in range(options.repeat):
                runs.append((scenario, skew, options.seed + i + repeat))
    if options.shuffle:
        random.Random(options.seed).shuffle(runs)
    return runs


class Runner:
    def __init__(self, options):
        self.options = options
        self.build = os.path.abspath(options.build)
        self.prefix = namespaces(options.user_namespace)
        self.folder = os.path.join(self.build, "lab",
                                   "smoke" if options.smoke else options.out)
        self.lock = threading.Lock()
        self.children, self.stopping = set(), False
        self.mark = "%d-%d" % (os.getpid(), time.monotonic_ns())
        self.results = []

    def clean(self):
        """What an earlier round left: results only, see namespaces()."""
        os.makedirs(self.folder, exist_ok=True)
        self.held = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("another round is under way in " +
                             self.folder) from None
        for entry in os.scandir(self.folder):
            if entry.is_dir():
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)

    def one(self, run, number):
        scenario, skew, seed = run
        name = "%s,%+d,%d" % (scenario.name, skew, seed)
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        spec = {"scenario": scenario.name, "skew": skew, "seed": seed,
                "folder": folder, "build": self.build,
                "seconds": self.options.seconds}
        with open(os.path.join(folder, "spec.json"), "w",
                  encoding="utf-8") as file:
            json.dump(spec, file)
        result = self._spawn(scenario, folder)
        result.update(scenario=scenario.name, skew=skew, seed=seed,
                      group=scenario.group, name=name)
        self._tidy(folder, result)
        return result

    def _spawn(self, scenario, folder):
        output = open(os.path.join(folder, "output.txt"), "wb")
        with output, self.lock:
            if self.stopping:
                return {"verdict": "lab", "why": ["interrupted"]}
            child = subprocess.Popen(
                self.prefix + [sys.executable, "-m", "wzp_lab.inside",
                                os.path.join(folder, "spec.json")],
                cwd=os.path.dirname(HERE), stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent, start_new_session=True,
                env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1",
                         **{MARK: self.mark}))
            self.children.add(child)
        try:
            child.wait(timeout=scenario.limit)
            why = "the run broke: see output.txt"
        except subprocess.TimeoutExpired:
            why = "not done after %g s" % scenario.limit
            child.kill()
            child.wait()
        with self.lock:
            self.children.discard(child)
        try:
            with open(os.path.join(folder, "result.json"),
                      encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {"verdict": "lab", "why": [why]}

    def _tidy(self, folder, result):
        if result["verdict"] in ("failed", "lab") or self.options.keep:
            return
        for entry in os.listdir(folder):
            if entry not in KEPT_WHEN_WELL and \
                    not entry.endswith(TIMELINES):
                os.unlink(os.path.join(folder, entry))

    def stop(self):
        with self.lock:
            self.stopping = True
            for child in self.children:
                child.kill()

    def run(self, runs):
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            futures = [pool.submit(self.one, run, i)
                       for i, run in enumerate(runs)]
            try:
                for future in concurrent.futures.as_completed(futures):
                    result = future.result()
                    self.results.append(result)
                    print(report.line(result, len(self.results), len(runs)),
                          flush=True)
            except KeyboardInterrupt:
                self.stop()
                for future in futures:
                    future.cancel()
                raise
        self.seconds = time.monotonic() - began

    def check_left(self):
        """A killed process takes a moment to be gone."""
        for _ in range(20):
            pids = left_behind(self.mark)
            if not pids:
                return True
            time.sleep(0.1)
        print("left behind: processes %s" % pids)
        return False

    def write(self):
        path = os.path.join(self.folder, "results.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"seed": self.options.seed, "runs": self.results}, file,
                      indent=1)
        return path


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="tests/lab/run", description="Calls through NATs, firewalls and "
        "lossy links. Names may have * and ?.")
    parser.add_argument("names", nargs="*", metavar="SCENARIO")
    parser.add_argument("--list", action="store_true",
                        help="what there is, run nothing")
    parser.add_argument("--smoke", action="store_true",
                        help="the short round, for every push")
    parser.add_argument("--group", action="append", metavar="GROUP",
                        help="plain, ipv6, odd, links, events, matrix")
    parser.add_argument("--skew", type=int, action="append", metavar="MS",
                        help="instead of the scenario's own")
    parser.add_argument("--repeat", type=int, default=1, metavar="N",
                        help="each with N seeds")
    parser.add_argument("--seconds", type=float, metavar="N",
                        help="how long media is watched where nothing happens "
                        "in the call, instead of the scenario's own")
    parser.add_argument("--seed", type=int, metavar="N",
                        help="the first; otherwise by chance, and printed")
    parser.add_argument("--jobs", type=int, default=2, metavar="N",
                        help="runs at the same time, 1 to 4 (default 2)")
    parser.add_argument("--shuffle", action="store_true")
    parser.add_argument("--strict", action="store_true",
                        help="a path that the design promises and that was "
                        "not reached is a failure too")
    parser.add_argument("--keep", action="store_true",
                        help="keep the captures of runs that went well")
    parser.add_argument("--out", default="last", metavar="NAME",
                        help="folder of the results, in BUILD/lab")
    parser.add_argument("--build", default=os.environ.get(
        "WZP_LAB_BUILD", os.path.join(HERE, "..", "..", "..", "build")))
    parser.add_argument("--check-routers", action="store_true",
                        help="that the routers do what they are said to do")
    parser.add_argument("--user-namespace", action="store_true",
                        help="as an ordinary user would, even as root")
    parser.add_argument("--tables", metavar="RESULTS.JSON", nargs="+",
                        help="print the tables of earlier rounds")
    options = parser.parse_args(argv)
    options.jobs = min(4, max(1, options.jobs))
    if options.seed is None:
        options.seed = 1 if options.smoke else random.randrange(1, 100000)
    return options


def list_runs(runs):
    for scenario, skew, _ in runs:
        print("%-24s %-7s skew %+4d  expects %s%s%s" % (
            scenario.name, scenario.group, skew, scenario.expect,
            ", by " + scenario.needs if scenario.needs else "",
            "  (%s)" % scenario.note if scenario.note else ""))
    print("%d runs" % len(runs))
    return 0


def main(argv=None):
    options = parse(argv)
    if options.tables:
        print(report.tables(report.load(options.tables)))
        return 0
    runs = choose(options)
    if options.list:
        return list_runs(runs)
    prefix = namespaces(options.user_namespace)
    reason = why_not(options.build, prefix)
    if reason:
        print("skipped: " + reason)
        return EXIT_SKIPPED
    if options.check_routers:
        from . import check_routers
        return check_routers.main(prefix, os.path.abspath(
            options.build))
    if not runs:
        print("no scenario is called that; --list shows all")
        return 2
    runner = Runner(options)
    runner.clean()
    print("%d runs, seed %d, %d at a time" %
          (len(runs), options.seed, options.jobs))
    # The interrupt is ignored by what a script starts in the background.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        runner.run(runs)
    except KeyboardInterrupt:
        print("interrupted")
        runner.check_left()
        return 130
    print()
    print(report.tables(runner.results))
    print("%s\n%.0f s" % (runner.write(), runner.seconds))
    clean = runner.check_left()
    return report.close(runner.results, options.strict) or not clean


if __name__ == "__main__":
    sys.exit(main())
