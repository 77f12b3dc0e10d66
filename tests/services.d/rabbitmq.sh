# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables shared with tests/services
# RabbitMQ with a node name, ports, cookie, plugins file and data folder of its own. The server script of
# the package is called directly (its wrapper insists on the user `rabbitmq`), and told that it runs under
# a supervisor, so that it becomes the Erlang machine itself: the pid is the one a `kill -9` must hit.
#
# Seen with 3.10.8: a quorum queue that was declared less than a second before a `kill -9` never gets a leader
# again (its name is not on disk yet): declaring it succeeds, publishing to it is never confirmed, and only
# deleting it helps. Fault tests leave the broker a second after its first declarations.

rabbitmq_variable=RABBITMQ_URL
RABBITMQ_SCRIPT=/usr/lib/rabbitmq/bin/rabbitmq-server
RABBITMQ_CTL=/usr/lib/rabbitmq/bin/rabbitmqctl
RABBITMQ_NODE=eventflow-test@localhost
AMQP_PORT=$((25673 + PORT_SHIFT))
MANAGEMENT_PORT=$((25674 + PORT_SHIFT))
RABBITMQ_METRICS_PORT=$((25675 + PORT_SHIFT))
DISTRIBUTION_PORT=$((25676 + PORT_SHIFT))
EPMD_PORT=$((24369 + PORT_SHIFT))

rabbitmq_url() { echo "amqp://guest:guest@127.0.0.1:$AMQP_PORT/%2f"; }

rabbitmq_management_url() { echo "http://guest:guest@127.0.0.1:$MANAGEMENT_PORT"; }

rabbitmq_install() {
    [ -x "$RABBITMQ_SCRIPT" ] || apt_install rabbitmq-server
    need curl curl
}

rabbitmq_write_config() {
    local folder="$1"
    mkdir -p "$folder/home" "$folder/data" "$folder/logs"
    echo '[rabbitmq_management,rabbitmq_prometheus].' >"$folder/enabled_plugins"
    : >"$folder/rabbitmq-env.conf"
    cat >"$folder/rabbitmq.conf" <<CONF
listeners.tcp.default = 127.0.0.1:$AMQP_PORT
management.tcp.ip = 127.0.0.1
management.tcp.port = $MANAGEMENT_PORT
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = $RABBITMQ_METRICS_PORT
log.file.level = info
disk_free_limit.absolute = 1GB
# Tests read queue lengths through the management API: show them fresh.
collect_statistics_interval = 1000
CONF
}

# The Erlang port mapper is started here too: one that the broker starts by itself has no pid file.
rabbitmq_launch_epmd() {
    is_alive epmd && return
    require_free_port epmd "$EPMD_PORT"
    launch epmd epmd -port "$EPMD_PORT" -address 127.0.0.1
    until_true "$READY_DEADLINE_SECONDS" port_open "$EPMD_PORT" || die "epmd did not start"
}

rabbitmq_launch() {
    local folder="$SERVICES_DIR/rabbitmq"
    rabbitmq_write_config "$folder"
    rabbitmq_launch_epmd
    require_free_port rabbitmq "$AMQP_PORT"
    require_free_port rabbitmq "$MANAGEMENT_PORT"
    require_free_port rabbitmq "$RABBITMQ_METRICS_PORT"
    launch rabbitmq env -u RABBITMQ_URL -u RABBITMQ_MANAGEMENT_URL \
        HOME="$folder/home" \
        RUNNING_UNDER_SYSTEMD=true \
        ERL_EPMD_PORT="$EPMD_PORT" \
        RABBITMQ_NODENAME="$RABBITMQ_NODE" \
        RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
        RABBITMQ_NODE_PORT="$AMQP_PORT" \
        RABBITMQ_DIST_PORT="$DISTRIBUTION_PORT" \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
        RABBITMQ_CONF_ENV_FILE="$folder/rabbitmq-env.conf" \
        RABBITMQ_CONFIG_FILE="$folder/rabbitmq.conf" \
        RABBITMQ_ADVANCED_CONFIG_FILE="$folder/advanced.config" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$folder/enabled_plugins" \
        RABBITMQ_MNESIA_BASE="$folder/data" \
        RABBITMQ_LOG_BASE="$folder/logs" \
        RABBITMQ_PID_FILE="$folder/data/node.pid" \
        "$RABBITMQ_SCRIPT"
}

# Ready: booted so far that the broker itself says it listens for clients, and no alarm blocks publishers.
rabbitmq_ready() {
    local checks
    checks="$(rabbitmq_management_url)/api/health/checks"
    curl -fsS -o /dev/null --max-time 5 "$checks/port-listener/$AMQP_PORT" 2>/dev/null &&
        curl -fsS -o /dev/null --max-time 5 "$checks/local-alarms" 2>/dev/null
}

rabbitmq_ctl() {
    local folder="$SERVICES_DIR/rabbitmq"
    is_alive rabbitmq || die "rabbitmq is not running"
    HOME="$folder/home" ERL_EPMD_PORT="$EPMD_PORT" RABBITMQ_CONF_ENV_FILE="$folder/rabbitmq-env.conf" \
        "$RABBITMQ_CTL" --quiet --node "$RABBITMQ_NODE" "$@"
}
