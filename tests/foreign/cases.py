#!/usr/bin/env python3
"""Calls between wzpsink, wzpsrc and a peer of another make, over loopback.

    cases.py RELAY LAUNCH CASE     RELAY: the program wzp-relay; LAUNCH: tests/foreign/launch
    cases.py --list                the cases

One line on standard output says what was done. Exit code 77: something that is needed is
not here, and a line says what.
"""
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile

SKIP = 77
HERE = os.path.dirname(os.path.abspath(__file__))
# What ./dev test makes where the system has no package of aioquic.
VENV_PYTHON = os.path.join(HERE, "..", "..", "build", "foreign-venv", "bin", "python")
SLOWER = int(os.environ.get("WZP_TEST_SLOWER", "1"))
SECONDS = 25 * SLOWER



def find_python():
    """Another Python of this machine that has what is needed; None: there is none."""
    for python in VENV_PYTHON, "python3", "/usr/bin/python3":
        try:
            if subprocess.run([python, "-c", "import aioquic, cryptography"],
                              stderr=subprocess.DEVNULL).returncode == 0:
                return python
        except OSError:
            pass
    return None


try:
    from wzp_foreign import identity as ids
    from wzp_foreign import media, messages
    from wzp_foreign.peer import Behaviour, Peer
except ImportError as missing:
    python = find_python() if "WZP_FOREIGN_PYTHON" not in os.environ else None
    if python is not None:
        os.environ["WZP_FOREIGN_PYTHON"] = python
        os.execvp(python, [python, os.path.abspath(__file__), *sys.argv[1:]])
    print(f"skipped: {missing}: no Python here has aioquic (./dev test brings it along)")
    # The machine that runs every push is to have it.
    sys.exit(1 if "CI" in os.environ else SKIP)

N = 40
INTERVAL = 0.02


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


def make_frames(seed, n=N):
    """Of all sizes: empty but for a byte, one datagram, many."""
    rand = random.Random(seed)
    sizes = [1, 13, 1000, 1080, 1090, 1100, 1110, 2500, 20000]
    return [rand.randbytes(sizes[i % len(sizes)]) for i in range(n)]


class Program:
    """A process of ours; its lines are kept."""

    def __init__(self, name):
        self.name, self.lines, self.process = name, [], None
        self.changed = asyncio.Event()

    async def start(self, *argv):
        self.process = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        self.reading = asyncio.ensure_future(self._read())
        return self

    async def _read(self):
        async for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())
            self.changed.set()
        self.changed.set()

    async def line(self, begins, timeout=10.0):
        """The first line that begins so, once it is there."""
        end = asyncio.get_running_loop().time() + timeout * SLOWER
        while True:
            for line in self.lines:
                if line.startswith(begins):
                    return line
            left = end - asyncio.get_running_loop().time()
            check(left > 0 and not self.reading.done(),
                  f"{self.name} does not say {begins!r}")
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), left)
            except asyncio.TimeoutError:
                pass

    def count(self, begins):
        return sum(line.startswith(begins) for line in self.lines)

    async def stop(self):
        if self.process is None:
            return
        if self.process.returncode is None:
            try:
                self.process.send_signal(signal.SIGTERM)
            except ProcessLookupError:
                pass
        try:
            await asyncio.wait_for(self.process.wait(), 5 * SLOWER)
        except asyncio.TimeoutError:
            self.process.kill()
            await self.process.wait()


