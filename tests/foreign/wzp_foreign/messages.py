"""Signalling messages: JSON on a stream each."""
import json
import struct

MAX_PAYLOAD = 65536
PROFILE = {"codec": "Opus24k", "fec_ratio": 0.2, "frame_duration_ms": 20, "frames_per_block": 5}


class Malformed(Exception):
    pass


def encode(name, fields=None):
    """One message as the bytes of its stream."""
    text = json.dumps(name if fields is None else {name: fields}).encode()
    return struct.pack(">I", len(text)) + text


def decode(stream):
    """(name, fields) of a whole stream's bytes."""
    if len(stream) < 4:
        raise Malformed("no length")
    (length,) = struct.unpack(">I", stream[:4])
    if length > MAX_PAYLOAD or length != len(stream) - 4:
        raise Malformed(f"length {length} of {len(stream) - 4} bytes")
    value = json.loads(stream[4:])
    if isinstance(value, str):
        return value, {}
    if not isinstance(value, dict) or len(value) != 1:
        raise Malformed("not one message")
    return next(iter(value.items()))


def numbers(data):
    return list(data)


def register(identity, alias=None, **more):
    fields = {"identity_pub": numbers(identity.public),
              "signature": numbers(identity.sign(b"register-presence", identity.public)), **more}
    if alias:
        fields["alias"] = alias
    return encode("RegisterPresence", fields)


def _signed(identity, ephemeral, to, call_id):
    signature = identity.sign(ephemeral.public, to.encode(), call_id.encode())
    return {"identity_pub": numbers(identity.public), "ephemeral_pub": numbers(ephemeral.public),
            "signature": numbers(signature)}


def direct_call_offer(identity, ephemeral, target, call_id, reflexive, local, **more):
    fields = {"caller_fingerprint": identity.fingerprint, "target_fingerprint": target,
              "call_id": call_id, **_signed(identity, ephemeral, target, call_id),
              "supported_profiles": [PROFILE], **more}
    if reflexive:
        fields["caller_reflexive_addr"] = reflexive
    if local:
        fields["caller_local_addrs"] = local
    return encode("DirectCallOffer", fields)


def direct_call_answer(identity, ephemeral, caller, call_id, reflexive, local, **more):
    fields = {"call_id": call_id, "accept_mode": "AcceptTrusted",
              **_signed(identity, ephemeral, caller, call_id), "chosen_profile": PROFILE, **more}
    if reflexive:
        fields["callee_reflexive_addr"] = reflexive
    if local:
        fields["callee_local_addrs"] = local
    return encode("DirectCallAnswer", fields)


def media_path_report(call_id, direct_ok, **more):
    return encode("MediaPathReport", {
        "call_id": call_id, "direct_ok": direct_ok,
        "race_winner": "Direct" if direct_ok else "Relay", **more})


def call_offer(identity, ephemeral, **more):
    """First on a media connection."""
    return encode("CallOffer", {
        "identity_pub": numbers(identity.public), "ephemeral_pub": numbers(ephemeral.public),
        "signature": numbers(identity.sign(ephemeral.public, b"call-offer")),
        "supported_profiles": [PROFILE], **more})


def call_answer(identity, ephemeral):
    return encode("CallAnswer", {
        "identity_pub": numbers(identity.public), "ephemeral_pub": numbers(ephemeral.public),
        "signature": numbers(identity.sign(ephemeral.public, b"call-answer")),
        "chosen_profile": PROFILE})


def hangup(reason, call_id=None, **more):
    fields = {"reason": reason, **more}
    if call_id:
        fields["call_id"] = call_id
    return encode("Hangup", fields)
