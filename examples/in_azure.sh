#!/usr/bin/env bash
# Runs a command on an imaginary Azure machine: in a network namespace of its own, where the Azure emulator answers at
# 169.254.169.254:80 as the instance metadata service does, and a dev server at 127.0.0.1:8200.
#
#   examples/in_azure.sh [-mount PATH | -bare] COMMAND [ARGUMENTS]
#
#   -mount PATH   enable the azure method there (default azure), with the role dev-role and the secret secret/creds
#   -bare         a fresh server: nothing is enabled
#
# The command gets VAULT_ADDR, AZURE_MOUNT and, as ROOT_TOKEN, the root token; `vaultlike` and `vault` on its PATH are
# this package's command line, with a home of their own. Exit code: the command's; 77 where namespaces are not allowed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-$here/../.venv/bin/python}

if [ "${1:-}" != -inside ]; then
  command -v unshare >/dev/null && command -v ip >/dev/null || { echo "in_azure.sh: unshare and ip (iproute2) are needed" >&2; exit 77; }
  enter=(unshare --net)
  [ "$(id -u)" = 0 ] || enter=(unshare --map-root-user --net)
  "${enter[@]}" ip link set lo up 2>/dev/null || { echo "in_azure.sh: this machine does not allow network namespaces" >&2; exit 77; }
  exec "${enter[@]}" --kill-child=TERM "${BASH_SOURCE[0]}" -inside "$@"
fi
shift

mount=azure
while :; do
  case ${1:-} in
    -mount) mount=$2; shift 2 ;;
    -bare) mount=; shift ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || { echo "in_azure.sh: which command?" >&2; exit 2; }

home=$(mktemp -d)
pids=()
finish() {
  for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$home"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

ip link set lo up
ip address add 169.254.169.254/32 dev lo
for name in $(compgen -e | grep -E '^(VAULT|BAO|AZURE|IDENTITY|MSI)_|^(https?|all)_proxy$|^(HTTPS?|ALL)_PROXY$' || true); do unset "$name"; done
export HOME=$home TMPDIR=$home
mkdir "$home/bin"
for name in vaultlike vault; do
  printf '#!/bin/sh\nexec %q -m vaultlike "$@"\n' "$python" >"$home/bin/$name"
  chmod +x "$home/bin/$name"
done
export PATH=$home/bin:$PATH

# Waits until FILE has a line that matches PATTERN; PID must live meanwhile.
await() {
  for _ in $(seq 200); do
    grep -q "$2" "$1" 2>/dev/null && return
    kill -0 "$3" 2>/dev/null || break
    sleep 0.05
  done
  echo "in_azure.sh: no start:" >&2
  cat "$1" "$1.err" >&2
  exit 1
}

vaultlike emulator azure -metadata-address=169.254.169.254:80 -ca-out="$home/ca.pem" >"$home/emulator" 2>"$home/emulator.err" &
pids+=($!)
await "$home/emulator" '^{' $!

# The emulator says its addresses in one line of JSON: they become the server's cloud "Emulated".
"$python" - "$home/emulator" >"$home/azure.hcl" <<'PYTHON'
import json
import sys

info = json.loads(open(sys.argv[1]).readline())
info["active_directory"] = info["authority"]
keys = ("active_directory", "issuer", "resource_manager", "graph", "audience", "metadata", "ca_file")
print('azure_cloud "AzurePublicCloud" {', *(f"  {key} = {json.dumps(info[key])}" for key in keys), "}", sep="\n")
PYTHON

vaultlike server -dev -dev-root-token-id=root -dev-no-store-token -config="$home/azure.hcl" >"$home/server" 2>"$home/server.err" &
pids+=($!)
await "$home/server" '^Root Token' $!
export VAULT_ADDR=http://127.0.0.1:8200 ROOT_TOKEN=root AZURE_MOUNT=$mount

if [ -n "$mount" ]; then
  {
    export VAULT_TOKEN=root
    vaultlike auth enable -path="$mount" azure
    # ids of the emulator's own little world
    vaultlike write "auth/$mount/config" resource=https://management.azure.com/ \
      tenant_id=11111111-aaaa-4000-8000-000000000001 \
      client_id=33333333-cccc-4000-8000-000000000001 client_secret=emulated~server~secret
    printf 'path "secret/data/creds" { capabilities = ["read"] }' | vaultlike policy write dev -
    vaultlike kv put secret/creds password=correct-horse-battery-staple
    vaultlike write "auth/$mount/role/dev-role" policies=dev token_ttl=1h \
      bound_subscription_ids=22222222-bbbb-4000-8000-000000000001 bound_resource_groups=demo-rg
    unset VAULT_TOKEN
  } >"$home/setup" 2>&1 || { cat "$home/setup" >&2; exit 1; }
fi

code=0
"$@" || code=$?
exit "$code"
