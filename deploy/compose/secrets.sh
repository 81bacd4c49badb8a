#!/bin/sh
# The secrets of compose.yml. Each is a file in a volume of its own, so that a container has only what it needs:
#
#   docker compose run --rm secrets show NAME       prints one
#   docker compose run --rm -T secrets set NAME     replaces one by the text from standard input
#
# NAME is api_key or postgres_password. `docker compose up` runs `make`, which makes those that are missing.
set -eu
umask 022
names="api_key postgres_password"

fail() {
  echo "secrets: $1" >&2
  exit "$2"
}

path() {
  for known in $names; do
    if [ "$known" = "${1:-}" ]; then
      echo "/secrets/$1/$1"
      return
    fi
  done
  fail "expected one of $names, received ${1:-nothing}" 64
}

# A reader sees the old secret or the new one, also if this is stopped. Every user may read it who gets into the
# volume: the service's, the database's and Prometheus's.
write() {
  text=$(cat)
  [ -n "$text" ] || fail "$1 cannot be empty" 65
  printf %s "$text" >"$2.new"
  mv "$2.new" "$2"
}

make() {
  for name in $names; do
    file=$(path "$name")
    [ -s "$file" ] || head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n' | write "$name" "$file"
  done
  echo "The API key: docker compose run --rm secrets show api_key"
}

case ${1:-} in
  make) make ;;
  show) file=$(path "${2:-}"); cat "$file"; echo ;;
  set) file=$(path "${2:-}"); write "$2" "$file" ;;
  *) fail "expected make, show NAME or set NAME, received ${1:-nothing}" 64 ;;
esac
