"""QUIC by aioquic: connections with messages on streams, and datagrams."""
import asyncio
import socket
import ssl

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from . import identity as ids
from . import messages

ALPN = "wzp"


def _configuration(identity, is_client, server_name=None):
    configuration = QuicConfiguration(
        alpn_protocols=[ALPN], is_client=is_client, max_datagram_frame_size=65535,
        idle_timeout=30.0, server_name=server_name, verify_mode=ssl.CERT_NONE)
    if identity is not None:
        configuration.certificate = identity.certificate()
        configuration.private_key = identity.key
    return configuration


class Wire(QuicConnectionProtocol):
    """One connection."""

    def __init__(self, quic, stream_handler=None):
        super().__init__(quic, stream_handler)
        self.streams, self.finished = {}, set()
        self.messages = asyncio.Queue()
        self.on_datagram = lambda data: None
        self.on_established = lambda wire: None
        self.end = None  # (code, reason), once it is over
        self.ended = asyncio.Event()
        self.established = asyncio.Event()

    def quic_event_received(self, event):
        if isinstance(event, events.HandshakeCompleted):
            self.established.set()
            self.on_established(self)
        elif isinstance(event, events.DatagramFrameReceived):
            self.on_datagram(event.data)
        elif isinstance(event, events.StreamDataReceived):
            self._stream(event)
        elif isinstance(event, events.StreamReset):
            self.streams.pop(event.stream_id, None)
        elif isinstance(event, events.ConnectionTerminated):
            self.end = (event.error_code, event.reason_phrase)
            self.ended.set()
            self.messages.put_nowait(None)

    def _stream(self, event):
        ours = event.stream_id % 2 == (0 if self._quic.configuration.is_client else 1)
        self.streams[event.stream_id] = self.streams.get(event.stream_id, b"") + event.data
        # Up to aioquic 1.2 a repeated end of a stream is told again.
        if not event.end_stream or event.stream_id in self.finished:
            return
        self.finished.add(event.stream_id)
        data = self.streams.pop(event.stream_id)
        if not ours:
            self._quic.send_stream_data(event.stream_id, b"", end_stream=True)
        if data:
            self.messages.put_nowait(messages.decode(data))

    def send(self, message):
        """message: the bytes of a stream."""
        if self.end is None:
            stream = self._quic.get_next_available_stream_id()
            self._quic.send_stream_data(stream, message, end_stream=True)
            self.transmit()

    def send_datagram(self, data):
        if self.end is None:
            self._quic.send_datagram_frame(data)
            self.transmit()

    def peer_public(self):
        """The key of the certificate that the other side showed; None: it showed none."""
        certificate = self._quic.tls._peer_certificate
        return ids.raw(certificate.public_key()) if certificate is not None else None

    def local_address(self):
        return "%s:%d" % self._transport.get_extra_info("sockname")[:2]


def parse_address(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


async def dial(address, server_name, identity=None, timeout=5.0, port=0):
    """A connection to "a.b.c.d:p"; identity: whose certificate to show, None: none."""
    loop = asyncio.get_running_loop()
    quic = QuicConnection(configuration=_configuration(identity, True, server_name))
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", port))
    _transport, wire = await loop.create_datagram_endpoint(lambda: Wire(quic), sock=sock)
    wire.connect(parse_address(address))
    waits = [asyncio.ensure_future(e.wait()) for e in (wire.established, wire.ended)]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    if not wire.established.is_set() or wire.end is not None:
        end = wire.end
        wire.close()
        raise ConnectionError(f"{server_name} at {address}: {end or 'no answer'}")
    return wire


def _ask_for_certificate(quic):
    """aioquic's server asks for one only by a switch of its TLS object, which is made late."""
    initialize = quic._initialize

    def initialize_and_ask(peer_cid):
        initialize(peer_cid)
        quic.tls._request_client_certificate = True

    quic._initialize = initialize_and_ask


async def listen(identity, port, on_wire):
    """A server on 127.0.0.1; on_wire(wire) for each connection that is up."""
    loop = asyncio.get_running_loop()

    def make(quic, stream_handler=None):
        _ask_for_certificate(quic)
        wire = Wire(quic, stream_handler)
        wire.on_established = on_wire
        return wire

    configuration = _configuration(identity, False)
    _transport, server = await loop.create_datagram_endpoint(
        lambda: QuicServer(configuration=configuration, create_protocol=make),
        local_addr=("127.0.0.1", port))
    return server
