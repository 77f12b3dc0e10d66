# shellcheck shell=bash
# Background processes by pid file. A pid file holds "<pid> <start time>": the kernel's start time of the
# process tells our server from a stranger that got the same pid later, so we never signal a stranger.
# Readiness is asked from the server itself, with a deadline.

READY_DEADLINE_SECONDS=90 # RabbitMQ recovering quorum queues on a busy two-core machine is the slowest
STOP_DEADLINE_SECONDS=30  # then SIGKILL; MongoDB needs up to 15 s to step down
POLL_SECONDS=0.1          # how often a condition is asked again
# Erlang and MongoDB size tables by the limit, so "unlimited" costs gigabytes; this is plenty for tests.
MAX_OPEN_FILES=65536

say() { echo "services: $*" >&2; }

die() {
    say "$*"
    exit 1
}

# One writer at a time: two people may start at once. The servers must not inherit the lock.
with_lock() {
    mkdir -p "$SERVICES_DIR"
    exec 9>"$SERVICES_DIR/lock"
    flock 9
    "$@"
    exec 9>&-
}

start_time_of() {
    # The command name (field 2) may hold blanks and brackets: cut after its closing bracket.
    local stat
    stat="$(cat "/proc/$1/stat" 2>/dev/null)" || return 1
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    # A zombie is dead: nobody has collected it yet, but it serves nothing.
    [ "$1" != Z ] && echo "${20}"
}

pid_of() { cut -d' ' -f1 "$SERVICES_DIR/$1.pid"; }

is_alive() {
    local pid started
    [ -s "$SERVICES_DIR/$1.pid" ] || return 1
    read -r pid started <"$SERVICES_DIR/$1.pid"
    [ -n "$started" ] && [ "$(start_time_of "$pid")" = "$started" ]
}

# launch NAME COMMAND...: a session of its own, output to a log, pid file written once it runs.
launch() {
    local name="$1" pid limit
    shift
    mkdir -p "$SERVICES_DIR/$name"
    limit="$(ulimit -Hn)"
    { [ "$limit" = unlimited ] || [ "$limit" -gt "$MAX_OPEN_FILES" ]; } && limit="$MAX_OPEN_FILES"
    (
        ulimit -n "$limit"
        cd "$SERVICES_DIR/$name" || exit 1
        # `setsid` executes in place (a subshell is no group leader), so the pid stays the server's.
        exec setsid nohup "$@" </dev/null >>"$SERVICES_DIR/$name/output.log" 2>&1 9>&-
    ) &
    pid=$!
    disown "$pid"
    echo "$pid $(start_time_of "$pid")" >"$SERVICES_DIR/$name.pid"
}

# until_true SECONDS COMMAND...: asks until the command succeeds or the deadline has passed.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep "$POLL_SECONDS"
    done
}

ready_or_dead() { ! is_alive "$1" || "${1}_ready"; }

is_dead() { ! is_alive "$1"; }

wait_ready() {
    if ! until_true "$READY_DEADLINE_SECONDS" ready_or_dead "$1" || ! is_alive "$1"; then
        tail -n 30 "$SERVICES_DIR/$1/output.log" >&2 || true
        die "$1 did not become ready within $READY_DEADLINE_SECONDS s (logs: $SERVICES_DIR/$1)"
    fi
}

# end_process NAME SIGNAL: by pid file only; a graceful stop that takes too long is ended hard.
end_process() {
    local pid
    if is_alive "$1"; then
        pid="$(pid_of "$1")"
        kill -s "$2" "$pid"
        if ! until_true "$STOP_DEADLINE_SECONDS" is_dead "$1"; then
            say "$1: did not stop within $STOP_DEADLINE_SECONDS s, killing it"
            kill -s KILL "$pid"
            until_true "$STOP_DEADLINE_SECONDS" is_dead "$1" || die "$1: pid $pid survives SIGKILL"
        fi
    fi
    rm -f "$SERVICES_DIR/$1.pid"
}

wipe_data() { rm -rf "${SERVICES_DIR:?}/$1"; }

# port_open PORT: does somebody listen on 127.0.0.1?
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A stranger on our port would answer our health check: refuse rather than test against it.
require_free_port() {
    if port_open "$2"; then
        die "$1: port $2 is taken by a process that was not started here"
    fi
}
