#!/bin/bash
# A real S3 engine on this machine: Ceph's object gateway over one monitor and one in-memory store, no systemd.
#
#   s3_engine.sh start DIRECTORY GATEWAY_PORT MONITOR_PORT MONITOR_V1_PORT ACCESS_KEY SECRET_KEY
#   s3_engine.sh stop DIRECTORY
#
# Everything it writes is below DIRECTORY, which must not exist yet. `start` returns once the gateway answers on
# 127.0.0.1:GATEWAY_PORT. Needs the Debian packages ceph-mon, ceph-osd, radosgw and curl; runs as any user.
set -euo pipefail

say_usage() { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }

write_configuration() {
  # One copy of everything is enough here, and a short Paxos interval makes the start take seconds less.
  cat > "$CEPH_CONF" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$monitor_port,v1:127.0.0.1:$monitor_v1_port]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
keyring = $directory/keyring
run dir = $directory/run
admin socket = $directory/run/\$name.asok
log file = $directory/log/\$name.log
crash dir = $directory/log
mon cluster log file = $directory/log/cluster.log
paxos propose interval = 0.05
paxos min wait = 0.01
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1
[mon]
mon data = $directory/mon
[osd]
osd data = $directory/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd max object name len = 2048
osd class load list = *
osd class default list = *
# One that is slow to answer on a busy machine is not down: there is no other.
osd heartbeat grace = 600
osd op thread timeout = 600
osd op thread suicide timeout = 0
[client.gateway]
rgw data = $directory/gateway
rgw frontends = beast endpoint=127.0.0.1:$gateway_port
rgw run sync thread = false
# Buckets answer as BUCKET.localhost too; requests to an address name the bucket in the path as ever.
rgw dns name = localhost
# Passwords of notification endpoints are taken over TLS only; here everything stays on the loopback.
rgw trust forwarded https = true
CONF
}

make_keys() {
  local add=(ceph-authtool "$directory/keyring" --gen-key)
  ceph-authtool --create-keyring "$directory/keyring" --gen-key -n mon. --cap mon 'allow *'
  "${add[@]}" -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  "${add[@]}" -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
  "${add[@]}" -n client.gateway --cap mon 'allow rw' --cap osd 'allow rwx'
}

start_monitor() {
  local cluster_id
  cluster_id=$(sed -n 's/^fsid = //p' "$CEPH_CONF")
  monmaptool --create --fsid "$cluster_id" \
    --addv a "[v2:127.0.0.1:$monitor_port,v1:127.0.0.1:$monitor_v1_port]" "$directory/monmap"
  ceph-mon --mkfs -i a --monmap "$directory/monmap" --keyring "$directory/keyring"
  ceph-mon -i a --pid-file "$directory/run/mon.pid"
}

start_object_store() {
  local identity
  identity=$(cat /proc/sys/kernel/random/uuid)
  ceph --connect-timeout 120 osd new "$identity" 0
  ceph-osd -i 0 --mkfs --osd-uuid "$identity" --keyring "$directory/keyring"
  ceph-osd -i 0 --pid-file "$directory/run/osd.pid"
}

start_gateway() {
  # Making the user makes the gateway's pools too.
  radosgw-admin -n client.gateway user create --uid=tester --display-name=Tester \
    --access-key="$access_key" --secret-key="$secret_key"
  radosgw -n client.gateway --pid-file "$directory/run/gateway.pid"
  curl --silent --fail --output /dev/null --retry 300 --retry-delay 0 --retry-max-time 180 \
    --retry-connrefused --retry-all-errors "http://127.0.0.1:$gateway_port/"
}

is_running() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

stop_daemon() {
  local pid_file=$directory/run/$1.pid
  is_running "$pid_file" && kill -TERM "$(cat "$pid_file")"
  for _ in $(seq 100); do
    is_running "$pid_file" || break
    sleep 0.1
  done
  is_running "$pid_file" && kill -KILL "$(cat "$pid_file")"
  rm -f "$pid_file"
}

[ $# -ge 2 ] || say_usage
directory=$2
export CEPH_CONF=$directory/ceph.conf
case $1 in
  start)
    [ $# -eq 7 ] || say_usage
    gateway_port=$3 monitor_port=$4 monitor_v1_port=$5 access_key=$6 secret_key=$7
    mkdir -p "$directory"
    mkdir "$directory"/{run,log,mon,osd,gateway}
    write_configuration
    {
      make_keys
      start_monitor
      start_object_store
      start_gateway
    } >> "$directory/log/start.log" 2>&1 || { cat "$directory/log/start.log" >&2; exit 1; }
    ;;
  stop) for daemon in gateway osd mon; do stop_daemon $daemon; done ;;
  *) say_usage ;;
esac
