#!/usr/bin/env python3
"""A call without a relay; the application carries the candidates itself.

Here by hand, or by whatever joins two programs' input and output: each prints
one line and reads that of the other side.

    app_signalling.py receive          in one terminal,
    app_signalling.py send             in another: paste each line into the other

Needs python3-gi and gir1.2-gstreamer-1.0. Speaks to app-signalling.c, too.
"""
import argparse
import sys
import threading

import gi
gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst

SEND = ("videotestsrc is-live=true pattern=ball num-buffers={buffers} ! "
        "video/x-raw,format=I420,framerate=30/1 ! "
        "x264enc tune=zerolatency key-int-max=60 ! h264parse ! "
        "wzpsink name=wzp mode=app")
RECEIVE = "wzpsrc name=wzp mode=app ! decodebin ! videoconvert ! {sink}"


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["send", "receive"])
    parser.add_argument("--seconds", type=int, help="send for so long")
    parser.add_argument("--bind-address", help="local address to use")
    parser.add_argument("--sink", default="autovideosink", help="where pictures go")
    return parser.parse_args()


class Call:
    def __init__(self, args):
        buffers = args.seconds * 30 if args.seconds else -1
        text = SEND if args.what == "send" else RECEIVE
        self.pipeline = Gst.parse_launch(text.format(buffers=buffers, sink=args.sink))
        self.wzp = self.pipeline.get_by_name("wzp")
        self.wzp.set_property("bind-address", args.bind_address)
        self.wzp.connect("local-candidates", self.on_local_candidates)
        self.wzp.connect("notify::connection-state", self.on_notify)
        self.wzp.connect("notify::path", self.on_notify)
        self.loop = GLib.MainLoop()
        self.failed = False
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::eos", self.on_eos)
        bus.connect("message::error", self.on_error)

    def on_local_candidates(self, wzp, candidates):
        """Our addresses and keys are known. A structure survives being made text."""
        print(candidates.to_string(), flush=True)

    def read_lines(self):
        """The peer's line: with it the call begins."""
        for line in sys.stdin:
            candidates = Gst.Structure.from_string(line.strip())[0]
            if candidates is None or not self.wzp.emit("set-remote-candidates", candidates):
                print("these are no candidates, or not of this call", file=sys.stderr)

    def on_notify(self, wzp, pspec):
        """The state and the path can be asked for, and are told when they change."""
        print(f"{pspec.name}: {wzp.get_property(pspec.name).value_nick}", file=sys.stderr)

    def on_eos(self, bus, message):
        self.loop.quit()

    def on_error(self, bus, message):
        print(f"{message.src.get_name()}: {message.parse_error()[0].message}", file=sys.stderr)
        self.failed = True
        self.loop.quit()

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        threading.Thread(target=self.read_lines, daemon=True).start()
        try:
            self.loop.run()
        except KeyboardInterrupt:
            pass
        self.pipeline.set_state(Gst.State.NULL)


def main():
    args = parse()
    Gst.init(None)
    call = Call(args)
    call.run()
    # How many frames went the way that this program is for.
    field = "frames-sent" if args.what == "send" else "frames-received"
    frames = call.wzp.get_property("stats").get_uint64(field)[1]
    print(f"{field}: {frames}", file=sys.stderr)
    return 1 if call.failed or frames == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
