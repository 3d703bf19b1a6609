#!/usr/bin/env bash
# Builds the web application from web/ into the package (src/lot/web_app/), with the Node.js that is in .venv.
# Does nothing, within a moment, where its sources are those that were built last. With --packages: only what building
# and checking it needs.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

readonly built=src/lot/web_app stamp=.venv/lot-web-fingerprint packages_stamp=web/node_modules/.lot-fingerprint

fail() { # what was seen, next step
    printf 'setup: %s\nNext step: %s\n' "$1" "$2" >&2
    exit 1
}

packages_fingerprint() {
    cat web/package-lock.json requirements/web.txt | sha256sum | cut -d ' ' -f 1
}

sources_fingerprint() {
    find web -name node_modules -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

install_packages() {
    local wanted
    wanted=$(packages_fingerprint)
    [ "$(cat "$packages_stamp" 2>/dev/null)" != "$wanted" ] || return 0
    echo "setup: installing the web application's packages into web/node_modules"
    npm --prefix web --silent ci ||
        fail "npm ci failed." "mend the network or npm's configuration (\`npm --prefix web ci\` says more), then run it again."
    echo "$wanted" >"$packages_stamp"
}

build() {
    local wanted
    wanted=$(sources_fingerprint)
    [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || [ ! -f "$built/index.html" ] || return 0
    install_packages
    echo "setup: building the web application"
    npm --prefix web --silent run build -- --logLevel warn || fail "vite build failed." "see above."
    echo "$wanted" >"$stamp"
}

if [ "${1:-}" = "--packages" ]; then
    install_packages
else
    build
fi
