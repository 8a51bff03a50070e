# shellcheck shell=bash
# Installs what is missing. Debian packages only, and never a running service: a policy that refuses service starts is
# in place before apt-get runs and is taken back afterwards. Without root it prints the line to run and stops.

export PATH=$PATH:/usr/sbin:/sbin:$HOME/.cargo/bin
export DEBIAN_FRONTEND=noninteractive
readonly apt_lock_wait_s=300 # another apt may run on a machine that has just booted
apt_lists_fresh=
readonly policy=/usr/sbin/policy-rc.d

# What every build needs, by the thing that shows it is there.
readonly build_needs=(gcc:gcc pkg-config:pkg-config /usr/include/stdio.h:libc6-dev /usr/include/alsa/asoundlib.h:libasound2-dev
  /etc/ssl/certs/ca-certificates.crt:ca-certificates)

say() { printf '%s\n' "$*" >&2; }
die() { say "dev: $*"; exit 1; }

# Is the command, the file (or one of a pattern's) or the Python module of a need there?
present() {
  case $1 in
    /*) compgen -G "$1" >/dev/null ;;
    python3-venv) command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing_packages() {
  local need
  for need in "${build_needs[@]}" "$@"; do
    # nodesource's nodejs brings npm and conflicts with Debian's: npm is looked for once node is there.
    if [[ ${need%%:*} == npm ]] && ! present node; then continue; fi
    present "${need%%:*}" || printf '%s\n' "${need#*:}"
  done
}

install_needs() {
  local packages
  mapfile -t packages < <(missing_packages "$@")
  if [[ ${#packages[@]} -gt 0 ]]; then
    apt_install "${packages[@]}"
    mapfile -t packages < <(missing_packages "$@")
    [[ ${#packages[@]} -eq 0 ]] || apt_install "${packages[@]}"
  fi
  mapfile -t packages < <(missing_packages "$@")
  [[ ${#packages[@]} -eq 0 ]] || die "installed, and yet still missing: ${packages[*]}"
}

apt_install() {
  command -v apt-get >/dev/null || die "this system has no apt-get; install these by its own means: $*"
  if [[ $(id -u) != 0 ]]; then
    die "missing: $*. As root: apt-get update && apt-get install -y --no-install-recommends $*"
  fi
  say "installing $*"
  local log
  log=$(mktemp)
  if ! apt_without_services "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    rm -f "$log"
    die "apt-get could not install: $*"
  fi
  rm -f "$log"
  apt_lists_fresh=yes
}

# In a subshell of its own, so that the trap takes the policy back whatever happens.
apt_without_services() (
  exec 9>/run/lock/store-gateway-dev && flock 9
  if [[ -e $policy ]]; then
    mv "$policy" "$policy.kept"
    trap 'mv "$policy.kept" "$policy"' EXIT
  else
    trap 'rm -f "$policy"' EXIT
  fi
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 0755 "$policy"
  [[ -n $apt_lists_fresh ]] || apt-get -o DPkg::Lock::Timeout=$apt_lock_wait_s update || say "apt-get update failed; trying with the lists at hand"
  apt-get -o DPkg::Lock::Timeout=$apt_lock_wait_s install -y --no-install-recommends --no-remove "$@"
)
