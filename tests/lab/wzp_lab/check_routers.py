"""That the lab's routers and its wire do what they are said to do: asked with
bare UDP sockets, nothing of ours between. One line a kind and family."""

import contextlib
import ctypes
import os
import socket
import subprocess
import sys
import tempfile

from . import inside, net, routers
from .model import Scenario, Side

WAIT_S = 0.12       # longer than there and back
PORT = 45000
CLONE_NEWNET = 0x40000000
# What is in the way of an answer from: the same address and another port; an
# address that was never asked.
FILTERS = {"none": (True, True), "fw": (False, False), "fc": (True, True),
           "ar": (True, False), "udpblk": (False, False)}
MAPPINGS = {"none": "none", "fw": "none", "sym": "port", "seq": "next",
            "adm": "address"}
LOW_TTL = 4


@contextlib.contextmanager
def in_namespace(name):
    libc = ctypes.CDLL(None, use_errno=True)
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    other = os.open("/run/netns/" + name, os.O_RDONLY)
    try:
        if libc.setns(other, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        libc.setns(own, CLONE_NEWNET)
        os.close(own)
        os.close(other)


def open_socket(netns, address, port):
    with in_namespace(netns):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.bind((address, port))
        sock.settimeout(WAIT_S)
        return sock


def receive(sock):
    """Who sent the next packet; None: nobody, "refused": an ICMP said so."""
    try:
        return sock.recvfrom(100)[1][:2]
    except socket.timeout:
        return None
    except ConnectionRefusedError:
        return "refused"


def drain(sock):
    sock.setblocking(False)
    with contextlib.suppress(OSError):
        while True:
            sock.recv(100)
    sock.settimeout(WAIT_S)


class Ground:
    """A host behind a router of a kind, a stranger, and two servers."""

    def __init__(self, kind, family, wire, folder):
        side = Side(kind) if family == 4 else Side(nat4=None, nat6=kind)
        open_side = Side("none") if family == 4 else Side(nat4=None,
                                                          nat6="none")
        self.network = net.Network(
            Scenario("check", side, open_side, "D"), wire, 0, 0, folder)
        place, other = self.network.a, self.network.b
        self.own = place.host_address(family)
        self.outside = self.own if kind in ("none", "fw") else (
            place.wan4 if family == 4 else place.wan6)
        self.peer = other.host_address(family)
        one, two = net.RELAY4 if family == 4 else net.RELAY6
        self.servers = [open_socket("relay", address, port)
                        for address, port in (
                            (one, routers.RELAY_PORT),
                            (one, routers.SECOND_PORT),
                            (two, routers.RELAY_PORT))]
        self.stranger = open_socket("hb", self.peer, 46000)
        self.host_netns = place.host

    def close(self):
        for sock in [*self.servers, self.stranger]:
            sock.close()


def look_at_mapping(ground, kind):
    """(what the mapping depends on, the address that the servers saw)."""
    host = open_socket(ground.host_netns, ground.own, PORT)
    seen = []
    for server in ground.servers:
        host.sendto(b"x", server.getsockname()[:2])
        seen.append(receive(server))
    if kind == "udpblk":
        return ("blocked" if seen[1] is None and seen[0] and seen[2] else
                "open: %s" % seen), seen[0], host
    ports = [who[1] if who else None for who in seen]
    if seen[0] and seen[0] == (ground.own, PORT) and len(set(ports)) == 1:
        kind_seen = "none"
    elif len(set(ports)) == 1:
        kind_seen = "independent"
    elif ports[0] == ports[1]:
        kind_seen = "address"
    elif ports == list(range(ports[0], ports[0] + 3)):
        kind_seen = "next"
    else:
        kind_seen = "port" if None not in ports else "lost: %s" % ports
    return kind_seen, seen[0], host


def look_at_filter(ground, host, outside):
    """Whether other ports of a server, and a stranger, get through. Asked by
    the first server's mapping only."""
    drain(host)
    passed = []
    ground.servers[0].sendto(b"answer", outside)
    if receive(host) is None:
        return "not even an answer passes"
    with contextlib.closing(open_socket(
            "relay", ground.servers[0].getsockname()[0], 4999)) as other_port:
        for sock in (other_port, ground.stranger):
            sock.sendto(b"x", outside)
            passed.append(receive(host) is not None)
    return tuple(passed)


def look_at_strangers(ground, kind):
    """What a packet does that nobody asked for: it may be refused, and it may
    spoil the port for the answer."""
    port = PORT + 7
    with contextlib.closing(open_socket("hb", ground.peer, 46001)) as stranger, \
            contextlib.closing(open_socket(
                ground.host_netns, ground.own, port)) as host:
        stranger.connect((ground.outside, port))
        stranger.send(b"x")
        refused = receive(stranger) == "refused"
        stranger.close()
        with contextlib.closing(open_socket(
                "hb", ground.peer, 46001)) as stranger2:
            host.sendto(b"x", (ground.peer, 46001))
            seen = receive(stranger2)
    spoilt = bool(seen) and seen[1] != port
    return refused, spoilt


def look_at_ttl(ground, family):
    """A packet with few hops to live gets past the router and no farther."""
    with contextlib.closing(open_socket(
            ground.host_netns, ground.own, PORT + 8)) as host:
        drain(ground.stranger)
        if family == 4:
            host.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, LOW_TTL)
        else:
            host.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS,
                            LOW_TTL)
        with contextlib.suppress(OSError):
            host.sendto(b"x", ground.stranger.getsockname()[:2])
        return receive(ground.stranger) is None


