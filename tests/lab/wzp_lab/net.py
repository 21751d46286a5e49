"""The network of one run: namespaces, devices, addresses, routers. Runs in
namespaces of the run's own, so nothing here has to be taken down."""

import json
import os
import queue
import subprocess
import threading

from . import routers

# Documentation addresses (RFC 5737, RFC 3849).
NET4 = ("198.51.100", "203.0.113")
NET6 = ("2001:db8:a", "2001:db8:b")
RELAY4 = ("192.0.2.1", "192.0.2.2")
RELAY6 = ("2001:db8:f::1", "2001:db8:f::2")
WIRE4, WIRE6 = "192.0.2.254", "2001:db8:f::fe"
# Between two routers of one side, as carriers do (RFC 6598).
CARRIER = "100.64.%d"
DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}
# No waiting for an answer to whether somebody has the address already.
NODAD = {4: "", 6: " nodad"}


class LabError(Exception):
    """The lab itself cannot go on: not a fault of what it tests."""


def call(args, text=None):
    done = subprocess.run(args, input=text, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise LabError("%s: %s" % (" ".join(args), done.stdout.strip()))
    return done.stdout


def inside(netns, *args):
    return ["nsenter", "--net=/run/netns/" + netns, *args]


def ip(netns, *lines):
    where = ["-n", netns] if netns else []
    call(["ip", *where, "-batch", "-"], "\n".join(lines) + "\n")


def sysctl(netns, **values):
    # A process of its own: /proc/sys shows the namespace of who looks.
    script = "; ".join("echo %s > /proc/sys/%s" % (value, name)
                       for name, value in values.items())
    call(inside(netns, "sh", "-c", "set -e; " + script))


class Wire:
    """The process that is the internet."""

    def __init__(self, program, seed, log, hops=6):
        self.log = log
        self.process = subprocess.Popen(
            [program, "--seed=%d" % seed, "--hops=%d" % hops],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.answers = queue.Queue()
        self.counts = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.log.write("wire", line)
            try:
                answer = json.loads(line)
            except ValueError:
                continue
            if "ways" in answer:
                self.counts = answer["ways"]
            else:
                self.answers.put(answer)

    def tell(self, *commands):
        """Gives commands, returns when the last was carried out (monotonic
        microseconds)."""
        moment = 0
        self.process.stdin.write("".join(c + "\n" for c in commands))
        self.process.stdin.flush()
        for command in commands:
            try:
                answer = self.answers.get(timeout=5)
            except queue.Empty:
                raise LabError("the wire does not answer " + command) from None
            if not answer["ok"]:
                raise LabError("the wire refuses " + command)
            moment = answer["t"]
        return moment

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=5)


class Place:
    """Where one side lives: its namespaces and addresses."""

    def __init__(self, name, side, number, lan_number):
        self.name, self.side = name, side
        self.host, self.router, self.outer = "h" + name, "n" + name, "o" + name
        self.net4, self.net6 = NET4[number], NET6[number]
        self.lan = side.lan or "192.168.%d" % lan_number
        self.has_router = any(kind not in (None, "none")
                              for kind in (side.nat4, side.nat6))
        # Where the TUN device is: the last router, or the host itself.
        self.edge = (self.outer if side.outer4 else
                     self.router if self.has_router else self.host)
        self.wan4 = self.net4 + ".1"
        self.wan6 = self.net6 + "::1"
        self.carrier = CARRIER % (number + 1)

    def is_native(self, family):
        """The host has a public address of the family."""
        kind = self.side.nat4 if family == 4 else self.side.nat6
        return kind in ("none", "fw")

    def host_address(self, family, last=None):
        last = last or self.side.host
        if not self.has_router:
            return self.wan4 if family == 4 else self.wan6
        if family == 4:
            return ("%s.%d" % (self.net4, 128 + last) if self.is_native(4)
                    else "%s.%d" % (self.lan, last))
        return ("%s:1::%x" % (self.net6, last) if self.is_native(6)
                else "fd00:%s::%x" % (self.name, last))

    def lan_gateway(self, family):
        if family == 4:
            return (self.net4 + ".129" if self.is_native(4) else
                    self.lan + ".1")
        return (self.net6 + ":1::1" if self.is_native(6) else
                "fd00:%s::1" % self.name)

    def lan_bits(self, family):
        return (25 if self.is_native(4) else 24) if family == 4 else 64

    def families(self):
        return [family for family, kind in ((4, self.side.nat4),
                                            (6, self.side.nat6)) if kind]


def _wan_addresses(place):
    lines = ["link set lo up", "link set wan up"]
    if place.side.nat4:
        lines += ["addr add %s/32 dev wan" % place.wan4,
                  "route add default dev wan"]
    if place.side.nat6:
        lines += ["addr add %s/128 dev wan nodad" % place.wan6,
                  "route add ::/0 dev wan"]
    return lines


def attach_host(host, router, place, gateway_of):
    """Puts a host into a router's LAN; gateway_of: whose LAN it is."""
    device = "l" + host
    ip("", "link add %s netns %s type veth peer name eth0 netns %s" %
       (device, router, host))
    ip(router, "link set %s master lan" % device, "link set %s up" % device)
    lines = ["link set lo up", "link set eth0 up"]
    for family in gateway_of.families():
        address = gateway_of.host_address(family, place.side.host)
        lines += ["addr add %s/%d dev eth0%s" %
                  (address, gateway_of.lan_bits(family), NODAD[family]),
                  "route add %s via %s" %
                  (DEFAULT[family], gateway_of.lan_gateway(family))]
    ip(host, *lines)


def build_router(place):
    """The router next to the host: its LAN, its way out, its rules."""
    router, side = place.router, place.side
    lines = ["link set lo up", "link add lan type bridge", "link set lan up"]
    for family in place.families():
        lines.append("addr add %s/%d dev lan%s" % (
            place.lan_gateway(family), place.lan_bits(family), NODAD[family]))
    ip(router, *lines)
    values = {"net/ipv4/ip_forward": 1, "net/ipv6/conf/all/forwarding": 1,
              "net/ipv4/conf/all/promote_secondaries": 1}
    sysctl(router, **values)
    wan4 = place.wan4
    if side.outer4:
        wan4 = place.carrier + ".2"
        build_outer(place)
    else:
        ip(router, *_wan_addresses(place))
    text = ""
    if side.nat4 not in (None, "none"):
        text += routers.rules(side.nat4, 4, wan4, side.hairpin)
    if side.nat6 not in (None, "none"):
        text += routers.rules(side.nat6, 6, place.wan6, side.hairpin)
    load_rules(router, text)
    if side.udp_timeout:
        set_udp_timeout(router, side.udp_timeout)


def build_outer(place):
    """A second router, between the first one and the internet; IPv4 only."""
    outer, router = place.outer, place.router
    ip("", "link add wan netns %s type veth peer name lan netns %s" %
       (router, outer))
    ip(router, "addr add %s.2/24 dev wan" % place.carrier, "link set wan up",
       "route add default via %s.1" % place.carrier)
    ip(outer, "addr add %s.1/24 dev lan" % place.carrier, "link set lan up",
       *_wan_addresses(place))
    sysctl(outer, **{"net/ipv4/ip_forward": 1})
    load_rules(outer, routers.rules(place.side.outer4, 4, place.wan4))


def load_rules(netns, text):
    call(inside(netns, "nft", "-f", "-"), text)


def set_udp_timeout(netns, seconds):
    base = "net/netfilter/nf_conntrack_udp_timeout"
    sysctl(netns, **{base: seconds, base + "_stream": seconds})


class Network:
    """All of it, for one scenario."""

    def __init__(self, scenario, wire, seed, skew, folder):
        self.scenario, self.wire = scenario, wire
        # Which side has the smaller address, and so which dials, changes
        # from seed to seed.
        first = seed % 2
        self.a = Place("a", scenario.a, first, 1)
        self.b = Place("b", scenario.b, 1 - first, 2)
        self._make_namespaces()
        self._make_ports(folder)
        self._make_relay()
        self._make_side(self.a)
        if scenario.same_lan:
            attach_host(self.b.host, self.a.router, self.b, self.a)
        else:
            self._make_side(self.b)
        self._make_ways(skew)
        for place in (self.a, self.b):
            device = "eth0" if self._is_behind_router(place) else "wan"
            wire.tell("tap /run/netns/%s %s %s/host-%s.pcap" %
                      (place.host, device, folder, place.name))

    def _is_behind_router(self, place):
        return place.has_router or (place is self.b and
                                    self.scenario.same_lan)

    def _make_namespaces(self):
        names = ["relay", self.a.host, self.b.host]
        for place in (self.a, self.b):
            if place is self.b and self.scenario.same_lan:
                continue
            if place.has_router:
                names.append(place.router)
            if place.side.outer4:
                names.append(place.outer)
        for name in names:
            call(["ip", "netns", "add", name])

    def _make_ports(self, folder):
        edges = [("r", "relay"), ("a", self.a.edge)]
        if not self.scenario.same_lan:
            edges.append(("b", self.b.edge))
        for port, netns in edges:
            self.wire.tell("port %s /run/netns/%s wan %s/wan-%s.pcap" %
                           (port, netns, folder, port))

    def _make_relay(self):
        lines = ["link set lo up", "link set wan up"]
        for v4, v6 in zip(RELAY4, RELAY6):
            lines += ["addr add %s/32 dev wan" % v4,
                      "addr add %s/128 dev wan nodad" % v6]
        lines += ["route add default dev wan src " + RELAY4[0],
                  "route add ::/0 dev wan src " + RELAY6[0]]
        ip("relay", *lines)

    def _make_side(self, place):
        if not place.has_router:
            ip(place.host, *_wan_addresses(place))
            return
        build_router(place)
        attach_host(place.host, place.router, place, place)

    def _make_ways(self, skew):
        scenario, lines = self.scenario, []
        for place, port in ((self.a, "a"), (self.b, "b")):
            if place is self.b and scenario.same_lan:
                continue
            lines += ["route %s.0/24 %s" % (place.net4, port),
                      "route %s::/48 %s" % (place.net6, port)]
        lines += ["route 192.0.2.0/24 r", "route 2001:db8:f::/48 r",
                  "router " + WIRE4, "router " + WIRE6,
                  "delay * * %g %g" % (scenario.delay_ms, scenario.jitter_ms)]
        ports = ["a"] + ([] if scenario.same_lan else ["b"])
        if skew:
            # That side is farther from the relay, and so hears of the call
            # later than the other.
            far = ports[-1] if skew > 0 else "a"
            for way in ("r " + far, far + " r"):
                lines.append("delay %s %g %g" % (
                    way, scenario.delay_ms + abs(skew), scenario.jitter_ms))
        for port in ports:
            if scenario.relay_loss:
                lines += ["loss r %s %g" % (port, scenario.relay_loss),
                          "loss %s r %g" % (port, scenario.relay_loss)]
        if scenario.direct_loss and len(ports) == 2:
            lines += ["loss a b %g" % scenario.direct_loss,
                      "loss b a %g" % scenario.direct_loss]
        self.wire.tell(*lines, *scenario.setup)

    def relay_address(self, place):
        """How a side calls the relay: by IPv4 where it has any."""
        where = self.a if self.scenario.same_lan else place
        if 4 in where.families():
            return "%s:%d" % (RELAY4[0], routers.RELAY_PORT)
        return "[%s]:%d" % (RELAY6[0], routers.RELAY_PORT)


def mount_run():
    """A /run of the run's own, for the names of its namespaces."""
    call(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    os.makedirs("/run/netns")
