"""What the routers of the lab do: nft rules for each kind and family.

A router has two devices, lan and wan. F is the forward filter, I the guard of
its own ports; docs/connectivity.md says which kind of the real world each is."""

KINDS = ("none", "fw", "fc", "ar", "pr", "prrej", "prbad", "sym", "adm", "seq",
         "udpblk")
RELAY_PORT = 4433
SECOND_PORT = 4434

FORWARD = """
chain forward {
  type filter hook forward priority 0; policy drop;
  ct state established,related accept
  iifname "lan" accept
  %s
}"""

GUARD = """
chain guard {
  type filter hook input priority 0;
  iifname "wan" meta l4proto udp ct state new %s
}"""

POST = """
chain post {
  type nat hook postrouting priority 100;
  oifname "wan" meta l4proto udp %s
  oifname "wan" masquerade
}"""

# For who asks from inside for the router's own address outside.
HAIRPIN = """
chain hairpin_in {
  type nat hook prerouting priority -100;
  iifname "lan" %(ip)s daddr %(wan)s meta l4proto udp \
dnat %(ip)s to udp dport map @owner
}
chain hairpin_out {
  type nat hook postrouting priority 90;
  iifname "lan" oifname "lan" snat %(ip)s to %(wan)s
}"""

# What a LAN's host sends tells whose a port of the router is: masquerading
# keeps the port. Learnt where every packet passes: a nat chain sees the first
# one of a flow only.
FULL_CONE = """
map owner { type inet_service : %(addr)s; flags dynamic,timeout; size 65535; }
set asked { type inet_service . %(addr)s; flags dynamic,timeout; size 65535; }
chain learn {
  type filter hook forward priority -10;
  iifname "lan" oifname "wan" meta l4proto udp update @owner \
{ udp sport timeout %(timeout)ds : %(ip)s saddr }
  iifname "lan" oifname "wan" meta l4proto udp update @asked \
{ udp sport . %(ip)s daddr timeout %(timeout)ds }
}
chain pre {
  type nat hook prerouting priority -100;
  iifname "wan" meta l4proto udp %(check)s \
dnat %(ip)s to udp dport map @owner
}"""

# Ports of a mapping that depends on the destination's address. The port of the
# source is in it too, so that two sockets do not want the same.
BUCKETS = 1024


def _full_cone(ip, addr, check, timeout):
    return FULL_CONE % {"ip": ip, "addr": addr, "check": check,
                        "timeout": timeout}


def _snat(ip, wan, expression, first, count):
    to = "[%s]" % wan if ip == "ip6" else wan
    ports = ", ".join("%d : %d" % (i, first + i) for i in range(count))
    return "snat %s to %s : %s map { %s }" % (ip, wan if ip == "ip" else to,
                                              expression, ports)


def _body(kind, ip, wan, timeout):
    addr = "ipv4_addr" if ip == "ip" else "ipv6_addr"
    if kind == "fw":
        return FORWARD % ""
    if kind in ("fc", "ar"):
        check = "" if kind == "fc" else \
            "udp dport . %s saddr @asked" % ip
        return (_full_cone(ip, addr, check, timeout) +
                FORWARD % "ct status dnat accept" + GUARD % "drop" +
                POST % "masquerade")
    if kind == "pr":
        return FORWARD % "" + GUARD % "drop" + POST % "masquerade"
    if kind == "prrej":
        return FORWARD % "" + GUARD % "reject" + POST % "masquerade"
    if kind == "prbad":
        return FORWARD % "" + POST % "masquerade"
    if kind == "sym":
        return (FORWARD % "" + GUARD % "drop" +
                POST % "masquerade fully-random")
    if kind == "adm":
        hashed = "jhash %s daddr . udp sport mod %d" % (ip, BUCKETS)
        return (FORWARD % "" + GUARD % "drop" +
                POST % _snat(ip, wan, hashed, 30000, BUCKETS))
    if kind == "seq":
        return (FORWARD % "" + GUARD % "drop" +
                POST % _snat(ip, wan, "numgen inc mod 256", 40000, 256))
    if kind == "udpblk":
        only = ("iifname \"lan\" meta l4proto udp udp dport != %d drop" %
                RELAY_PORT)
        # Before "the LAN may": the chain is built anew.
        forward = (FORWARD % "").replace("iifname \"lan\" accept",
                                         only + "\n  iifname \"lan\" accept")
        return forward + GUARD % "drop" + POST % "masquerade"
    raise ValueError("no such router: " + kind)


def rules(kind, family, wan, hairpin=False, timeout=300):
    """The nft text of a router. wan: its address outside. hairpin: of the
    kinds that know whose a port is, fc and ar."""
    ip = "ip" if family == 4 else "ip6"
    body = _body(kind, ip, wan, timeout)
    if hairpin:
        body += HAIRPIN % {"ip": ip, "wan": wan}
    return "table %s lab {%s\n}\n" % (ip, body)


def new_ports(family, first=50000, last=59999):
    """Rules that give every new flow another port, for a rebinding."""
    ip = "ip" if family == 4 else "ip6"
    return ("flush chain %s lab post\n"
            "add rule %s lab post oifname \"wan\" meta l4proto udp masquerade"
            " to :%d-%d random\n" % (ip, ip, first, last))
