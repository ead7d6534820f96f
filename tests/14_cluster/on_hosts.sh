#!/bin/sh
# Runs a program in four ranks, each on a host of its own: `on_hosts.sh PROGRAM ARGUMENT…`. The hosts are namespaces
# of the network, joined by a bridge, so that all that ranks say to each other really crosses a network. Ends with 77
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
  echo "no namespaces of the network are to be had here: $(cat "$files/error")"
  exit 77
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
ip netns exec $name-1 unshare --uts sh -c 'hostname node-1; exec "$@"' sh \
  mpirun --allow-run-as-root --hostfile "$files/hosts" --mca plm_rsh_agent "$files/agent" \
  --mca btl self,tcp --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 -n 4 "$@"
