# shellcheck shell=bash
# Shared by the scripts of this folder: source it first. Sets `root`, the top of the repository, and goes there.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

say() { printf '%s\n' "== $*"; }
die() {
  printf '%s\n' "error: $*" >&2
  exit 1
}

# A C++ file that includes MLIR takes up to 1.5 GB to compile, so memory bounds the jobs as well as the cores do.
jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ { print int($2 / 1600000) }' /proc/meminfo)
  if [ "$memory" -lt 1 ]; then memory=1; fi
  if [ "$memory" -lt "$cores" ]; then echo "$memory"; else echo "$cores"; fi
}

# Prints the comment block that opens the script as its help text.
usage() { awk 'NR > 1 && /^#/ { sub(/^# ?/, ""); print; next } NR > 1 { exit }' "$1"; }

# build PRESET [TARGET...]: configures when needed and builds.
build() {
  local preset=$1 dir
  shift
  dir=$(build_dir "$preset")
  if [ ! -f "$dir/build.ninja" ]; then
    say "configure ($preset, in $dir)"
    cmake --preset "$preset"
  fi
  say "build ($preset, $(jobs) jobs)"
  cmake --build "$dir" --parallel "$(jobs)" ${1:+--target "$@"}
}

build_dir() {
  case $1 in
    release) echo build ;;
    *) echo "build-$1" ;;
  esac
}