class Stage:
    """A relay, our side and the other make's, in a folder of their own."""

    def __init__(self, relay, launch, folder):
        self.relay_program, self.launch, self.folder = relay, launch, folder
        self.relay = Program("wzp-relay")
        self.ours = Program("launch")
        self.peer = None
        self.seed = bytes(range(7, 39))
        os.environ["WZP_FEED"] = folder

    async def start(self, behaviour, alias="foreign"):
        await self.relay.start(self.relay_program, "--listen", "127.0.0.1", "--port", "0",
                               "--ephemeral-key", "--print-address")
        line = await self.relay.line("relay=")
        self.address = line.split()[0][len("relay="):]
        with open(self.path("seed"), "wb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(self.seed)
        self.peer = Peer(self.address, behaviour, alias)

    def path(self, name):
        return os.path.join(self.folder, name)

    def element(self, kind, name, more):
        policy = "all" if self.peer.how.role else "relay"
        return [kind, "name=wzp", f"uri=wzp://{self.address}/{name}", "bind-address=127.0.0.1",
                f"identity-file={self.path('seed')}", f"transport-policy={policy}", *more]

    async def start_src(self, name="ours", *more):
        await self.ours.start(self.launch, *self.element("wzpsrc", name, more), "!",
                              "multifilesink", f"location={self.path('out-%05d')}",
                              "next-file=buffer", "sync=false", "async=false")

    async def start_sink(self, frames, name="foreign", *more):
        """Frames of N files, 50 a second, once somebody is connected."""
        for i, frame in enumerate(frames):
            with open(self.path(f"in-{i:05d}"), "wb") as file:
                file.write(frame)
        await self.ours.start(
            self.launch, "appsrc", "name=feed", "format=time", "caps=application/x-ours", "!",
            *self.element("wzpsink", name, ["sync=false", *more]))

    async def ours_listens(self):
        """Until the relay knows our side."""
        for _ in range(200):
            fields = await self.peer.ask(
                "AliasResolved", messages.encode("ResolveAlias", {"alias": "ours"}))
            if fields.get("fingerprint"):
                check(fields["fingerprint"] == ids.Identity(self.seed).fingerprint,
                      "the identity file gives another fingerprint than the document says")
                return fields["fingerprint"]
            await asyncio.sleep(0.05)
        raise Failed("our side does not register")

    def received(self):
        """What our side wrote: a list of bytes, one a buffer."""
        names = sorted(name for name in os.listdir(self.folder) if name.startswith("out-"))
        found = []
        for name in names:
            with open(self.path(name), "rb") as file:
                found.append(file.read())
        return found

    async def check_received(self, blobs, timeout=8.0):
        """Buffer by buffer; the last file may still be under way."""
        end = asyncio.get_running_loop().time() + timeout * SLOWER
        while (got := self.received()) != blobs and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.05)
        check_same(got, blobs, "wzpsrc")

    async def end(self):
        if self.peer is not None:
            self.peer.close()
        await self.ours.stop()
        await self.relay.stop()


# ---- what several cases share ----

def check_same(got, sent, what):
    check(len(got) == len(sent), f"{what}: {len(got)} of {len(sent)} buffers came, without "
          f"{[i for i, blob in enumerate(sent) if blob not in got]}")
    for i, (a, b) in enumerate(zip(got, sent)):
        check(a == b, f"{what}: buffer {i} differs: {len(a)} bytes, {len(b)} were sent")


def media_frames(blobs):
    return [media.Frame(blob, pts=i * 20_000_000, duration=20_000_000,
                        flags=0 if i % 10 == 0 else media.DELTA_UNIT)
            for i, blob in enumerate(blobs)]


def describe(peer, call):
    how = peer.how
    return ", ".join([
        f"path {call.path}", f"reports sent and got: {call.sent_report}/{call.reports}",
        "certificate" if how.certificate else "no certificate",
        f"{call.call_answers} CallAnswer"])


async def foreign_calls_and_sends(stage, behaviour, path, *more):
    """The foreign peer calls wzpsrc, sends; every buffer comes out as it was."""
    await stage.start(behaviour)
    await stage.start_src("ours", *more)
    await stage.peer.start()
    call = await stage.peer.call(await stage.ours_listens())
    check(call.path == path, f"the foreign peer is on {call.path}, not {path}: "
          f"{call.direct_refusals}")
    await stage.ours.line(f"path: {path}")
    blobs = make_frames(1)
    await call.send(media_frames(blobs), INTERVAL)
    await stage.check_received(blobs)
    return call, f"{len(blobs)} buffers byte by byte"


