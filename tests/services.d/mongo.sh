# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables shared with tests/services
# MongoDB as a one-node replica set, so that majority writes, transactions and change streams work as in
# production. Ready means primary: a node that only listens would refuse writes.

mongo_variable=MONGODB_URI
MONGO_PORT=$((27117 + PORT_SHIFT))
MONGO_REPLICA_SET=eventflow
MONGO_CACHE_GB=1      # the default, half of the memory, is too greedy beside everything else
MONGO_OPLOG_MB=990    # the smallest allowed; the default is 5 % of the disk
# A database of a test is some eighty files, and a run makes hundreds of databases. By default a file that
# nobody uses stays open for ten minutes: in that time a run would open more than a process may.
MONGO_IDLE_FILE_S=10
MONGO_OPEN_FILES=500

mongo_url() { echo "mongodb://127.0.0.1:$MONGO_PORT/eventflow?replicaSet=$MONGO_REPLICA_SET"; }

mongo_install() {
    need python3 python3
    mongod_install
}

mongo_launch() {
    local folder="$SERVICES_DIR/mongo"
    mkdir -p "$folder/data"
    require_free_port mongo "$MONGO_PORT"
    launch mongo "$(mongod_path)" --port "$MONGO_PORT" --bind_ip 127.0.0.1 --nounixsocket \
        --dbpath "$folder/data" --logpath "$folder/mongod.log" --logappend \
        --replSet "$MONGO_REPLICA_SET" --oplogSize "$MONGO_OPLOG_MB" \
        --wiredTigerCacheSizeGB "$MONGO_CACHE_GB" --setParameter diagnosticDataCollectionEnabled=false \
        --setParameter "wiredTigerFileHandleCloseIdleTime=$MONGO_IDLE_FILE_S" \
        --setParameter "wiredTigerFileHandleCloseScanInterval=$((MONGO_IDLE_FILE_S / 2))" \
        --setParameter "wiredTigerFileHandleCloseMinimum=$MONGO_OPEN_FILES"
}

# Asks for the state and, on a node that has no replica set yet, initiates it.
mongo_ready() {
    port_open "$MONGO_PORT" &&
        python3 "$parts/mongo_primary.py" "$MONGO_PORT" "$MONGO_REPLICA_SET" 2>/dev/null
}
