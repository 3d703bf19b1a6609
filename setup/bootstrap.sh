#!/usr/bin/env bash
# Brings a machine to the point where `lot setup` can go on: system packages, .venv and the web application.
# Does nothing, within half a second, where both are in place. With --for-tests: what the tests need on top.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly needed_kb=$((4 * 1024 * 1024)) # .venv takes 0.9 GB, web/node_modules 0.4 GB, downloads as much again, system packages 0.3 GB

fail() { # what was seen, next step
    printf 'setup: %s\nNext step: %s\n' "$1" "$2" >&2
    exit 1
}

require_known_machine() {
    case "$(uname -s) $(uname -m)" in
    "Linux x86_64" | "Linux aarch64") ;;
    *) fail "this is $(uname -s) on $(uname -m); Lot runs on Linux on x86_64 or aarch64 alone." "use such a machine." ;;
    esac
    local system
    system=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}") || system=unknown
    case "$system" in
    "debian 12" | "debian 13" | "ubuntu 24.04") ;;
    *) fail "the distribution is '$system'; Lot supports Debian 12 and 13 and Ubuntu 24.04." "use one of these." ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root, and there is no sudo." "run it again as root."
    fi
}

require_disk() {
    local free_kb
    free_kb=$(df --output=avail -k . | tail -n 1)
    [ "$free_kb" -ge "$needed_kb" ] ||
        fail "$PWD has $((free_kb / 1024)) MB free; set-up needs $((needed_kb / 1024)) MB." "free some, then run it again."
}

is_there() { # package
    # Node.js from elsewhere than Debian brings its own npm, and forbids Debian's beside it.
    [ "$1" = npm ] && command -v npm >/dev/null && return
    dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -q '^installed'
}

missing_packages() { # package list
    local package
    grep -v '^#' "$1" | while read -r package; do
        is_there "$package" || echo "$package"
    done
    # An older keyring is installed but does not know the release that sandboxes are made of.
    ls /usr/share/keyrings/debian-archive-trixie-stable.* >/dev/null 2>&1 || echo debian-archive-keyring
}

install_packages() { # package list
    local missing
    missing=$(missing_packages "$1")
    [ -n "$missing" ] || return 0
    require_disk
    printf 'setup: installing system packages:%s\n' "$(printf ' %s' $missing)"
    as_root dpkg --configure -a # in case an earlier installation was killed half way
    as_root apt-get -q -o DPkg::Lock::Timeout=120 update ||
        fail "apt-get update failed." "mend the network or /etc/apt (see above), then run it again."
    # shellcheck disable=SC2086 # one word per package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        -o DPkg::Lock::Timeout=120 -o Dpkg::Progress-Fancy=1 install $missing ||
        fail "apt-get install failed." "mend what it says above, then run it again."
}

python_fingerprint() {
    { cat requirements/dev.txt requirements/web.txt pyproject.toml && pwd && /usr/bin/python3 --version; } | sha256sum | cut -d ' ' -f 1
}

install_python() {
    local stamp=.venv/lot-fingerprint wanted
    wanted=$(python_fingerprint)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "/usr/bin/python3 is $(/usr/bin/python3 --version); Lot needs 3.11 or newer." "use a newer distribution."
    require_disk
    echo "setup: installing Python packages into .venv"
    .venv/bin/python -c 'import pip' 2>/dev/null || /usr/bin/python3 -m venv --clear .venv
    local quiet=(--quiet)
    [ ! -t 1 ] || quiet=() # a terminal gets pip's progress bars
    .venv/bin/python -m pip install "${quiet[@]}" --disable-pip-version-check --require-hashes -r requirements/dev.txt -r requirements/web.txt ||
        fail "pip install failed." "mend the network or pip's configuration (see above), then run it again."
    .venv/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable . ||
        fail "Lot itself could not be installed into .venv." "see above."
    # Last, so that a set-up that was killed half way is taken up again.
    echo "$wanted" >"$stamp"
}

require_known_machine
if [ "${1:-}" = "--for-tests" ]; then
    install_packages setup/packages-test.txt
    setup/web.sh --packages
else
    install_packages setup/packages.txt
    install_python
    setup/web.sh
fi