async def ours_calls_and_sends(stage, behaviour, path):
    """wzpsink calls the foreign peer, which puts the frames together."""
    await stage.start(behaviour)
    await stage.peer.start()
    blobs = make_frames(2)
    await stage.start_sink(blobs)
    call = await stage.peer.called()
    check(call.path == path, f"the foreign peer is on {call.path}, not {path}: "
          f"{call.direct_refusals}")
    frames = await call.receive(len(blobs), 8.0 * SLOWER)
    check_frames(frames, blobs)
    check(call.receiver.paths == {path}, f"media came by {call.receiver.paths}")
    check(call.receiver.controls == 0, f"{call.receiver.controls} control datagrams came")
    check(call.receiver.bad == 0, f"{call.receiver.bad} datagrams were bad")
    hangup = await asyncio.wait_for(call.hung_up, 8.0 * SLOWER)
    check(hangup["reason"] == "Normal", f"wzpsink hung up with {hangup}")
    await stage.ours.line("eos")
    return call, f"{len(blobs)} frames byte by byte, then Hangup Normal"


def check_frames(frames, blobs):
    check(sorted(frames) == list(range(len(blobs))),
          f"{len(frames)} of {len(blobs)} frames came: {sorted(frames)[:50]}")
    times = [frames[i].pts for i in range(len(blobs))]
    check_same([frames[i].data for i in range(len(blobs))], blobs, "the foreign peer")
    check(all(b - a == 20_000_000 for a, b in zip(times, times[1:])), f"times: {times[:5]}")
    check(all(f.duration == 20_000_000 for f in frames.values()), "durations")
    check([i for i in frames if not frames[i].flags & media.DELTA_UNIT] ==
          list(range(0, len(blobs), 10)), "key frames")


# ---- the cases ----

CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


@case
async def calls_by_relay(stage):
    """Called by the foreign peer, by the relay, which it enters by CallOffer, no certificate."""
    return await foreign_calls_and_sends(stage, Behaviour(certificate=False), "relay")


@case
async def calls_by_relay_certificate(stage):
    """The same with a certificate and without CallOffer."""
    return await foreign_calls_and_sends(stage, Behaviour(offer_first=False), "relay")


@case
async def calls_as_dialer(stage):
    """Called by the foreign peer, which dials without a certificate and proves itself."""
    return await foreign_calls_and_sends(
        stage, Behaviour(role="dialer", certificate=False), "direct")


@case
async def calls_as_dialer_certificate(stage):
    """The same with a certificate: nothing else to prove."""
    return await foreign_calls_and_sends(
        stage, Behaviour(role="dialer", direct_offer=False), "direct")


@case
async def calls_as_acceptor(stage):
    """Called by the foreign peer, dialled by us: our CallOffer is answered there."""
    call, what = await foreign_calls_and_sends(
        stage, Behaviour(role="acceptor", certificate=False), "direct")
    check(call.call_answers == 2, "our side did not say CallOffer on the direct connection")
    return call, what


@case
async def called_by_relay(stage):
    """wzpsink calls the foreign peer, by the relay."""
    return await ours_calls_and_sends(stage, Behaviour(certificate=False), "relay")


@case
async def called_as_dialer(stage):
    """wzpsink calls the foreign peer, which dials without a certificate."""
    return await ours_calls_and_sends(
        stage, Behaviour(role="dialer", certificate=False), "direct")


@case
async def called_as_acceptor(stage):
    """wzpsink calls the foreign peer and dials it."""
    return await ours_calls_and_sends(
        stage, Behaviour(role="acceptor", certificate=False), "direct")


@case
async def strange_words(stage):
    """Unknown messages and fields from the foreign peer, wherever they fit."""
    call, what = await foreign_calls_and_sends(
        stage, Behaviour(role="dialer", certificate=False, strange=True), "direct")
    call.hang_up()
    await stage.ours.line("connection-state: disconnected")
    return call, what + ", hang-up understood"


@case
async def strange_words_called(stage):
    """The same when it is called, by the relay; and it skips what it does not know of ours."""
    call, what = await ours_calls_and_sends(
        stage, Behaviour(certificate=False, strange=True), "relay")
    check("wzp" in call.offer, "our offer has no extension object to be skipped")
    return call, what


@case
async def empty_extension(stage):
    """A `wzp` object without any feature is a plain call too."""
    return await foreign_calls_and_sends(
        stage, Behaviour(certificate=False, extension={"features": [], "new": 1}), "relay")


