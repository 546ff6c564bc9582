#!/usr/bin/env bash
# One command: a machine with a managed identity logs in and reads a secret, with nothing but curl and jq.
#   examples/azure_login/run.sh
# It runs in an imaginary Azure (see ../in_azure.sh). On a real machine only the last part, login.sh, is needed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/../in_azure.sh" "$here/login.sh"
