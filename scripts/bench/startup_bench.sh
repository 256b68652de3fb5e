#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Wall time of starting and ending ranks: a bare MPI program (Init, Barrier, Finalize) against a program of ours.
set -eu

usage() {
  cat <<'END'
Usage: scripts/bench/startup_bench.sh [-n RANKS] [-r REPEATS] COMMAND [ARGUMENT...]

Starts a bare MPI program and COMMAND in turn on RANKS ranks (default 80), REPEATS times each (default 5) after one discarded
run of both, and prints every time, the medians and their ratio.

Example: scripts/bench/startup_bench.sh -n 80 build/release/runtime/tilegrid info
END
}

fail() {
  echo "startup_bench: $1" >&2
  exit 1
}

ranks=80
repeats=5
while (($# > 0)); do
  case $1 in
    -h | --help) usage; exit 0 ;;
    -n) ranks=${2:-}; shift 2 || fail "-n needs a number" ;;
    -r) repeats=${2:-}; shift 2 || fail "-r needs a number" ;;
    -*) fail "unknown option $1 (see --help)" ;;
    *) break ;;
  esac
done
(($# >= 1)) || fail "needs a command (see --help)"
[[ $ranks =~ ^[1-9][0-9]*$ ]] || fail "number of ranks must be a positive integer, not '$ranks'"
[[ $repeats =~ ^[1-9][0-9]*$ ]] || fail "number of repeats must be a positive integer, not '$repeats'"
type -P mpicc >/dev/null || fail "mpicc not found; install Open MPI (Debian: libopenmpi-dev)"

grid=$(dirname "$(readlink -f "$0")")/../grid
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cat >"$work/bare.c" <<'END'
#include <mpi.h>
int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Barrier(MPI_COMM_WORLD);
  return MPI_Finalize();
}
END
mpicc -O2 -o "$work/bare" "$work/bare.c"

seconds() {
  local start=$EPOCHREALTIME code=0
  "$grid" "$ranks" "$@" >"$work/output" 2>&1 || code=$?
  local end=$EPOCHREALTIME
  ((code == 0)) || { cat "$work/output" >&2; fail "'$*' ended with exit code $code"; }
  awk -v a="$start" -v b="$end" 'BEGIN { printf "%.3f\n", b - a }'
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

echo "ranks $ranks, cores $(nproc), load $(cut -d ' ' -f 1 /proc/loadavg), $(mpirun --version | head -n 1)"
seconds "$work/bare" >"$work/discarded"
seconds "$@" >"$work/discarded"
printf '%-6s %10s %10s\n' run "bare s" "command s"
for ((run = 1; run <= repeats; ++run)); do
  bare=$(seconds "$work/bare")
  ours=$(seconds "$@")
  echo "$bare" >>"$work/bare_times"
  echo "$ours" >>"$work/our_times"
  printf '%-6s %10s %10s\n' "$run" "$bare" "$ours"
done
bare=$(median "$work/bare_times")
ours=$(median "$work/our_times")
printf '%-6s %10s %10s   ratio %s\n' median "$bare" "$ours" "$(awk -v a="$bare" -v b="$ours" 'BEGIN { printf "%.2f", b / a }')"