@case
async def sealed_without_control(stage):
    """Features are taken one by one: sealed by the relay, agreed by MediaPathReport."""
    return await foreign_calls_and_sends(
        stage, Behaviour(certificate=False, extension={"features": ["sealed"]}), "relay")


@case
async def sealed_without_control_called(stage):
    """The same the other way round."""
    return await ours_calls_and_sends(
        stage, Behaviour(certificate=False, extension={"features": ["sealed"]}), "relay")


@case
async def hang_up_theirs(stage):
    """Hangup of the foreign peer ends our stream; then it calls again."""
    await stage.start(Behaviour(certificate=False))
    await stage.start_src()
    await stage.peer.start()
    target = await stage.ours_listens()
    call = await stage.peer.call(target)
    await call.send(media_frames(make_frames(3, 10)), INTERVAL)
    await stage.check_received(make_frames(3, 10))
    call.hang_up()
    await stage.ours.line("connection-state: disconnected")
    again = await stage.peer.call(target)
    await again.send(media_frames(make_frames(4, 10)), INTERVAL)
    await stage.check_received(make_frames(3, 10) + make_frames(4, 10))
    return again, "Hangup Normal ended the first call, a second one went on"


@case
async def hang_up_ours(stage):
    """wzpsrc goes: the foreign peer hears Hangup."""
    await stage.start(Behaviour(role="dialer", certificate=False))
    await stage.start_src()
    await stage.peer.start()
    call = await stage.peer.call(await stage.ours_listens())
    await stage.ours.line("path: direct")
    await stage.ours.stop()
    hangup = await asyncio.wait_for(call.hung_up, 5.0 * SLOWER)
    check(hangup["reason"] == "Normal", f"wzpsrc hung up with {hangup}")
    return call, "Hangup Normal heard"


@case
async def not_ok(stage):
    """A direct connection is up, but the foreign peer says not ok: both take the relay."""
    call, what = await foreign_calls_and_sends(
        stage, Behaviour(role="dialer", certificate=False, report="not-ok"), "relay")
    check(call.direct_up.is_set(), "no direct connection was there to begin with")
    return call, what


@case
async def silent(stage):
    """No MediaPathReport of the foreign peer: the relay after 3 s."""
    call, what = await foreign_calls_and_sends(
        stage, Behaviour(role="dialer", certificate=False, report="silent"), "relay")
    check(call.direct_up.is_set(), "no direct connection was there to begin with")
    return call, what


@case
async def impostor(stage):
    """A direct connection whose CallOffer another key has signed is refused."""
    await stage.start(Behaviour(role="dialer", certificate=False, impostor=True,
                                offer_first=False))
    await stage.start_src()
    await stage.peer.start()
    target = await stage.ours_listens()
    try:
        call = await asyncio.wait_for(stage.peer.call(target), 8.0 * SLOWER)
        check(call.path == "relay", "the impostor is on the direct path")
    except ConnectionError as error:
        raise Failed(f"the room: {error}") from error
    check(any("2" in refusal and "not signed" in refusal for refusal in call.direct_refusals),
          f"refused with {call.direct_refusals}")
    return call, f"refused: {call.direct_refusals[0]}"


@case
async def no_certificate_with_control(stage):
    """Without a certificate no direct connection of a call that has a control channel."""
    await stage.start(Behaviour(role="dialer", certificate=False,
                                extension={"features": ["control"]}))
    await stage.start_src()
    await stage.peer.start()
    call = await stage.peer.call(await stage.ours_listens())
    check(call.path == "relay", f"the foreign peer is on {call.path}")
    check(any("2" in refusal for refusal in call.direct_refusals),
          f"refused with {call.direct_refusals}")
    check(not any(call.reports), "MediaPathReport beside a control channel says more than that "
          f"ours is at the relay: {call.reports}")
    return call, f"refused: {call.direct_refusals[0]}"


