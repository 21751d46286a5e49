#!/usr/bin/env python3
"""Runs the examples as tests. Exit code 77: something they need is not here.

    run.py pair FIRST SECOND [PROGRAM]    app-signalling: c or python sends, c or
                                          python receives; PROGRAM: the one in C
    run.py two-way RELAY                  two_way_call.py
    run.py launch RELAY                   each section of launch.md

RELAY is the program wzp-relay. Nothing leaves loopback.
"""
import ctypes
import fcntl
import os
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ADDRESS = "127.0.0.1"
SKIP = 77
SECONDS = 30  # for what should take a few
PICTURES = 25  # that each sink of launch.md must get

CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

processes = []


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIP)


def start(name, argv, **keywords):
    """Its output, standard error too unless said otherwise, is told behind its name."""
    print(f"{name}$ {shlex.join(argv)}", flush=True)
    process = subprocess.Popen(argv, **keywords)
    process.name = name
    processes.append(process)
    return process


def end_all():
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


def need_elements(*names):
    for name in names:
        # Not --exists: that wants the plugin to have GStreamer's version.
        if subprocess.run(["gst-inspect-1.0", name], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode != 0:
            skip(f"GStreamer does not have {name}")


def python_with_gst():
    """The machine's own Python may be another than the one that runs this."""
    program = "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst"
    for python in sys.executable, "python3", "/usr/bin/python3":
        try:
            if subprocess.run([python, "-c", program], stderr=subprocess.DEVNULL).returncode == 0:
                return python
        except OSError:
            pass
    skip("no Python with gi and GStreamer (python3-gi, gir1.2-gstreamer-1.0)")


def wait_all(*names):
    deadline = time.monotonic() + SECONDS
    failed = False
    for process in names:
        try:
            code = process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            code = f"none after {SECONDS} s"
        print(f"{process.name}: exit code {code}")
        failed |= code != 0
    return 1 if failed else 0


def start_relay(relay, *options):
    """Returns its address."""
    process = start("relay", [relay, "--print-address", "--quiet", *options],
                    stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("relay="):
            return line.split()[0][len("relay="):]
    sys.exit("the relay does not start")


# ---- app-signalling ----

def app_signalling(language, program, *arguments):
    if language == "c":
        command = [program]
    else:
        command = [python_with_gst(), os.path.join(HERE, "app_signalling.py")]
    return [*command, *arguments, "--bind-address", ADDRESS]


def pair(first, second, program=None):
    """Each one's output is the other's input: one line each way."""
    need_elements("x264enc", "h264parse", "decodebin")
    to_second, from_first = os.pipe()
    to_first, from_second = os.pipe()
    sender = start("send", app_signalling(first, program, "send", "--seconds", "2"),
                   stdin=to_first, stdout=from_first)
    receiver = start("receive",
                     app_signalling(second, program, "receive", "--sink", "fakesink sync=true"),
                     stdin=to_second, stdout=from_second)
    for fd in to_first, from_first, to_second, from_second:
        os.close(fd)
    return wait_all(sender, receiver)


# ---- two_way_call.py ----

def two_way(relay):
    need_elements("x264enc", "h264parse", "decodebin", "opusenc", "opusdec")
    common = [python_with_gst(), os.path.join(HERE, "two_way_call.py"), "bob", "--seconds", "2",
              "--relay", start_relay(relay, "--listen", ADDRESS, "--port", "0", "--ephemeral-key"),
              "--bind-address", ADDRESS,
              "--video-sink", "fakesink sync=true", "--audio-sink", "fakesink sync=true"]
    bob = start("bob", common)
    alice = start("alice", [*common, "--call"])
    return wait_all(alice, bob)


# ---- launch.md ----

def only_loopback():
    """Moves to a network of loopback alone, if that is allowed here."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0 and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(s, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    return True


def read_sections():
    """Yields each title with its commands."""
    with open(os.path.join(HERE, "launch.md"), encoding="utf-8") as file:
        text = file.read()
    for section in text.split("\n## ")[1:]:
        commands = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
        yield section.splitlines()[0], [c.replace("\\\n", " ") for c in commands]


def testable(command, address):
    """The command with other sinks, and at @address where the network is shared."""
    numbers = iter(range(10))
    command = re.sub(r"auto(video|audio)sink",
                     lambda m: f"fakesink name=out{next(numbers)} silent=false sync=true", command)
    if address:
        command = command.replace("//localhost/", f"//{address}/")
        command = re.sub(r" (wzpsink|wzpsrc) ", rf" \1 bind-address={ADDRESS} ", command)
    return re.sub(r" +", " ", command.replace("gst-launch-1.0", "exec gst-launch-1.0 -v")).strip()


class Launch:
    """A gst-launch-1.0 whose sinks are counted."""

    def __init__(self, name, command):
        self.counts = {sink: 0 for sink in re.findall(r"name=(out\d)", command)}
        self.tail = []
        self.process = start(name, ["sh", "-c", command], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            out = re.search(r"GstFakeSink:(out\d): last-message = chain", line)
            if out:
                self.counts[out[1]] += 1
            elif "last-message" not in line:
                self.tail = [*self.tail[-20:], line.rstrip()[:300]]

    def is_satisfied(self):
        return all(count >= PICTURES for count in self.counts.values())

    def stop(self):
        """FALSE: it had ended before, or does not end in order."""
        if self.process.poll() is not None:
            return False
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            return False
        self.thread.join()
        return self.process.returncode in (0, 1, -signal.SIGINT)


def run_section(title, commands, address):
    print(f"## {title}")
    begin = time.monotonic()
    launches = [Launch(f"terminal {i + 1}", testable(command, address))
                for i, command in enumerate(commands)]
    while (not all(launch.is_satisfied() for launch in launches) and
           all(launch.process.poll() is None for launch in launches) and
           time.monotonic() - begin < SECONDS):
        time.sleep(0.05)
    satisfied = all(launch.is_satisfied() for launch in launches)
    # Those that send first: a stop of one side is no error of the other's.
    stopped = all([launch.stop() for launch in reversed(launches)])
    counts = [count for launch in launches for count in launch.counts.values()]
    good = satisfied and stopped and counts
    print(f"{'passed' if good else 'FAILED'}: {counts} buffers, {time.monotonic() - begin:.1f} s")
    if not good:
        for launch in launches:
            print("  " + "\n  ".join(launch.tail))
    return bool(good)


def launch(relay):
    need_elements("x264enc", "h264parse", "decodebin", "opusenc", "opusdec",
                  "mpegtsmux", "tsdemux")
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, XDG_CONFIG_HOME=home, XDG_STATE_HOME=home)
        if only_loopback():
            address = None
            start_relay(relay)
        else:
            print("no network of its own: the relay and the lines get 127.0.0.1")
            address = start_relay(relay, "--listen", ADDRESS, "--port", "0", "--ephemeral-key")
        failed = [title for title, commands in read_sections()
                  if not run_section(title, commands, address)]
    print(f"failed: {failed}" if failed else "all as they should be")
    return 1 if failed else 0


def main():
    try:
        return {"pair": pair, "two-way": two_way, "launch": launch}[sys.argv[1]](*sys.argv[2:])
    finally:
        end_all()


if __name__ == "__main__":
    sys.exit(main())
