# shellcheck shell=bash
# Shared by the scripts of this folder: source it first. Sets `root`, the top of the repository, and goes there; prints the
# script's help and ends it where the command line asks for that. presets: those of CMakePresets.json.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
presets="release dev asan"

# Prints the comment block that opens the script as its help text.
usage() { awk 'NR > 1 && /^#/ { sub(/^# ?/, ""); print; next } NR > 1 { exit }' "$1"; }

# Before anything else, and while a relative $0 still leads to the script.
for word in "$@"; do
  case $word in
    -h | --help)
      usage "$0"
      exit 0
      ;;
  esac
done
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

# Fails unless $1 is the name of a preset.
check_preset() {
  local preset
  for preset in $presets; do
    if [ "$1" = "$preset" ]; then return; fi
  done
  die "unknown preset '$1'; there are: $presets"
}

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
