# shellcheck shell=bash
# shellcheck disable=SC2154 # variables shared with tests/compose
# The steps: what an operator does with the fleet, and what has to come of it. A step prints what it saw; its
# exit code counts.

# Not the shipped ones: the signing key is the one of the test clients.
fresh_secrets() {
    rm -rf "$SECRETS" "$PROXY_CERTIFICATES"
    mkdir -p "$SECRETS" "$PROXY_CERTIFICATES"
    printf 0123456789abcdef0123456789abcdef >"$SECRETS/jwt_secret"
    deploy/make-secrets "$SECRETS" >"$logs/secrets"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:10.90.0.10 \
        -keyout "$PROXY_CERTIFICATES/tls.key" -out "$PROXY_CERTIFICATES/tls.crt" >>"$logs/secrets" 2>&1
    chmod 444 "$PROXY_CERTIFICATES"/tls.*
}

containers() { compose ps -q "$1"; }

# address SERVICE NETWORK: of its first container
address() {
    podman inspect -f "{{(index .NetworkSettings.Networks \"${project}_$2\").IPAddress}}" "$(containers "$1" | head -n 1)"
}

proxy_url() { echo "http://$(address proxy edge):8080"; }

# prometheus QUERY: the values of the answer, one line each
prometheus() {
    curl -fsS -G --max-time 5 --data-urlencode "query=$1" "http://$(address prometheus backend):9090/api/v1/query" |
        python3 -c 'import json, sys
for sample in json.load(sys.stdin)["data"]["result"]:
    print(*(f"{k}={v}" for k, v in sorted(sample["metric"].items())), sample["value"][1])'
}

# value QUERY: one number, or nothing
value() { prometheus "$1" | awk '{ print $NF }' | head -n 1; }

equals() { [ "$(value "$1" 2>/dev/null)" = "$2" ]; }

drive() { node "$parts/drive.mjs" "$@"; }

# What the containers said, for whoever looks for a fault.
keep_logs() {
    mkdir -p "$logs/containers"
    local id
    for id in $(podman ps -aq); do
        podman logs "$id" >"$logs/containers/$(podman inspect -f '{{.Name}}' "$id")" 2>&1
    done
}

step_up() {
    local began=$SECONDS took status=0
    compose up -d --wait --wait-timeout "$HEALTHY_SECONDS" >"$logs/up" 2>&1 || status=1
    took=$((SECONDS - began))
    tail -n 3 "$logs/up"
    compose ps -a --format 'table {{.Service}}\t{{.State}}\t{{.Status}}' | sort
    echo "healthy after $took s"
    [ "$status" = 0 ] || keep_logs
    [ "$status" = 0 ] && [ "$took" -le "$HEALTHY_SECONDS" ] && until_true 10 curl -fsS -o /dev/null "$(proxy_url)/"
}

step_message() { drive message "$(proxy_url)"; }

# Every process comes in under its own user of RabbitMQ.
step_rights() {
    local rabbit users
    rabbit="$(containers rabbitmq)"
    users="$(podman exec "$rabbit" rabbitmqctl -q list_connections user | sort | uniq -c)"
    echo "$users"
    for user in ws-gateway http-gateway persistence-worker fanout-worker presence-sweeper email-worker push-worker; do
        grep -q " $user\$" <<<"$users" || { echo "nobody is connected as $user"; return 1; }
    done
    ! podman logs "$rabbit" 2>&1 | grep -i 'refused for user' | grep -v "configure access"
}

step_scale() {
    compose up -d --no-recreate --scale persistence-worker=4 --scale ws-gateway=3 persistence-worker ws-gateway 2>&1 | tail -n 2
    until_true 90 equals 'sum(up{job="eventflow",role="persistence-worker"})' 4 || { prometheus 'up'; return 1; }
    until_true 60 equals 'sum(up{job="eventflow",role="ws-gateway"})' 3 || { prometheus 'up'; return 1; }
    echo "Prometheus sees: $(prometheus 'sum by (role) (up{job="eventflow"})' | tr '\n' ';')"
    if [ -z "$(value 'count(eventflow_shard_owner)')" ]; then
        echo "shard owners: NOT CHECKED, these binaries do not export eventflow_shard_owner"
        return
    fi
    until_true 60 equals 'count(sum by (instance) (eventflow_shard_owner{stage="persist"}) == 1)' 4 || {
        prometheus 'eventflow_shard_owner{stage="persist"} == 1'
        return 1
    }
    echo "each of the 4 persistence workers owns one of the 4 shards"
}

