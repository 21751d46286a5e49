"""A whole peer: registers, calls, is called, races, agrees by MediaPathReport."""
import asyncio
import os
import random

from . import identity as ids
from . import media, messages, wire

DIRECT_S, RELAY_S, REPORT_S = 2.0, 10.0, 3.0
# Roles go by the text of the reflexive addresses. What a kernel gives by itself is
# between 32768 and 60999: these are a smaller and a larger text.
ACCEPTOR_PORTS, DIALER_PORTS = (10000, 19999), (9000, 9999)


class Refused(Exception):
    pass


class Behaviour:
    """How this peer differs from others."""

    def __init__(self, **given):
        self.certificate = True   # shows a client certificate
        self.extension = None     # the object `wzp` of its offers and answers
        self.offer_first = True   # CallOffer first on the relay's room, CallAnswer awaited
        self.direct_offer = None  # the same on a direct connection that it dials; None: as needed
        self.role = None          # "dialer", "acceptor"; None: relay only
        self.report = "truth"     # or "silent", "not-ok"
        self.strange = False      # unknown messages and fields wherever they fit
        self.impostor = False     # signs its CallOffers with another key
        for name, value in given.items():
            getattr(self, name)
            setattr(self, name, value)


class Peer:
    def __init__(self, relay, behaviour, alias=None):
        self.relay, self.how, self.alias = relay, behaviour, alias
        self.identity = ids.Identity()
        self.server = self.signal = None
        self.reflexive, self.local = None, []
        self.calls, self.incoming = {}, asyncio.Queue()
        # Of a call whose answer has not been looked at yet:
        self.early, self.early_wires = [], []
        self.waiting = {}    # name of a message: future
        self.unknown = []    # names of messages that this make does not know
        self.ringing = asyncio.Event()

    def shown(self):
        return self.identity if self.how.certificate else None

    def more(self):
        """Fields nobody has heard of."""
        return {"from_the_future": {"a": [1, None, "b"]}, "zz": 1.5} if self.how.strange else {}

    def extension(self):
        return {"wzp": self.how.extension} if self.how.extension is not None else {}

    async def start(self):
        low, high = DIALER_PORTS if self.how.role == "dialer" else ACCEPTOR_PORTS
        self.signal = await self._somewhere(low, high, lambda port: wire.dial(
            self.relay, "_signal", self.shown(), port=port))
        asyncio.ensure_future(self._read())
        if self.how.strange:
            self.signal.send(messages.encode("Telepathy", {"range_m": 3}))
            self.signal.send(messages.encode("Yawn"))
        ack = await self.ask("RegisterPresenceAck", messages.register(
            self.identity, self.alias, **self.more()))
        if not ack["success"]:
            raise Refused(ack.get("error"))
        observed = (await self.ask("ReflectResponse", messages.encode("Reflect")))["observed_addr"]
        if self.how.role == "dialer":
            self.reflexive = observed
        elif self.how.role == "acceptor":
            self.server = await self._somewhere(*ACCEPTOR_PORTS, lambda port: wire.listen(
                self.identity, port, self._accept))
            self.reflexive = "127.0.0.1:%d" % self.server._transport.get_extra_info("sockname")[1]
            self.local = [self.reflexive]

    async def _somewhere(self, low, high, bind):
        for _ in range(50):
            try:
                return await bind(random.randint(low, high))
            except OSError as error:
                if isinstance(error, ConnectionError):
                    raise
        raise Refused("no port is free")

    def close(self):
        for call in self.calls.values():
            call.close()
        if self.server is not None:
            self.server.close()
        if self.signal is not None:
            self.signal.close()

    async def ask(self, name, message, timeout=5.0):
        """Sends a message and waits for the one that answers it."""
        future = self.waiting[name] = asyncio.get_running_loop().create_future()
        self.signal.send(message)
        return await asyncio.wait_for(future, timeout)

    async def _read(self):
        while (item := await self.signal.messages.get()) is not None:
            name, fields = item
            self._take(name, fields)

    def _take(self, name, fields):
        future = self.waiting.pop(name, None)
        call = self.calls.get(fields.get("call_id"))
        if future is not None:
            future.set_result(fields)
        elif name == "DirectCallOffer":
            self._take_offer(fields)
        elif name == "CallRinging":
            self.ringing.set()
        elif name == "Ping":
            self.signal.send(messages.encode("Pong", fields))
        elif name == "Hangup":
            for each in [call] if call else self.calls.values():
                each.hung_up.set_result(fields) if not each.hung_up.done() else None
        elif name == "MediaPathReport" and call:
            call.take_report(fields["direct_ok"])
        elif name == "CallSetup" and call:
            call.setup.set_result(fields)
        elif name in ("CallSetup", "MediaPathReport"):
            self.early.append((name, fields))
        elif name in ("DirectCallAnswer", "CandidateUpdate"):
            pass
        else:
            self.unknown.append(name)

    def _take_offer(self, offer):
        public = bytes(offer["identity_pub"])
        ephemeral = bytes(offer["ephemeral_pub"])
        covered = ephemeral + self.identity.fingerprint.encode() + offer["call_id"].encode()
        if ids.fingerprint(public) != offer["caller_fingerprint"] or not ids.verify(
                public, bytes(offer["signature"]), covered):
            self.signal.send(messages.hangup("Declined", offer["call_id"]))
            return
        call = Call(self, offer["call_id"], public, ids.Ephemeral(), ephemeral)
        call.offer = offer
        self.calls[call.id] = call
        self.signal.send(messages.encode("CallRinging", {"call_id": call.id, **self.more()}))
        self.signal.send(messages.direct_call_answer(
            self.identity, call.ephemeral, offer["caller_fingerprint"], call.id,
            self.reflexive, self.local, **self.extension(), **self.more()))
        self.incoming.put_nowait(call)

    async def called(self, timeout=10.0):
        """The next call that comes, its race over."""
        call = await asyncio.wait_for(self.incoming.get(), timeout)
        await call.race()
        return call

    async def call(self, target):
        """Calls a fingerprint; returns when the race is over."""
        call_id, ephemeral = os.urandom(16).hex(), ids.Ephemeral()
        answer = await self.ask("DirectCallAnswer", messages.direct_call_offer(
            self.identity, ephemeral, target, call_id, self.reflexive, self.local,
            **self.extension(), **self.more()), 15.0)
        if answer["accept_mode"] == "Reject":
            raise Refused("rejected")
        public, theirs = bytes(answer["identity_pub"]), bytes(answer["ephemeral_pub"])
        covered = theirs + self.identity.fingerprint.encode() + call_id.encode()
        if ids.fingerprint(public) != target or not ids.verify(
                public, bytes(answer["signature"]), covered):
            raise Refused("the answer is of somebody else")
        call = Call(self, call_id, public, ephemeral, theirs)
        call.answer = answer
        self.calls[call_id] = call
        early, self.early = self.early, []
        for name, fields in early:
            self._take(name, fields)
        early, self.early_wires = self.early_wires, []
        for incoming in early:
            self._accept(incoming)
        await call.race()
        return call

    def _accept(self, incoming):
        for call in self.calls.values():
            if incoming.peer_public() == call.peer_public and not call.is_over():
                call.accepted(incoming)
                return
        if len(self.early_wires) < 4:
            self.early_wires.append(incoming)
        else:
            incoming.close(2, "not expected here")


