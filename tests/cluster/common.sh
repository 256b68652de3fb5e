# SPDX-License-Identifier: Apache-2.0
# What tests over hosts share; sourced. Expects `name`, and grid and tilegrid as the script's arguments 2 and 3.
# shellcheck disable=SC2034,SC2154  # used by the scripts that source this, and set by them

grid=$(readlink -f -- "$2") tilegrid=$(readlink -f -- "$3")
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d) || exit 2
hosts=$work/hosts
failed=0
# shellcheck disable=SC2317  # called from a trap
clean_up() {
  "$here/hosts" down "$hosts"
  rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

complain() {
  echo "$name: $1" >&2
  failed=1
}

expect() { "$here/../expect" "$@" || failed=1; }
on() { "$here/hosts" run "$hosts" "$@"; }
make_hosts() { "$here/hosts" up "$hosts" 4 "$work" "$(readlink -f "$here/../..")" "$(dirname "$tilegrid")" || exit $?; }

own=(attention --heads 8 --kv-heads 1 --seq 640 --dim 64 --causal --verify off)
job=("${own[@]}" --grid 8x10)

one_process() { expect --exit 0 --err-lines 0 -- "$tilegrid" "${job[@]}" --out "$work/one.npy" --log "$work/one.log"; }

# What a run over hosts has written, which the arguments name, is what one process has.
compare() {
  cmp "$work/one.npy" "$work/many.npy" >&2 || complain "$*: other output than one process"
  cmp "$work/one.log" "$work/many.log" >&2 || complain "$*: other log than one process"
  rm -f "$work/many.npy" "$work/many.log"
}

# No process of a run is left on any host, and nothing in /dev/shm; $1: looks, ten a second, as what ends takes a moment.
expect_nothing_left() {
  local host left
  for host in h1 h2 h3 h4; do
    for ((i = 0; i < $1; ++i)); do
      left=$(on "$host" sh -c 'ps -e -o stat=,comm= | grep -E "^[RSD].* (tilegrid|orted|mpirun)$"; ls /dev/shm')
      [[ -n $left ]] || break
      sleep 0.1
    done
    [[ -z $left ]] || complain "$host is left with: $left"
  done
}
