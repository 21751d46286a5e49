"""Who a peer is: an Ed25519 key, its fingerprint and certificate; the keys of a call."""
import datetime
import hashlib
import os

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID


def hkdf(secret, info, length, salt=None):
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info.encode()).derive(secret)


def raw(public_key):
    return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def fingerprint(public):
    """Of 32 bytes of public key: eight groups of four hex digits."""
    text = hashlib.sha256(public).digest()[:16].hex()
    return ":".join(text[i:i + 4] for i in range(0, 32, 4))


def verify(public, signature, data):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except InvalidSignature:
        return False
    return True


class Identity:
    def __init__(self, seed=None):
        """seed: the 32 bytes that identity files hold."""
        self.key = Ed25519PrivateKey.from_private_bytes(
            hkdf(seed or os.urandom(32), "warzone-ed25519", 32))
        self.public = raw(self.key.public_key())
        self.fingerprint = fingerprint(self.public)

    def sign(self, *parts):
        return self.key.sign(b"".join(parts))

    def certificate(self):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another make")])
        now = datetime.datetime(2021, 1, 1)
        return (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=36500))
                .sign(self.key, None))


class Ephemeral:
    """The X25519 key of one call."""

    def __init__(self):
        self.key = X25519PrivateKey.generate()
        self.public = raw(self.key.public_key())

    def seals(self, peer_public, call_id):
        """(key, iv) of what we send on R, and of what the peer sends."""
        secret = self.key.exchange(X25519PublicKey.from_public_bytes(peer_public))
        salt = call_id.encode()
        pairs = {side: (hkdf(secret, f"wzp seal key {side}", 16, salt),
                        hkdf(secret, f"wzp seal iv {side}", 12, salt)) for side in "ab"}
        if self.public < peer_public:
            return pairs["a"], pairs["b"]
        return pairs["b"], pairs["a"]
