# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables shared with tests/services
# Redis without persistence: what it holds (presence, registry) is rebuilt by the processes that lease it,
# and a fault test must see exactly that after a `kill -9`.

redis_variable=REDIS_URL
REDIS_PORT=$((26379 + PORT_SHIFT))
# Each fleet under test has one, by its port shift (tests/system).
REDIS_DATABASES=1300

redis_url() { echo "redis://127.0.0.1:$REDIS_PORT"; }

redis_install() { need redis-server redis-server; }

redis_launch() {
    require_free_port redis "$REDIS_PORT"
    launch redis redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --dir "$SERVICES_DIR/redis" \
        --save "" --appendonly no --databases "$REDIS_DATABASES" --daemonize no
}

# PING is answered with +PONG as soon as commands are served.
redis_ready() {
    local answer
    answer="$( (
        exec 3<>"/dev/tcp/127.0.0.1/$REDIS_PORT"
        printf 'PING\r\n' >&3
        read -r -t 5 line <&3 && echo "${line%$'\r'}"
    ) 2>/dev/null)" || return 1
    [ "$answer" = "+PONG" ]
}