def check(kind, family, wire, folder):
    """What is wrong, in words."""
    wrong = []
    ground = Ground(kind, family, wire, folder)
    mapping, outside, host = look_at_mapping(ground, kind)
    wanted = "blocked" if kind == "udpblk" else MAPPINGS.get(kind,
                                                             "independent")
    if mapping != wanted:
        wrong.append("mapping %s, not %s" % (mapping, wanted))
    if outside:
        passed = look_at_filter(ground, host, outside)
        if passed != FILTERS.get(kind, (False, False)):
            wrong.append("passes another port, a stranger: %s" % (passed,))
    host.close()
    if kind in ("pr", "prrej", "prbad"):
        refused, spoilt = look_at_strangers(ground, kind)
        if refused != (kind != "pr") or spoilt != (kind == "prbad"):
            wrong.append("a stranger is refused: %s, spoils the port: %s" %
                         (refused, spoilt))
    if kind not in ("none", "udpblk") and not look_at_ttl(ground, family):
        wrong.append("a packet of TTL %d came all the way" % LOW_TTL)
    ground.close()
    return wrong


def main_one(build, kind, family):
    net.mount_run()
    with tempfile.TemporaryDirectory() as folder:
        log = inside.Log(os.path.join(folder, "log"))
        wire = net.Wire(os.path.join(build, "tests", "lab", "wzp-lab-wire"), 1,
                        log)
        wrong = check(kind, family, wire, folder)
        wire.end()
        log.close()
    print("; ".join(wrong))
    return 1 if wrong else 0


def main(prefix, build):
    """Each in namespaces of its own, as a run."""
    failed = 0
    for family in (4, 6):
        for kind in routers.KINDS:
            done = subprocess.run(
                prefix + [sys.executable, "-m", "wzp_lab.check_routers", build,
                          kind, str(family)], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, timeout=30, check=False,
                cwd=os.path.dirname(os.path.dirname(__file__)))
            failed += done.returncode != 0
            print("%s %-7s IPv%d %s" % (
                "not ok" if done.returncode else "ok", kind, family,
                done.stdout.strip()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main_one(sys.argv[1], sys.argv[2], int(sys.argv[3])))
