#!/usr/bin/env bash
# Two hosts and what they say to each other, captured by tcpdump into the file given.
# Runs in a network and a mount namespace of its own: unshare --net --mount bash two_hosts.sh FILE
set -euo pipefail
file=$1
work=$(mktemp -d)
children=()
finish() {
    [[ ${#children[@]} == 0 ]] || kill "${children[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

mount -t tmpfs none /run
ip link set lo up
ip netns add far
ip link add near type veth peer name far netns far
ip address add 198.18.0.1/24 dev near
ip address add 2001:2::1/64 dev near nodad
ip -n far address add 198.18.0.2/24 dev far
ip -n far address add 2001:2::2/64 dev far nodad
# The capture shows frames as a wire has them: checksums filled in, segments cut.
ethtool -K near tx off tso off gso off gro off >/dev/null
ip netns exec far ethtool -K far tx off tso off gso off gro off >/dev/null
ip link set near up
ip -n far link set far up

openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=far \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
ip netns exec far python3 "$(dirname "$0")/servers.py" "$work" &
children+=($!)
tcpdump -i near --immediate-mode -U -s 0 -w "$file" 2>"$work/tcpdump" &
tcpdump=$!
children+=("$tcpdump")
for _ in $(seq 100); do
    [[ -e $work/ready ]] && grep -q "listening on" "$work/tcpdump" && break
    sleep 0.1
done

python3 "$(dirname "$0")/clients.py"
ping -q -c 2 -i 0.2 -s 4000 198.18.0.2 >/dev/null
ping -q -c 2 -i 0.2 -s 4000 2001:2::2 >/dev/null
# What was sent last is still on its way to the file.
for _ in $(seq 50); do
    size=$(stat -c %s "$file")
    sleep 0.2
    [[ $(stat -c %s "$file") == "$size" && $size -gt 24 ]] && break
done
kill -INT "$tcpdump"
wait "$tcpdump" || true
