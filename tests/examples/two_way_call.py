#!/usr/bin/env python3
"""Sound and picture, both ways, in one call.

    wzp-relay                          somewhere that both reach
    two_way_call.py bob                Bob waits under his name,
    two_way_call.py bob --call         Alice calls it

Four elements name the same session, and so share one call; the property flow
tells the streams apart. What is sent is a test picture and a tone, or, with
--camera, what this machine sees and hears.

Needs python3-gi and gir1.2-gstreamer-1.0.
"""
import argparse
import sys

import gi
gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst

# Two pipelines: in one, what is sent would wait for as long as what is received
# is buffered before it is played.
SEND = """
  {picture} ! videoconvert ! video/x-raw,format=I420
    ! x264enc tune=zerolatency key-int-max=60 ! h264parse ! wzpsink session=call flow=video {call}
  {sound} ! audioconvert ! audioresample ! opusenc
    ! wzpsink session=call flow=audio {call}
"""
RECEIVE = """
  wzpsrc name=video session=call flow=video keep-listening=false {call}
    ! decodebin ! videoconvert ! {video_sink}
  wzpsrc name=audio session=call flow=audio keep-listening=false {call}
    ! opusdec ! audioconvert ! audioresample ! {audio_sink}
"""


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", help="who waits, and is called")
    parser.add_argument("--call", action="store_true", help="call NAME instead of waiting")
    parser.add_argument("--relay", default="localhost", help="host[:port]")
    parser.add_argument("--bind-address", help="local address to use")
    parser.add_argument("--camera", action="store_true", help="send camera and microphone")
    parser.add_argument("--seconds", type=int, help="send for so long, then hang up")
    parser.add_argument("--video-sink", default="autovideosink")
    parser.add_argument("--audio-sink", default="autoaudiosink")
    return parser.parse_args()


def sources(args):
    if args.camera:
        return "autovideosrc", "autoaudiosrc"
    pictures = args.seconds * 30 if args.seconds else -1
    sounds = args.seconds * 50 if args.seconds else -1
    pattern, tone = ("smpte", 880) if args.call else ("ball", 440)
    return (f"videotestsrc is-live=true pattern={pattern} num-buffers={pictures}"
            " ! video/x-raw,framerate=30/1",
            f"audiotestsrc is-live=true freq={tone} samplesperbuffer=960"
            f" num-buffers={sounds} ! audio/x-raw,rate=48000")


def settings(args):
    """Of the call. One element with them is enough; all four may say the same."""
    text = f"uri=wzp://{args.relay}/{args.name} mode={'caller' if args.call else 'listener'}"
    if args.bind_address:
        text += f" bind-address={args.bind_address}"
    return text


class TwoWayCall:
    def __init__(self, args):
        picture, sound = sources(args)
        fields = {"picture": picture, "sound": sound, "call": settings(args),
                  "video_sink": args.video_sink, "audio_sink": args.audio_sink}
        self.pipelines = [Gst.parse_launch(text.format(**fields)) for text in (SEND, RECEIVE)]
        self.running = len(self.pipelines)
        self.failed = False
        self.received = {"video": 0, "audio": 0}
        self.loop = GLib.MainLoop()
        for pipeline in self.pipelines:
            bus = pipeline.get_bus()
            bus.add_signal_watch()
            bus.connect("message", self.on_message, pipeline)
        for name in self.received:
            source = self.pipelines[1].get_by_name(name)
            pad = source.get_static_pad("src")
            pad.add_probe(Gst.PadProbeType.BUFFER, self.on_buffer, name)
        # All elements share the call: one of them is enough to watch it.
        source.connect("notify::connection-state", self.on_notify)
        source.connect("notify::path", self.on_notify)

    def on_buffer(self, pad, info, name):
        self.received[name] += 1
        return Gst.PadProbeReturn.OK

    def on_notify(self, source, pspec):
        print(f"{pspec.name}: {source.get_property(pspec.name).value_nick}")

    def on_message(self, bus, message, pipeline):
        if message.type == Gst.MessageType.ERROR:
            print(f"{message.src.get_name()}: {message.parse_error()[0].message}")
            self.failed = True
            self.loop.quit()
        elif message.type == Gst.MessageType.WARNING:
            print(f"{message.src.get_name()}: {message.parse_warning()[0].message}")
        elif message.type == Gst.MessageType.LATENCY:
            pipeline.recalculate_latency()
        elif message.type == Gst.MessageType.EOS:
            # Hangs up when both sides have sent all.
            self.running -= 1
            if self.running == 0:
                self.loop.quit()

    def run(self):
        # All are in READY, and so in the session, before the first goes on.
        for state in (Gst.State.READY, Gst.State.PLAYING):
            for pipeline in self.pipelines:
                pipeline.set_state(state)
        try:
            self.loop.run()
        except KeyboardInterrupt:
            pass
        for pipeline in self.pipelines:
            pipeline.set_state(Gst.State.NULL)


def main():
    args = parse()
    Gst.init(None)
    call = TwoWayCall(args)
    call.run()
    print("received: " + ", ".join(f"{n} of {name}" for name, n in call.received.items()))
    return 1 if call.failed or 0 in call.received.values() else 0


if __name__ == "__main__":
    sys.exit(main())
