# shellcheck shell=bash
# shellcheck disable=SC2154 # variables shared with tests/compose
# Stand-in images under the names that docker-compose.yml uses, so that nothing is pulled from a registry of
# images. Their programs are Debian's (nginx, RabbitMQ, Redis, Prometheus and Alertmanager of `forky`, close
# to the versions of the compose file), MongoDB's server out of the wheel of tests/services, and its shell
# from npm. The image of EventFlow is the second stage of the Dockerfile, on a tree of Debian 12.

DEBIAN=http://deb.debian.org/debian
SERVERS_RELEASE=forky
SERVERS=(nginx rabbitmq-server redis-server prometheus prometheus-alertmanager curl wget libcurl4t64 nodejs
    python3 python3-aiosmtpd procps)
MONGOSH=mongosh@2.12.0

# Trees of files, made once and kept in the cache.
trees() {
    mkdir -p "$cache"
    [ -e "$cache/base.tar" ] || tree base bookworm
    [ -e "$cache/servers.tar" ] || tree servers "$SERVERS_RELEASE"
}

# tree NAME RELEASE
tree() {
    local folder="$cache/$1"
    say "making the tree of Debian $2"
    rm -rf "$folder"
    # `sid` is the script of every release that debootstrap does not know by name.
    debootstrap --variant=minbase --include=ca-certificates,bash "$2" "$folder" "$DEBIAN" \
        /usr/share/debootstrap/scripts/sid >"$cache/$1.log" 2>&1 || die "debootstrap failed: $cache/$1.log"
    [ "$1" != servers ] || servers_tree "$folder" >>"$cache/$1.log" 2>&1 || die "apt failed: $cache/$1.log"
    rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
    tar -C "$folder" --exclude ./dev -cf "$cache/$1.tar.part" . && mv "$cache/$1.tar.part" "$cache/$1.tar"
    rm -rf "$folder"
}

servers_tree() {
    local folder="$1"
    printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d" # starts no service
    chmod 755 "$folder/usr/sbin/policy-rc.d"
    chroot "$folder" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${SERVERS[@]}"
    mkdir -p "$folder/opt/mongosh"
    echo '{"private":true}' >"$folder/opt/mongosh/package.json"
    npm install --prefix "$folder/opt/mongosh" --no-audit --no-fund --silent "$MONGOSH"
    ln -s /opt/mongosh/node_modules/.bin/mongosh "$folder/usr/local/bin/mongosh"
    install -m 755 "$(mongod_path)" "$folder/usr/local/bin/mongod"
    # As the images of Docker's library have it: folders that any user may use, no settings of Debian.
    chroot "$folder" bash -c '
        rm -rf /etc/rabbitmq/* /var/lib/rabbitmq/* /var/lib/rabbitmq/.erlang.cookie
        mkdir -p /etc/rabbitmq/conf.d /var/log/rabbitmq /data/db /data/configdb /prometheus /alertmanager
        chown -R rabbitmq:rabbitmq /etc/rabbitmq /var/lib/rabbitmq /var/log/rabbitmq
        chmod 1777 /var/lib/rabbitmq /var/log/rabbitmq /etc/rabbitmq
        useradd --system --uid 2999 --home-dir /data/db mongodb
        chown -R mongodb /data/db /data/configdb
        chown nobody /prometheus /alertmanager'
}

# image NAME: a Dockerfile on standard input, built with the folder `context`.
image() {
    podman build -q --pull=never --network=none -t "$1" -f - "$context" >>"$logs/images" 2>&1 || die "the image $1 cannot be built: $logs/images"
}

base_images() {
    local context="$cache"
    ! podman image exists localhost/tree-servers || return 0
    say "importing the trees"
    podman import -q "$cache/base.tar" debian:bookworm-slim >>"$logs/images" 2>&1
    podman import -q "$cache/servers.tar" localhost/tree-servers >>"$logs/images" 2>&1
}

images() {
    local context
    base_images
    context="$(mktemp -d)"
    cp "$parts/mail-catcher.py" "$context/"
    image docker.io/library/rabbitmq:4.2-management <<'DOCKERFILE'
FROM localhost/tree-servers
ENV PATH=/usr/lib/rabbitmq/bin:/usr/local/bin:/usr/bin:/bin RUNNING_UNDER_SYSTEMD=true HOME=/var/lib/rabbitmq LANG=C.UTF-8
VOLUME /var/lib/rabbitmq
CMD ["rabbitmq-server"]
DOCKERFILE
    image docker.io/library/mongo:8.0 <<'DOCKERFILE'
FROM localhost/tree-servers
VOLUME ["/data/db", "/data/configdb"]
CMD ["mongod"]
DOCKERFILE
    image docker.io/library/redis:7.4-alpine <<'DOCKERFILE'
FROM localhost/tree-servers
WORKDIR /tmp
CMD ["redis-server"]
DOCKERFILE
    image docker.io/nginxinc/nginx-unprivileged:1.28-alpine <<'DOCKERFILE'
FROM localhost/tree-servers
USER 101
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
DOCKERFILE
    image docker.io/prom/prometheus:v3.5.0 <<'DOCKERFILE'
FROM localhost/tree-servers
USER nobody
ENTRYPOINT ["/usr/bin/prometheus"]
DOCKERFILE
    image docker.io/prom/alertmanager:v0.28.1 <<'DOCKERFILE'
FROM localhost/tree-servers
USER nobody
ENTRYPOINT ["/usr/bin/prometheus-alertmanager"]
DOCKERFILE
    image docker.io/axllent/mailpit:v1.28 <<'DOCKERFILE'
FROM localhost/tree-servers
COPY mail-catcher.py /mailpit
ENTRYPOINT ["/mailpit"]
DOCKERFILE
    rm -rf "$context"
    own_image
}

# The image of EventFlow: the Dockerfile's second stage, with binaries that are built already.
own_image() {
    local context name
    context="$(mktemp -d)"
    mkdir "$context/out"
    for name in eventflow ws-gateway http-gateway persistence-worker fanout-worker presence-sweeper email-worker push-worker; do
        strip -o "$context/out/$name" "$bins/$name" || die "$bins/$name is missing: cargo build --release --workspace --bins"
    done
    # The certificates are in the tree: nothing is installed from the network.
    { echo "FROM debian:bookworm-slim"; sed '1,/^FROM debian/d' Dockerfile; } |
        sed -E 's|^RUN apt-get update.*|RUN true \\|; /apt-get install|rm -rf .var.lib/d; s|--from=build /out/|out/|' |
        image localhost/eventflow:local
    podman tag localhost/eventflow:local docker.io/library/eventflow:local
    rm -rf "$context"
}
