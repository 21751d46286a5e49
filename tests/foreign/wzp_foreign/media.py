"""Media datagrams, as docs/protocol.md has them byte by byte."""
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FRAME_START, FRAME_END, KEY_FRAME, CONTROL = 0x80, 0x40, 0x20, 0x10
DELTA_UNIT, DISCONT, HEADER, MARKER = 1, 2, 4, 8
MAX_DATAGRAM = 1120
MIN_DATAGRAM = 12  # a relay drops what is shorter


class BadDatagram(Exception):
    pass


def varint(value, longest=False):
    for bits, mark in (6, 0), (14, 1), (30, 2), (62, 3):
        if value < 1 << bits and (not longest or mark == 3):
            size = (bits + 2) // 8
            return (mark << (bits) | value).to_bytes(size, "big")
    raise ValueError(value)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def varint(self):
        if self.at >= len(self.data):
            raise BadDatagram("cut short")
        size = 1 << (self.data[self.at] >> 6)
        chunk = self.data[self.at:self.at + size]
        if len(chunk) < size:
            raise BadDatagram("cut short")
        self.at += size
        return int.from_bytes(chunk, "big") & ((1 << (8 * size - 2)) - 1)

    def rest(self):
        return self.data[self.at:]


def zigzag(value):
    return 2 * value if value >= 0 else -2 * value - 1


def unzigzag(value):
    return value // 2 if value % 2 == 0 else -(value + 1) // 2


class Frame:
    def __init__(self, data, pts=None, dts=None, duration=None, flags=0):
        self.data, self.pts, self.dts, self.duration, self.flags = data, pts, dts, duration, flags

    def head(self):
        if self.dts is None:
            dts = 0
        elif self.pts is None:
            dts = self.dts + 1
        else:
            dts = zigzag(self.pts - self.dts) + 1
        return b"".join(varint(v) for v in (
            len(self.data), 0 if self.pts is None else self.pts + 1, dts,
            0 if self.duration is None else self.duration + 1))


class Seal:
    """What R carries between two that can: AES-128-GCM, the nonce from the number."""

    def __init__(self, key, iv):
        self.aead, self.iv = AESGCM(key), iv

    def nonce(self, number):
        return self.iv[:4] + (int.from_bytes(self.iv[4:], "big") ^ number).to_bytes(8, "big")

    def seal(self, number, prefix, text):
        return self.aead.encrypt(self.nonce(number), text, prefix)

    def open(self, number, prefix, text):
        try:
            return self.aead.decrypt(self.nonce(number), text, prefix)
        except InvalidTag as error:
            raise BadDatagram("not sealed by the peer") from error


class Sender:
    """Cuts frames of one flow; numbers are the call's, whatever path."""

    def __init__(self, flow=1, seal=None):
        self.flow, self.seal = flow, seal
        self.number = self.frame = 0

    def datagrams(self, frame, sealed):
        """All of a frame: a list of bytes."""
        out, offset = [], 0
        while offset < len(frame.data) or not out:
            out_flags = 0
            if offset == 0:
                out_flags |= FRAME_START
                text = (varint(self.frame) + varint(frame.flags) + varint(0) + frame.head())
            else:
                text = varint(self.frame) + varint(offset)
            prefix_size = 2 + len(varint(self.number)) + len(varint(self.flow))
            room = MAX_DATAGRAM - prefix_size - len(text) - 16
            payload = frame.data[offset:offset + room]
            offset += len(payload)
            if offset == len(frame.data):
                out_flags |= FRAME_END
            if not frame.flags & DELTA_UNIT:
                out_flags |= KEY_FRAME
            prefix = bytes([0x80, out_flags]) + varint(self.number) + varint(self.flow)
            text += payload
            if not sealed and len(prefix) + len(text) < MIN_DATAGRAM:
                prefix = prefix[:2] + varint(self.number, True) + varint(self.flow)
            out.append(prefix + (self.seal.seal(self.number, prefix, text) if sealed else text))
            self.number += 1
        self.frame += 1
        return out


class _Partial:
    def __init__(self):
        self.pieces, self.size, self.meta = {}, None, None

    def whole(self):
        data = b"".join(self.pieces[at] for at in sorted(self.pieces))
        return data if self.size is not None and len(data) == self.size else None


class Receiver:
    """Puts frames together. `frames[flow]`: those that are whole, in order of number."""

    def __init__(self, seal=None):
        self.seal = seal
        self.partial, self.frames, self.seen = {}, {}, set()
        self.controls = self.bad = 0
        self.paths = set()
        self.started_as_key = None

    def push(self, datagram, path, sealed):
        try:
            self._push(datagram, path, sealed)
        except BadDatagram:
            self.bad += 1

    def _push(self, datagram, path, sealed):
        reader = Reader(datagram)
        reader.at = 2
        if len(datagram) < 4 or datagram[0] != 0x80 or datagram[1] & 3:
            raise BadDatagram("no prefix")
        flags, number, flow = datagram[1], reader.varint(), reader.varint()
        text = reader.rest()
        if sealed:
            text = self.seal.open(number, datagram[:reader.at], text)
        if number in self.seen:
            return
        self.seen.add(number)
        if flags & CONTROL:
            self.controls += 1
            return
        if not 1 <= flow <= 64:
            raise BadDatagram("flow")
        self.paths.add(path)
        self._take(flow, flags, Reader(text))

    def _take(self, flow, flags, reader):
        frame = reader.varint()
        partial = self.partial.setdefault((flow, frame), _Partial())
        if flags & FRAME_START:
            frame_flags, _generation, partial.size = (reader.varint() for _ in range(3))
            pts, dts, duration = (reader.varint() for _ in range(3))
            pts = pts - 1 if pts else None
            if dts:
                dts = dts - 1 if pts is None else pts - unzigzag(dts - 1)
            else:
                dts = None
            partial.meta = (pts, dts, duration - 1 if duration else None, frame_flags)
            offset = 0
        else:
            offset = reader.varint()
        partial.pieces[offset] = reader.rest()
        data = partial.whole()
        if data is None or partial.meta is None:
            return
        pts, dts, duration, frame_flags = partial.meta
        del self.partial[flow, frame]
        self.frames.setdefault(flow, {})[frame] = Frame(data, pts, dts, duration, frame_flags)