step_restart() {
    local fifo="$work/sockets" out="$logs/sockets" result
    rm -f "$fifo" && mkfifo "$fifo" && : >"$out"
    drive sockets "$(proxy_url)" "$SOCKETS" <"$fifo" >"$out" 2>&1 &
    local driver=$!
    exec 5>"$fifo"
    until_true 90 grep -q "^open $SOCKETS" "$out" || { cat "$out"; kill "$driver"; return 1; }
    # As an operator renews certificates and settings: nothing is refused.
    compose kill -s HUP proxy >/dev/null 2>&1
    sleep 2
    local before="$(proxy_url)"
    compose restart proxy 2>&1 | tail -n 1
    [ "$before" = "$(proxy_url)" ] || { echo "the proxy has another address"; return 1; }
    sleep 5
    exec 5>&-
    wait "$driver" || { cat "$out"; return 1; }
    result="$(tail -n 1 "$out")"
    # Between the old process's end and the new one's start nothing of this repository is at work.
    local refused engine
    refused="$(grep -o '"longestRefusalMs":[0-9]*' <<<"$result" | cut -d: -f2)"
    engine="$(podman inspect "$(containers proxy)" | python3 -c '
import json, sys
from datetime import datetime
state = json.load(sys.stdin)[0]["State"]
ended, started = (datetime.fromisoformat(state[key][:26].rstrip("Z").ljust(26, "0")) for key in ("FinishedAt", "StartedAt"))
print(round((started - ended).total_seconds() * 1000))')"
    echo "proxy restarted with $SOCKETS open sockets: $result, of which the engine was without a process for $engine ms"
    [ $((refused - engine)) -lt "$REFUSED_MS_MAX" ]
}

# One rolling deploy under load; the ledger judges.
step_roll() {
    local url status=0
    url="$(proxy_url)"
    "$bins/eventflow-load" run --ws "ws${url#http}" --http "$url" --jwt-secret "$(cat "$SECRETS/jwt_secret")" --pairs 20 \
        --mode open --rate "$DEPLOY_RATE" --warmup 2 --duration "${EVENTFLOW_COMPOSE_ROLL_SECONDS:-240}" --drain 60 >"$logs/load" 2>&1 &
    local load=$!
    sleep 5
    # podman complains of timers that there are not without systemd.
    # shellcheck disable=SC2086 # roles, with blanks between
    COMPOSE="$cache/docker-compose --env-file /dev/null" deploy/roll ${EVENTFLOW_COMPOSE_ROLL:-} 2> >(grep -v "Removing timer" >&2) || status=1
    # Otherwise nothing is known of the last roles.
    kill -0 "$load" 2>/dev/null || { echo "the load ended before the deploy did"; status=1; }
    wait "$load" || status=1
    tail -n 12 "$logs/load"
    return "$status"
}

step_mail() {
    local page
    page="http://$(address mail-catcher operators):8025/"
    curl -fsS "$page"
    echo " (mail catcher)"
}

# Who reaches what: servers and workers nothing outside, the mail worker its mail server, the proxy no server.
step_networks() {
    ip addr add 192.0.2.1/32 dev lo 2>/dev/null || true
    python3 -m http.server --bind 192.0.2.1 8000 >/dev/null 2>&1 &
    local outside=$!
    until_true 10 curl -fsS -o /dev/null http://192.0.2.1:8000/ 2>/dev/null
    local status=0
    reaches email-worker 192.0.2.1 8000 yes && reaches push-worker 192.0.2.1 8000 yes &&
        reaches persistence-worker 192.0.2.1 8000 no && reaches ws-gateway 192.0.2.1 8000 no &&
        reaches mongo 192.0.2.1 8000 no && reaches redis 192.0.2.1 8000 no &&
        reaches proxy ws-gateway 8080 yes && reaches proxy mongo 27017 no && reaches proxy rabbitmq 5672 no || status=1
    kill "$outside"
    return "$status"
}

# reaches SERVICE HOST PORT yes|no
reaches() {
    local answer=no
    ! podman exec "$(containers "$1" | head -n 1)" timeout 3 bash -c "exec 3<>/dev/tcp/$2/$3" 2>/dev/null || answer=yes
    echo "$1 reaches $2:$3: $answer"
    [ "$answer" = "$4" ]
}

# The proxy with a certificate; plain requests are sent to it. What a stranger claims to be does not count.
step_tls() {
    PROXY_MODE=tls compose up -d --no-deps proxy 2>&1 | tail -n 1
    local host
    host="$(address proxy edge)"
    until_true 30 curl -fsS -o /dev/null --cacert "$PROXY_CERTIFICATES/tls.crt" --resolve "localhost:8443:$host" https://localhost:8443/
    curl -sS -o /dev/null -w 'http: %{http_code} %{redirect_url}\n' -H 'Host: localhost' "http://$host:8080/"
    curl -sS -o /dev/null -w 'https: %{http_code} (HTTP/%{http_version})\n' --cacert "$PROXY_CERTIFICATES/tls.crt" \
        --resolve "localhost:8443:$host" https://localhost:8443/api/v2/health
    NODE_EXTRA_CA_CERTS="$PROXY_CERTIFICATES/tls.crt" drive message "https://$host:8443"
}

down() { compose --profile '*' down -v -t 60; }

# All ends in order and by itself: no container had to be killed.
step_down() {
    local status=0 ids
    keep_logs
    ids="$(podman ps -aq)"
    compose --profile '*' stop 2>&1 | grep -oE 'Container [a-z0-9-]+ +Stopped' | awk '{ print $2 }' | tr '\n' ' '
    echo
    for id in $ids; do
        read -r name code < <(podman inspect -f '{{.Name}} {{.State.ExitCode}}' "$id")
        # 143: ended by the signal itself, as Redis' and RabbitMQ's images may.
        case "$code" in 0 | 143) ;; *) echo "$name ended with $code"; status=1 ;; esac
    done
    podman ps -a --format '{{.Names}} {{.Status}}' | sort
    down >/dev/null 2>&1
    return "$status"
}
