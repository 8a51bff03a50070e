# shellcheck shell=bash
# Finds a compiler that is new enough, or installs Debian's, and builds with one progress line.

export CARGO_NET_RETRY=10
readonly still_building_s=20 # without a terminal, a sign of life this often

target_dir() { printf '%s\n' "${CARGO_TARGET_DIR:-$PWD/target}"; }

# The oldest compiler that the workspace accepts, from Cargo.toml.
msrv() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml; }

# Is the cargo in folder $1 new enough, and its rustc with it?
new_enough() {
  local tool version
  for tool in cargo rustc; do
    [[ -x $1/$tool ]] || return 1
    version=$("$1/$tool" --version 2>/dev/null | awk '{ print $2 }')
    [[ -n $version ]] && printf '%s\n%s\n' "$(msrv)" "$version" | sort -V -C || return 1
  done
}

# Puts a good toolchain first in PATH. `use_toolchain lints` asks for clippy and rustfmt too.
use_toolchain() {
  pick_toolchain || { apt_install rustc-web cargo-web; pick_toolchain; } ||
    die "no cargo $(msrv) or newer: neither on PATH nor as Debian's cargo-web (is bookworm-security in the apt sources?)"
  if [[ ${1:-} == lints ]]; then lint_tools; fi
}

pick_toolchain() {
  local folder
  local folders
  IFS=: read -r -a folders <<<"$PATH"
  for folder in "${folders[@]}" /usr/bin; do
    if new_enough "$folder"; then
      export PATH=$folder:$PATH
      return
    fi
  done
  return 1
}

lint_tools() {
  if cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1; then return; fi
  if [[ $(command -v cargo) == /usr/bin/cargo ]]; then
    apt_install rust-web-clippy rustfmt-web
  else
    die "cargo has no clippy or rustfmt: rustup component add clippy rustfmt"
  fi
}

# Every binary of the demo, under target/debug.
build_binaries() {
  cargo_progress build --locked --workspace --bins "$@"
}

# Every binary, example and test in one go. Tests ask for more features of the same dependencies, so cargo has to be called for
# the whole workspace with its tests each time, or it builds the dependencies once for each choice.
build_tests() {
  cargo_progress build --locked --workspace --bins --tests --examples
}

# cargo_progress ARGS…: runs cargo; on a terminal one line counts crates, in CI it is silent; a failure shows what cargo said.
cargo_progress() {
  local log total
  mkdir -p "$(target_dir)/dev"
  log=$(target_dir)/dev/build.log
  total=$(grep -c '^name = ' Cargo.lock)
  if cargo "$@" 2>&1 | tee "$log" | progress_line "$total"; then return; fi
  [[ -t 2 ]] && printf '\n' >&2
  grep -vE '^ +(Compiling|Downloaded|Downloading|Updating|Locking|Adding) ' "$log" >&2 || true
  die "the build failed; all of its output is in $log"
}

progress_line() {
  local total=$1 line done=0 began=$SECONDS last=$SECONDS
  while IFS= read -r line; do
    [[ $line =~ ^\ +Compiling\ ([^ ]+) ]] || continue
    done=$((done + 1))
    if [[ -t 2 ]]; then
      printf '\r\033[Kbuilding %d of at most %d: %s (%d s)' "$done" "$total" "${BASH_REMATCH[1]}" $((SECONDS - began)) >&2
    elif [[ -z ${CI:-} && $((SECONDS - last)) -ge $still_building_s ]]; then
      last=$SECONDS
      say "building $done of at most $total: ${BASH_REMATCH[1]}"
    fi
  done
  if [[ -t 2 && $done -gt 0 ]]; then printf '\r\033[K' >&2; fi
  if [[ $done -gt 0 ]]; then say "built $done crates in $((SECONDS - began)) s"; fi
}
