#!/bin/sh
# Runs programs in four ranks, each on a host of its own: `on_hosts.sh PROGRAM…`. The hosts are namespaces
# of the network, joined by a bridge, so that all that ranks say to each other really crosses a network. Says so
# where such namespaces are not to be had: that takes root, and the program ip.
set -eu
name=hosts-$$
files=$(mktemp -d)
end() {
  for host in 1 2 3 4 bridge; do ip netns del $name-$host 2>/dev/null || :; done
  rm -rf "$files"
}
trap end EXIT
trap 'exit 143' TERM INT

if ! ip netns add $name-bridge 2>"$files/error" || ! ip -n $name-bridge link add br0 type bridge 2>"$files/error"; then
  echo "not tried: no namespaces of the network are to be had here: $(cat "$files/error")"
  exit
fi
ip -n $name-bridge link set br0 up
for host in 1 2 3 4; do
  ip netns add $name-$host
  ip -n $name-$host link set lo up
  ip link add to-$host netns $name-bridge type veth peer name eth0 netns $name-$host
  ip -n $name-bridge link set to-$host master br0 up
  ip -n $name-$host addr add 10.99.0.$host/24 dev eth0
  ip -n $name-$host link set eth0 up
  echo "10.99.0.$host slots=1" >>"$files/hosts"
done

# What mpirun calls in the place of ssh: `agent HOST COMMAND…`.
cat >"$files/agent" <<AGENT
#!/bin/sh
host=\${1##*.}
shift
exec ip netns exec $name-\$host unshare --uts sh -c "hostname node-\$host; \$*"
AGENT
chmod +x "$files/agent"
passed=0 failed=0
for program; do
  if ip netns exec $name-1 unshare --uts sh -c 'hostname node-1; exec "$@"' sh \
    mpirun --allow-run-as-root --hostfile "$files/hosts" --mca plm_rsh_agent "$files/agent" \
    --mca btl self,tcp --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 -n 4 "$program" \
    >"$files/output" 2>&1 && grep -q 'node-2' "$files/output"; then
    passed=$((passed + 1))
    echo "✔ $program, on four hosts"
  else
    failed=$((failed + 1))
    echo "✘ $program, on four hosts:"
    cat "$files/output"
  fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
