#!/usr/bin/env bash
# hvac's own integration tests against our server.
#
#   HVAC_REPO=/path/to/clone/of/hvac tests/compat/hvac.sh "COMMAND" [pytest arguments]
#
# hvac starts `vault server -config=FILE` by itself. COMMAND (e.g. "python -m vaultlike") stands behind a `vault` on PATH
# that answers `-version` as the release whose API we speak: that decides which tests hvac skips.
# hvac-scope.txt beside this script lists the tests that must pass (a run of a part is judged by its part).
#
#   HVAC_REF     the commit to test; the list was made from the default
#   HVAC_CACHE   where the virtual environment stays between runs (default ~/.cache/vaultlike-hvac)
#   HVAC_PYTHON  the Python of that environment (default python3)
#   HVAC_MUST    another list
#   HVAC_OUT     where to leave pytest's output
#
# Exit code: 0 all that must pass did, 1 some did not, 2 nothing was measured.
set -uo pipefail
stop() { echo "hvac.sh: $*" >&2; exit 2; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ref=${HVAC_REF:-09902dea41c2c6313cd7844be4d984c1514bd822}  # v2.4.0 and a little
cache=${HVAC_CACHE:-$HOME/.cache/vaultlike-hvac}
[ -z "${HVAC_OUT:-}" ] || HVAC_OUT=$(realpath "$HVAC_OUT")
must=$(realpath "${HVAC_MUST:-$here/hvac-scope.txt}") || stop "no list of tests"
[ $# -ge 1 ] || stop 'which server? For example: hvac.sh "python -m vaultlike"'
[ -e "${HVAC_REPO:-}" ] || stop "HVAC_REPO must name a clone of hvac/hvac"
read -r -a server <<<"$1"
shift
case ${server[0]} in */*) server[0]=$(realpath -s "${server[0]}") ;; esac
command -v "${server[0]}" >/dev/null || stop "no such command: ${server[0]}"

# hvac's own ranges, but for requests: later ones treat hvac's empty client key differently.
needs=(
  "requests==2.31.0" "pyhcl<0.5" "pytest<8" "pytest-mock<4" "pytest-timeout" "requests-mock<2" "parameterized<0.9" "Authlib<2" "Flask<3"
  "Flask-SQLAlchemy<4" "Werkzeug<4" "jwcrypto<2" "python-ldap-test<0.4" "packaging<24" "semantic-version<3" "setuptools<70"
)
venv=$cache/venv
if [ "$(cat "$venv/needs" 2>/dev/null)" != "${needs[*]}" ]; then
  rm -rf "$venv" && mkdir -p "$cache"
  "${HVAC_PYTHON:-python3}" -m venv "$venv" || stop "no virtual environment"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "${needs[@]}" >&2 || stop "hvac's requirements cannot be installed"
  echo "${needs[*]}" >"$venv/needs"
fi

run=$(mktemp -d) || stop "no temporary folder"
trap 'rm -rf "$run"' EXIT
git clone --quiet "$HVAC_REPO" "$run/hvac" && git -C "$run/hvac" checkout --quiet --detach "$ref" || stop "no commit $ref in $HVAC_REPO"
mkdir "$run/bin" "$run/home"
{
  echo '#!/usr/bin/env bash'
  echo 'case "${1:-}" in -version | --version | version) echo "Vault v1.14.8 (abcdef), built 2023-12-04T12:00:00Z"; exit ;; esac'
  # the server's Python must not find hvac's packages, nor hvac's client our variables
  printf 'export PYTHONPATH=%q HOME=%q\nunset REQUESTS_CA_BUNDLE\nexec' "${PYTHONPATH:-}" "$run/home"
  printf ' %q' "${server[@]}"
  echo ' "$@"'
} >"$run/bin/vault"
chmod +x "$run/bin/vault"
for name in $(compgen -e | grep -E '^(VAULT|BAO)_|^PYTEST_ADDOPTS$|_CA_BUNDLE$'); do unset "$name"; done
export PATH=$run/bin:$PATH HOME=$run/home PYTHONPATH=$run/hvac

cd "$run/hvac" || stop "no sources"
paths=(tests/integration_tests)
for word in "$@"; do case $word in tests/*) paths=() ;; esac; done
"$venv/bin/python" -m pytest -o addopts= -p no:cacheprovider -q -rA --tb=line --no-header --disable-warnings --timeout=60 \
  "$@" ${paths[@]+"${paths[@]}"} >"$run/log" 2>&1
code=$?
[ -z "${HVAC_OUT:-}" ] || cp "$run/log" "$HVAC_OUT"
[ $code -le 1 ] || { tail -20 "$run/log" >&2; stop "pytest could not run the tests"; }

awk -v partial=$(($# > 0)) '
  NR == FNR { if ($1 ~ /^(PASSED|FAILED|ERROR|SKIPPED)$/) { outcome[$2] = $1; count[$1]++; line[$2] = $0 } next }
  /^#/ || !NF { next }
  !($1 in outcome) { if (!partial) { total++; print "not run: " $1 } next }
  { total++; if (outcome[$1] == "PASSED") passed++; else print line[$1] }
  END {
    printf "hvac: %d passed, %d failed, %d errors\nhvac: %d of %d that must pass\n", count["PASSED"], count["FAILED"], count["ERROR"], passed, total
    exit passed != total
  }' "$run/log" "$must"