@case
async def private(stage):
    """accept-mode=generic towards a foreign peer: no address of ours, the relay only."""
    call, what = await foreign_calls_and_sends(
        stage, Behaviour(role="dialer", certificate=False), "relay", "accept-mode=generic")
    told = {**call.answer, **call.setup.result()}
    addresses = [key for key in told if "addr" in key and key != "relay_addr"]
    check(not addresses, f"told: {addresses}")
    check(not call.direct_refusals and not call.direct_up.is_set(), "direct was tried")
    return call, what


@case
async def direct_lost(stage):
    """The direct connection ends during the call: both go on by the relay."""
    await stage.start(Behaviour(role="dialer", certificate=False))
    await stage.start_src()
    await stage.peer.start()
    call = await stage.peer.call(await stage.ours_listens())
    await stage.ours.line("path: direct")
    blobs = make_frames(5, 20)
    frames = media_frames(blobs)
    await call.send(frames[:10], INTERVAL)
    await stage.check_received(blobs[:10])
    call.direct.close(0, "not wanted any more")
    await stage.ours.line("path: relay")
    for _ in range(100):
        if call.path == "relay":
            break
        await asyncio.sleep(0.05)
    check(call.reports == [True, False], f"our side reported {call.reports}")
    await call.send(frames[10:], INTERVAL)
    await stage.check_received(blobs)
    return call, "path direct, then relay; 20 buffers byte by byte"


@case
async def key_frames(stage):
    """A plain peer cannot ask for key frames: wzpsink makes one each 5 s unasked."""
    await stage.start(Behaviour(certificate=False))
    await stage.peer.start()
    await stage.start_sink(make_frames(6, 400))
    call = await stage.peer.called()
    await call.receive(50, 5.0)
    before = stage.ours.count("key-unit")
    await call.receive(300, 9.0)
    n = stage.ours.count("key-unit")
    check(before >= 1, "no key unit was forced at the beginning")
    check(n > before, f"{n} key units were forced, none of them later")
    return call, f"{n} key units forced in {len(call.receiver.frames[1]) / 50:.0f} s of media"


@case
async def viewer(stage):
    """The foreign peer calls a wzpsink that listens, and receives."""
    await stage.start(Behaviour(role="dialer", certificate=False))
    await stage.peer.start()
    blobs = make_frames(7)
    await stage.start_sink(blobs, "ours", "mode=listener")
    call = await stage.peer.call(await stage.ours_listens())
    check(call.path == "direct", f"the foreign peer is on {call.path}")
    check_frames(await call.receive(len(blobs), 8.0 * SLOWER), blobs)
    return call, f"{len(blobs)} frames byte by byte"


@case
async def source(stage):
    """wzpsrc calls the foreign peer, which sends and hangs up; wzpsrc calls again."""
    await stage.start(Behaviour(role="acceptor", certificate=False))
    await stage.peer.start()
    await stage.start_src("foreign", "mode=caller")
    call = await stage.peer.called()
    check(call.path == "direct", f"the foreign peer is on {call.path}")
    await stage.ours.line("path: direct")
    blobs = make_frames(8)
    await call.send(media_frames(blobs), INTERVAL)
    await stage.check_received(blobs)
    call.hang_up()
    await stage.ours.line("connection-state: disconnected")
    again = await stage.peer.called()
    check(again.path == "direct", f"the foreign peer is on {again.path} the second time")
    more = make_frames(9, 10)
    await again.send(media_frames(more), INTERVAL)
    await stage.check_received(blobs + more)
    return again, f"{len(blobs)} buffers byte by byte, after the hang-up {len(more)} more"


async def run(relay, launch, name):
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(relay, launch, folder)
        try:
            call, what = await asyncio.wait_for(CASES[name](stage), SECONDS)
            print(f"{name}: {CASES[name].__doc__.strip()} -> {what}; {describe(stage.peer, call)}")
            return 0
        except (Failed, asyncio.TimeoutError, ConnectionError) as error:
            print(f"{name}: FAILED: {error or type(error).__name__}")
            for program in stage.relay, stage.ours:
                print(f"{program.name} said:\n  " + "\n  ".join(program.lines[-60:]))
            return 1
        finally:
            await stage.end()


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
        return 0
    if len(sys.argv) != 4 or sys.argv[3] not in CASES:
        sys.exit(__doc__)
    return asyncio.run(run(*sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
