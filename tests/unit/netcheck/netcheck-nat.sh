#!/bin/sh
# wzp-netcheck behind NATs of several kinds: a client, a router and a server in
# network namespaces of their own, out of which nothing can leave.
#
#   client 192.168.1.2 ── router ── server 203.0.113.1, 203.0.113.2 (relays)
#                           198.51.100.1 is what the router makes of the client
#
# Needs root, unshare, ip and nft; says so and is skipped (77) otherwise.

set -u

skip () {
  echo "skipped: $1"
  exit 77
}

# The router's rules, then what the client must be told.
expect () {
  rules=$1 type=$2 wanted=$3
  nft flush ruleset
  [ -z "$rules" ] || nft "$rules" || exit 1
  ip netns exec client "$WZP_NETCHECK" --json --timeout 5 \
    203.0.113.1:4433 203.0.113.2:4433 >"$dir/report"
  status=$?
  for line in "\"type\" : \"$type\"" "$wanted"; do
    if ! grep -q -F "$line" "$dir/report"; then
      echo "not ok: $type: no $line (status $status) in"
      cat "$dir/report"
      failed=1
      return
    fi
  done
  echo "ok: $type, $wanted"
}

nat () {
  echo "add table ip nat;
    add chain ip nat post { type nat hook postrouting priority 100; };
    add rule ip nat post oifname wan $1"
}

start_relay () {
  # No address but these: their own is taken for the family's.
  ip netns exec server "$WZP_RELAY" --no-config --ephemeral-key --quiet \
    --listen "$1" --port 4433 --second-port 4434 >"$dir/relay.$1" &
  pids="$pids $!"
  n=0
  until grep -q ready "$dir/relay.$1"; do
    n=$((n + 1))
    [ $n -lt 200 ] || { echo "a relay did not start"; exit 1; }
    sleep 0.05
  done
}

set_up () {
  mount -t tmpfs none /run && mkdir /run/netns &&
    ip netns add client && ip netns add server &&
    ip link add lan type veth peer name eth0 netns client &&
    ip link add wan type veth peer name eth0 netns server &&
    ip addr add 192.168.1.1/24 dev lan && ip addr add 198.51.100.1/24 dev wan &&
    ip link set lo up && ip link set lan up && ip link set wan up &&
    ip -n client addr add 192.168.1.2/24 dev eth0 &&
    ip -n server addr add 198.51.100.2/24 dev eth0 &&
    ip -n server addr add 203.0.113.1/32 dev eth0 &&
    ip -n server addr add 203.0.113.2/32 dev eth0 &&
    for n in client server; do
      ip -n $n link set lo up && ip -n $n link set eth0 up || return 1
    done &&
    ip -n client route add default via 192.168.1.1 &&
    ip -n server route add default via 198.51.100.1 &&
    ip route add 203.0.113.0/24 via 198.51.100.2 &&
    echo 1 >/proc/sys/net/ipv4/ip_forward && nft list ruleset
}

run () {
  dir=$(mktemp -d) pids='' failed=0
  # shellcheck disable=SC2086 # a list
  trap 'kill $pids 2>/dev/null; wait; rm -rf "$dir"' EXIT
  set_up >"$dir/set-up" 2>&1 ||
    skip "no network as is needed: $(tail -n 1 "$dir/set-up")"
  start_relay 203.0.113.1
  start_relay 203.0.113.2

  expect '' none '"observed" : "192.168.1.2:'
  nft "$(nat masquerade)" 2>/dev/null || skip 'no NAT in this kernel'
  expect "$(nat masquerade)" endpoint-independent '"preserves_port" : true'
  expect "$(nat 'meta l4proto udp masquerade random,fully-random')" \
    address-and-port-dependent '"preserves_port" : false'
  expect "$(nat 'meta l4proto udp ip daddr 203.0.113.1 masquerade to :31000') ;
    add rule ip nat post oifname wan meta l4proto udp ip daddr 203.0.113.2 masquerade to :31002" \
    address-dependent '"max_step" : 2'
  expect 'add table ip filter;
    add chain ip filter forward { type filter hook forward priority 0; };
    add rule ip filter forward meta l4proto udp drop' \
    blocked '"answered" : 0'
  exit $failed
}

if [ "${1:-}" = --inside ]; then
  run
fi
[ "$(id -u)" = 0 ] || skip 'namespaces need root'
for tool in unshare ip nft; do
  command -v $tool >/dev/null || skip "there is no $tool"
done
unshare --net --mount true 2>/dev/null || skip 'no namespaces here'
exec unshare --net --mount sh "$0" --inside
