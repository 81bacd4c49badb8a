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

# What the service and the database would refuse; the text itself is not repeated.
check() {
  [ -n "$2" ] || fail "$1 cannot be empty" 65
  [ "$1" = api_key ] || return 0
  [ "${#2}" -ge 16 ] || fail "api_key has ${#2} characters; it needs at least 16" 65
  case $2 in
    *[!!-~]*) fail "api_key has a space or a character that is not ASCII" 65 ;;
  esac
}

# A reader sees the old secret or the new one, also if this is stopped. Every user may read it who gets into the
# volume: the service's, the database's and Prometheus's.
write() {
  text=$(cat)
  check "$1" "$text"
  printf %s "$text" >"$2.new"
  mv "$2.new" "$2"
}

# The directory of a database that is not made yet is empty.
has_database() {
  [ -n "$(ls -A /books)" ]
}

make() {
  for name in $names; do
    file=$(path "$name")
    if [ -s "$file" ]; then continue; fi
    if [ "$name" = postgres_password ] && has_database; then
      fail "the database was made with a password that is missing here; hand it on with \`set $name\`, or remove \
the database and all books: docker compose down --volumes" 78
    fi
    head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n' | write "$name" "$file"
  done
  echo "The API key: docker compose run --rm secrets show api_key"
}

show() {
  [ -s "$2" ] || fail "$1 is not made yet: docker compose up" 66
  cat "$2"
  echo
}

[ "$#" -le 2 ] || fail "expected make, show NAME or set NAME, and a new secret on standard input" 64
case ${1:-} in
  make) make ;;
  show) file=$(path "${2:-}"); show "$2" "$file" ;;
  set) file=$(path "${2:-}"); write "$2" "$file" ;;
  *) fail "expected make, show NAME or set NAME, received ${1:-nothing}" 64 ;;
esac
