"""What can happen in a call: the steps of scenarios. Each returns the moment it
happened, in microseconds of CLOCK_MONOTONIC."""

import time

from . import net, routers

BOTH = (("a", "b"), ("b", "a"))


def now_us():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


class Actions:
    def __init__(self, run):
        self.run = run

    @property
    def _net(self):
        return self.run.network

    def _place(self, side):
        return self._net.a if side == "a" else self._net.b

    def _gate(self, side):
        """Whose router the side is behind."""
        return self._place("a" if self._net.scenario.same_lan else side)

    def block_direct(self, family=""):
        """Nothing passes between the peers any more, and nobody is told."""
        return self._net.wire.tell(*["block %s %s %s" % (x, y, family)
                                     if family else "block %s %s" % (x, y)
                                     for x, y in BOTH])

    def block_one_way(self, source, target):
        return self._net.wire.tell("block %s %s" % (source, target))

    def open_direct(self):
        return self._net.wire.tell("open a b", "open b a")

    def block_relay(self, side="*"):
        return self._net.wire.tell("block r " + side, "block %s r" % side)

    def open_relay(self, side="*"):
        return self._net.wire.tell("open r " + side, "open %s r" % side)

    def block_all(self):
        return self._net.wire.tell("block * *")

    def delay_direct(self, ms):
        return self._net.wire.tell("delay a b %s" % ms, "delay b a %s" % ms)

    def loss_direct(self, percent):
        return self._net.wire.tell("loss a b %s" % percent,
                                   "loss b a %s" % percent)

    def kill_relay(self):
        moment = now_us()
        self.run.kill_relay()
        return moment

    def restart_relay(self):
        moment = now_us()
        self.run.kill_relay()
        self.run.start_relay()
        return moment

    def rebind_ports(self, side):
        """The router forgets its mappings and gives other ports from now on,
        as one that was switched off and on."""
        place = self._gate(side)
        net.load_rules(place.router, routers.new_ports(4))
        moment = now_us()
        # An address that goes takes its mappings along; never the last one,
        # or the routes go too.
        other = place.net4 + ".9"
        net.ip(place.edge, "addr add %s/32 dev wan" % other,
               "addr del %s/32 dev wan" % place.wan4,
               "addr add %s/32 dev wan" % place.wan4,
               "addr del %s/32 dev wan" % other)
        return moment

    def rebind_address(self, side):
        """The provider gives the router another address."""
        place = self._gate(side)
        other = place.net4 + ".9"
        moment = now_us()
        net.ip(place.edge, "addr add %s/32 dev wan" % other,
               "addr del %s/32 dev wan" % place.wan4)
        return moment

    def readdress(self, side, last=77):
        """The host gets another address in its LAN; the old one is gone."""
        place, gate = self._place(side), self._gate(side)
        bits = gate.lan_bits(4)
        new = gate.host_address(4, last)
        old = gate.host_address(4, place.side.host)
        lines = ["addr del %s/%d dev eth0" % (old, bits),
                 "addr add %s/%d dev eth0" % (new, bits),
                 "route replace default via %s src %s" %
                 (gate.lan_gateway(4), new)]
        moment = now_us()
        net.ip(place.host, *lines)
        return moment

    def pull_cable(self, side):
        place = self._place(side)
        moment = now_us()
        net.ip(place.host, "link set eth0 down")
        return moment

    def plug_cable(self, side):
        place, gate = self._place(side), self._gate(side)
        moment = now_us()
        net.ip(place.host, "link set eth0 up",
               *["route replace %s via %s" %
                 (net.DEFAULT[family], gate.lan_gateway(family))
                 for family in gate.families()])
        return moment

    def hang_up(self, side):
        moment = now_us()
        self.run.peers[side].tell("stop")
        return moment

    def note_stats(self):
        """From here on the bytes are counted."""
        for peer in self.run.peers.values():
            peer.tell("stats")
        return now_us()

    def wait(self):
        """Marks a moment, for the measurement of what does nothing."""
        return now_us()