class Call:
    def __init__(self, peer, call_id, peer_public, ephemeral, peer_ephemeral):
        loop = asyncio.get_running_loop()
        self.peer, self.id, self.peer_public = peer, call_id, peer_public
        self.ephemeral = ephemeral
        features = (peer.how.extension or {}).get("features", [])
        self.sealed = "sealed" in features
        ours, theirs = ephemeral.seals(peer_ephemeral, call_id)
        self.sender = media.Sender(1, media.Seal(*ours))
        self.receiver = media.Receiver(media.Seal(*theirs))
        self.offer = self.answer = None
        self.setup = loop.create_future()
        self.peer_report, self.hung_up = loop.create_future(), loop.create_future()
        self.reports, self.sent_report = [], None
        self.has_hung_up = False
        self.relay = self.direct = None
        self.direct_up = asyncio.Event()
        self.direct_refusals = []
        self.call_answers = 0
        self.path = None

    def close(self):
        for each in self.relay, self.direct:
            if each is not None:
                each.close(0, "the call is over")

    # ---- the race ----

    async def race(self):
        setup = await asyncio.wait_for(self.setup, 10.0)
        direct = asyncio.ensure_future(self._direct(setup))
        relay = asyncio.ensure_future(self._relay(setup))
        direct_ok = await direct
        if not direct_ok:
            await relay
        self._report(direct_ok)
        self.path = "direct" if direct_ok and await self._peer_ok() else "relay"
        if self.path == "relay":
            await relay

    async def _relay(self, setup):
        self.relay = await wire.dial(
            setup["relay_addr"], setup["room"], self.peer.shown(), RELAY_S)
        self._listen_to(self.relay, "relay", self.sealed)
        if self.peer.how.offer_first:
            await self._prove(self.relay, None)

    async def _direct(self, setup):
        theirs, ours = setup.get("peer_direct_addr"), self.peer.reflexive
        if not theirs or not ours or theirs == ours or self.peer.how.role is None:
            return False
        if ours < theirs:
            await self._wait(self.direct_up.wait(), DIRECT_S)
        else:
            listed = list(dict.fromkeys([*setup.get("peer_local_addrs", []), theirs]))
            await asyncio.gather(*(self._dial_direct(address) for address in listed))
        return self.direct_up.is_set()

    @staticmethod
    async def _wait(what, timeout):
        try:
            await asyncio.wait_for(what, timeout)
        except asyncio.TimeoutError:
            pass

    async def _dial_direct(self, address):
        try:
            dialled = await wire.dial(
                address, "call-call-" + self.id, self.peer.shown(), DIRECT_S)
        except ConnectionError as error:
            self.direct_refusals.append(str(error))
            return
        if self.direct is not None or dialled.peer_public() != self.peer_public:
            dialled.close(1, "lost the race")
            return
        how = self.peer.how
        self.direct = dialled
        self._listen_to(dialled, "direct", False)
        if how.direct_offer or (how.direct_offer is None and not how.certificate):
            try:
                await self._prove(dialled, self.peer_public)
            except Refused as error:
                self.direct_refusals.append(str(error))
                self.direct = None
                return
        self.direct_up.set()

    def accepted(self, incoming):
        if self.direct is not None:
            incoming.close(2, "there is one already")
            return
        self.direct = incoming
        self._listen_to(incoming, "direct", False)
        asyncio.ensure_future(self._greet(incoming))
        self.direct_up.set()

    async def _greet(self, incoming):
        """Answers what a dialer says first."""
        while (item := await incoming.messages.get()) is not None:
            name, fields = item
            if name == "CallOffer":
                self._check(fields, self.peer_public, b"call-offer")
                incoming.send(messages.call_answer(self.peer.identity, self.ephemeral))
                self.call_answers += 1

    @staticmethod
    def _check(fields, public, label):
        if public is None:
            public = bytes(fields["identity_pub"])
        if bytes(fields["identity_pub"]) != public or not ids.verify(
                public, bytes(fields["signature"]), bytes(fields["ephemeral_pub"]) + label):
            raise Refused("not signed by whom it should be")

    async def _prove(self, connection, expected):
        """CallOffer first; returns when its CallAnswer is there."""
        how = self.peer.how
        if how.strange:
            connection.send(messages.encode("Yawn"))
            # So that it is looked at first: streams are not ordered.
            await asyncio.sleep(0.05)
        who = ids.Identity() if how.impostor else self.peer.identity
        connection.send(messages.call_offer(who, self.ephemeral, **self.peer.more()))
        while True:
            item = await asyncio.wait_for(connection.messages.get(), 5.0)
            if item is None:
                raise Refused("closed: %s %s" % connection.end)
            name, fields = item
            if name == "CallAnswer":
                self._check(fields, expected, b"call-answer")
                self.call_answers += 1
                return

    def _listen_to(self, connection, path, sealed):
        connection.on_datagram = lambda data: self.receiver.push(data, path, sealed)

    # ---- agreement ----

    def take_report(self, direct_ok):
        self.reports.append(direct_ok)
        if not self.peer_report.done():
            self.peer_report.set_result(direct_ok)
        elif not direct_ok:
            self.path = "relay"

    def _report(self, direct_ok):
        how = self.peer.how
        if how.report != "silent":
            self.sent_report = direct_ok and how.report == "truth"
            self.peer.signal.send(messages.media_path_report(
                self.id, self.sent_report, **self.peer.more()))

    async def _peer_ok(self):
        await self._wait(asyncio.shield(self.peer_report), REPORT_S)
        return (self.peer.how.report == "truth" and self.peer_report.done() and
                self.peer_report.result())

    # ---- media ----

    async def send(self, frames, interval):
        for frame in frames:
            connection = self.direct if self.path == "direct" else self.relay
            sealed = self.path == "relay" and self.sealed
            for datagram in self.sender.datagrams(frame, sealed):
                connection.send_datagram(datagram)
            await asyncio.sleep(interval)

    async def receive(self, n, timeout, flow=1):
        """Waits until n frames are whole, or the time is over."""
        end = asyncio.get_running_loop().time() + timeout
        while (len(self.receiver.frames.get(flow, {})) < n and
               asyncio.get_running_loop().time() < end):
            await asyncio.sleep(0.02)
        return self.receiver.frames.get(flow, {})

    def is_over(self):
        return self.has_hung_up or self.hung_up.done()

    def hang_up(self, reason="Normal"):
        self.has_hung_up = True
        self.peer.signal.send(messages.hangup(reason, self.id, **self.peer.more()))
