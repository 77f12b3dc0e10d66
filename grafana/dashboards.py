#!/usr/bin/env python3
"""Writes grafana/dashboards/*.json. Run it after a change; with --check it says whether the files are as it writes them.

A dashboard is a list of rows, a row a list of panels; places and colours follow from that. All have the same variables
(data source, role, gateway, queue), links to each other, and marks where a deploy or a restart was.
"""

import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent / "dashboards"
WIDTH = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
RATE = "[$__rate_interval]"
WORK = 'queue!~"(dead|retry)[.].*|amq[.]gen-.*"'
# What each of ours is restricted to by the variables.
OURS = 'role=~"$role"'
GATEWAY = 'role=~"$role", instance=~"$gateway"'
QUEUE = 'queue=~"$queue"'
# Of uploads: what is not the client's fault. Of requests: those that get a file or its small picture.
FILE_FAULT = 'reason=~"unavailable|damaged"'
FILE_ANSWER = 'method="GET", route=~"/api/v2/(attachments|files)/.*"'


def targets(expressions):
    listed = [expressions] if isinstance(expressions, (str, tuple)) else expressions
    for ref, one in zip("ABCDEFGH", listed):
        expr, legend = one if isinstance(one, tuple) else (one, "")
        yield {"refId": ref, "expr": expr, "legendFormat": legend or "__auto", "datasource": DATASOURCE}


def steps(thresholds):
    """Colours: green from the start, then (limit, colour)."""
    return [{"color": "green", "value": None}] + [{"color": colour, "value": value} for value, colour in thresholds]


def stat(title, expr, unit="short", limits=(), about=""):
    """A number that is green, yellow or red."""
    return {
        "type": "stat",
        "title": title,
        "description": about,
        "datasource": DATASOURCE,
        "targets": list(targets(expr)),
        "fieldConfig": {
            "defaults": {"unit": unit, "noValue": "–", "thresholds": {"mode": "absolute", "steps": steps(limits)}},
            "overrides": [],
        },
        "options": {"colorMode": "background", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"]}},
    }


def graph(title, exprs, unit="short", limits=(), about=""):
    """Lines over time; limits are drawn as lines too."""
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never"}
    defaults = {"unit": unit, "min": 0, "custom": custom}
    if limits:
        custom["thresholdsStyle"] = {"mode": "line"}
        defaults["thresholds"] = {"mode": "absolute", "steps": steps(limits)}
    return {
        "type": "timeseries",
        "title": title,
        "description": about,
        "datasource": DATASOURCE,
        "targets": list(targets(exprs)),
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
    }


def table(title, expr, about=""):
    """The labels of series, now."""
    one = {**next(targets(expr)), "instant": True, "format": "table"}
    hidden = {"Time": True, "Value": True, "__name__": True, "job": True}
    return {
        "type": "table",
        "title": title,
        "description": about,
        "datasource": DATASOURCE,
        "targets": [one],
        "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {"showHeader": True},
        "transformations": [{"id": "organize", "options": {"excludeByName": hidden}}],
    }


def per_second(metric, by, selector=""):
    return f"sum by ({by}) (rate({metric}{{{selector}}}{RATE}))"


def quantile(share, metric, by="", selector=""):
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{{{selector}}}{RATE})))"


def percentiles(metric, by="", selector="", legend=""):
    name = f"{{{{{legend}}}}} " if legend else ""
    return [(quantile(share, metric, by, selector), f"{name}p{int(share * 100)}") for share in (0.5, 0.99)]


def variable(name, label, query):
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


VARIABLES = [
    {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {"text": "Prometheus", "value": "prometheus"},
        "hide": 0,
    },
    variable("role", "Role", 'label_values(up{job="eventflow"}, role)'),
    variable("gateway", "Instance", 'label_values(up{job="eventflow", role=~"$role"}, instance)'),
    variable("queue", "Queue", "label_values(rabbitmq_detailed_queue_consumers, queue)"),
]

BUILDS = "count by (role, version, revision) (eventflow_build_info)"
ANNOTATIONS = [
    ("Deploys", "blue", f"{BUILDS} unless {BUILDS.replace('_info)', '_info offset 2m)')}", "{{role}} is now {{version}} {{revision}}"),
    ("Restarts", "orange", 'time() - process_start_time_seconds{job="eventflow"} < 60', "{{role}} {{instance}} started"),
]


def annotation(name, colour, expr, text):
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": colour,
        "expr": expr,
        "step": "60s",
        "titleFormat": name,
        "textFormat": text,
    }


def placed(rows):
    """Panels with their places: stats are four high and eight to a row, others eight high and three to a row."""
    y = 0
    for title, panels in rows:
        yield {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y}}
        y += 1
        x, height = 0, 0
        for panel in panels:
            is_stat = panel["type"] == "stat"
            w, h = (3, 4) if is_stat else (8, 8)
            if x + w > WIDTH or (height and h != height):
                y, x = y + height, 0
            yield {**panel, "gridPos": {"h": h, "w": w, "x": x, "y": y}}
            x, height = x + w, h
        y += height


def dashboard(uid, title, about, rows, links=()):
    panels = [{"id": number, **panel} for number, panel in enumerate(placed(rows), 1)]
    own = {"title": "EventFlow", "type": "dashboards", "tags": ["eventflow"], "asDropdown": True, "keepTime": True, "includeVars": True}
    return {
        "uid": f"eventflow-{uid}",
        "title": title,
        "description": about,
        "tags": ["eventflow"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "15s",
        "timezone": "",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": VARIABLES},
        "annotations": {"list": [annotation(*one) for one in ANNOTATIONS]},
        "links": [own, *({"title": title, "type": "link", "url": url, "targetBlank": True} for title, url in links)],
        "panels": panels,
    }


LATE = "eventflow:late_deliveries:ratio"
# Every persistence worker tells the same numbers.
DEAD = "sum(max by (queue, cause) (eventflow_dead_letters)) or vector(0)"
NO_CONSUMER = 'count(rabbitmq_detailed_queue_consumers{queue=~"(persist|cursors|fanout)[.][0-9]+"} == 0) or vector(0)'
ALARMS = "sum(rabbitmq_alarms_memory_used_watermark) + sum(rabbitmq_alarms_free_disk_space_watermark)"
OLDEST = "max(time() - (eventflow_consume_oldest_timestamp_seconds > 0)) or vector(0)"
PAUSED = "count(max by (queue) (eventflow_consume_paused) > 0) or vector(0)"
BUDGET = f"1 - {LATE}3d / 0.001"

OVERVIEW = [
    (
        "Now",
        [
            stat("Budget left", BUDGET, "percentunit", (), "Share of the budget of late deliveries that the last three days leave; below 0 it does not last."),
            stat("Late, last 5 min", f"{LATE}5m", "percentunit", ((0.001, "yellow"), (0.0144, "red")), "Share of the deliveries that took longer than a second."),
            stat("Delivery p99", quantile(0.99, "eventflow_gateway_delivery_seconds"), "s", ((0.5, "yellow"), (1, "red"))),
            stat("Messages a second", f"sum(rate(eventflow_consume_envelopes_total{{queue=~\"persist[.].*\", outcome=\"done\"}}{RATE}))", "ops"),
            stat("Sockets", "sum(eventflow_gateway_sockets)"),
            stat("Backlog, commands", "sum(eventflow:backlog_commands)", "short", ((1000, "yellow"), (10000, "red"))),
            stat("Oldest in hand", OLDEST, "s", ((5, "yellow"), (60, "red"))),
            stat("Dead letters", DEAD, "short", ((1, "red"),)),
        ],
    ),
    (
        "Working",
        [
            stat("Shards without consumer", NO_CONSUMER, "short", ((1, "red"),)),
            stat("Paused stages", PAUSED, "short", ((1, "red"),)),
            stat("Servers that are away", "count(min by (part) (eventflow_dependency_up) == 0) or vector(0)", "short", ((1, "red"),)),
            stat("Broker alarms", ALARMS, "short", ((1, "red"),)),
            stat("Targets down", "count(up == 0) or vector(0)", "short", ((1, "red"),)),
            stat("Alerts firing", 'count(ALERTS{alertstate="firing"}) or vector(0)', "short", ((1, "yellow"),)),
            stat("Canary, last", "max(eventflow_canary_last_success_timestamp_seconds > 0) * 1000", "dateTimeFromNow"),
            stat("Builds", "count(count by (version, revision) (eventflow_build_info))", "short", ((2, "yellow"),)),
        ],
    ),
    (
        "Objective: 99.9 % of the deliveries within a second",
        [
            graph("Late deliveries", [(f"{LATE}{window}", window) for window in ("5m", "1h", "6h", "3d")], "percentunit", ((0.001, "yellow"), (0.0144, "red")), "The limits are those of the burn rates 1 and 14.4."),
            graph("Delivery, from acceptance to socket", percentiles("eventflow_gateway_delivery_seconds"), "s", ((1, "red"),)),
            graph("Canary, from outside", [*percentiles("eventflow_canary_delivery_seconds"), (f"sum by (outcome) (increase(eventflow_canary_messages_total{{outcome!=\"delivered\"}}{RATE}))", "{{outcome}}")], "s", ((1, "red"),)),
        ],
    ),
    (
        "What people do and get",
        [
            graph("Answers to commands", (per_second("eventflow_command_answer_seconds_count", "outcome"), "{{outcome}}"), "ops"),
            graph("Client events", (per_second("eventflow_gateway_events_total", "event"), "{{event}}"), "ops"),
            graph("REST by status", (per_second("eventflow_http_requests_total", "status"), "{{status}}"), "ops"),
        ],
    ),
    (
        "What runs",
        [
            table("Builds", "eventflow_build_info", "A process is listed with its role, address, version and revision."),
            graph("Processes by role", ('sum by (role) (up{job="eventflow"})', "{{role}}")),
            graph("Age of the youngest process", ('min by (role) (time() - process_start_time_seconds{job="eventflow"})', "{{role}}"), "s"),
        ],
    ),
]

QUEUES = [
    (
        "Where work waits",
        [
            graph("Backlog in commands", (f"eventflow:backlog_commands{{{QUEUE}}}", "{{queue}}"), "short", ((1000, "red"),)),
            graph("Frames ready", (f"sum by (queue) (rabbitmq_detailed_queue_messages_ready{{{QUEUE}, {WORK}}})", "{{queue}}")),
            graph("Consumers", (f"sum by (queue) (rabbitmq_detailed_queue_consumers{{{QUEUE}, {WORK}}})", "{{queue}}")),
            graph("Oldest message in hand", (f"max by (queue) (time() - (eventflow_consume_oldest_timestamp_seconds{{{QUEUE}}} > 0)) or max by (queue) (eventflow_consume_oldest_timestamp_seconds{{{QUEUE}}} * 0)", "{{queue}}"), "s", ((60, "red"),), "Rises while nothing moves."),
            graph("In flight against prefetch", [(f"sum by (queue) (eventflow_consume_inflight_frames{{{QUEUE}}})", "{{queue}}"), (f"sum by (queue) (eventflow_consume_prefetch_frames{{{QUEUE}}})", "{{queue}} may take")]),
            graph("Frames that the broker gave out", (f"sum by (queue) (rabbitmq_detailed_queue_messages_unacked{{{QUEUE}, {WORK}}})", "{{queue}}")),
        ],
    ),
    (
        "Stages",
        [
            graph("Age when a stage begins", [(quantile(share, "eventflow_consume_age_seconds", "queue", QUEUE), f"{{{{queue}}}} p{int(share * 100)}") for share in (0.5, 0.99)], "s", ((4, "red"),)),
            graph("Handled", (per_second("eventflow_consume_envelopes_total", "queue", f'{QUEUE}, outcome="done"'), "{{queue}}"), "ops"),
            graph("Messages per batch", (f"sum by (queue) (rate(eventflow_consume_batch_envelopes_sum{{{QUEUE}}}{RATE})) / sum by (queue) (rate(eventflow_consume_batch_envelopes_count{{{QUEUE}}}{RATE}))", "{{queue}}")),
            graph("Durable effect of a batch", percentiles("eventflow_consume_perform_seconds", "queue", QUEUE, "queue"), "s", ((1, "red"),)),
            graph("Telling the next stage", percentiles("eventflow_consume_announce_seconds", "queue", QUEUE, "queue"), "s", ((1, "red"),)),
            graph("Frames received, and again", [(per_second("eventflow_consume_frames_total", "queue", QUEUE), "{{queue}}"), (per_second("eventflow_consume_redelivered_total", "queue", QUEUE), "{{queue}} again")], "ops"),
            graph("Paused", (f"max by (queue) (eventflow_consume_paused{{{QUEUE}}})", "{{queue}}")),
            graph("Crashes, lost subscriptions", [(f"sum by (queue) (increase(eventflow_consume_crashes_total{{{QUEUE}}}{RATE}))", "{{queue}} crashed"), (f"sum by (queue) (increase(eventflow_consume_lost_subscriptions_total{{{QUEUE}}}{RATE}))", "{{queue}} lost")]),
            graph("Rebalances", ("sum by (stage) (increase(eventflow_rebalances_total[10m]))", "{{stage}}")),
        ],
    ),
    (
        "Who owns what",
        [
            table("Owners", "eventflow_shard_owner == 1", "The worker that consumes a shard."),
            graph("Shards by worker", ("sum by (stage, instance) (eventflow_shard_owner)", "{{stage}} {{instance}}")),
            graph("Workers that hear each other", ("min by (stage) (eventflow_workers_seen > 0)", "{{stage}}")),
            graph("Shards that gateways send to", [("max(eventflow_publishing_shards)", "most"), ("min(eventflow_publishing_shards > 0)", "fewest")]),
            graph("Commands held back for a change", percentiles("eventflow_reshard_hold_seconds", "instance", "", "instance"), "s", ((2, "red"),)),
        ],
    ),
    (
        "Retries and dead letters",
        [
            graph("Retries by rung", (per_second("eventflow_consume_retries_total", "delay", QUEUE), "{{delay}}"), "ops"),
            graph("Waiting on the ladder", ('sum by (queue) (rabbitmq_detailed_queue_messages{queue=~"retry[.].*"})', "{{queue}}")),
            graph("Share that is tried again", (f'sum by (queue) (rate(eventflow_consume_envelopes_total{{{QUEUE}, outcome="retry"}}{RATE})) / sum by (queue) (rate(eventflow_consume_envelopes_total{{{QUEUE}}}{RATE}))', "{{queue}}"), "percentunit", ((0.05, "red"),)),
            graph("Parked by reason", (f"sum by (queue, reason) (increase(eventflow_consume_parked_total{{{QUEUE}}}{RATE}))", "{{queue}} {{reason}}")),
            graph("Dead letters", ("max by (queue, cause) (eventflow_dead_letters) > 0 or vector(0)", "{{queue}} {{cause}}"), "short", ((1, "red"),)),
            graph("Not collected yet", ('sum by (queue) (rabbitmq_detailed_queue_messages{queue=~"dead[.].*"})', "{{queue}}"), "short", ((1, "red"),)),
        ],
    ),
    (
        "Publishers",
        [
            graph("Confirmed", (per_second("eventflow_publish_envelopes_total", "queue", QUEUE), "{{queue}}"), "ops"),
            graph("Confirm latency", percentiles("eventflow_publish_confirm_seconds", "queue", QUEUE, "queue"), "s", ((1, "red"),)),
            graph("Messages per frame", (f"sum by (queue) (rate(eventflow_publish_batch_envelopes_sum{{{QUEUE}}}{RATE})) / sum by (queue) (rate(eventflow_publish_batch_envelopes_count{{{QUEUE}}}{RATE}))", "{{queue}}")),
            graph("Failed", (f"sum by (role, queue) (rate(eventflow_publish_failures_total{{{QUEUE}, {OURS}}}{RATE}))", "{{role}} {{queue}}"), "ops"),
        ],
    ),
]

GATEWAYS = [
    (
        "The way of a message, from its acceptance",
        [
            graph("Age at each hop, p50", [(quantile(0.5, "eventflow_consume_age_seconds", "", f'queue=~"{stage}.*"'), name) for stage, name in (("persist", "1 persist"), ("fanout", "2 fan-out"), ("gateway", "3 gateway"))] + [(quantile(0.5, "eventflow_gateway_delivery_seconds"), "4 socket")], "s"),
            graph("Age at each hop, p99", [(quantile(0.99, "eventflow_consume_age_seconds", "", f'queue=~"{stage}.*"'), name) for stage, name in (("persist", "1 persist"), ("fanout", "2 fan-out"), ("gateway", "3 gateway"))] + [(quantile(0.99, "eventflow_gateway_delivery_seconds"), "4 socket")], "s", ((1, "red"),)),
            graph("Answer to the sender", percentiles("eventflow_command_answer_seconds", "outcome", "", "outcome"), "s", ((3, "red"),)),
            graph("Delivery by gateway, p99", (quantile(0.99, "eventflow_gateway_delivery_seconds", "instance", GATEWAY), "{{instance}}"), "s", ((1, "red"),)),
            graph("Packets queued to sockets", (per_second("eventflow_gateway_deliveries_total", "instance", GATEWAY), "{{instance}}"), "ops"),
            graph("Fan-out", [(f"sum(rate(eventflow_fanout_routed_total{RATE}))", "routed"), (f"sum(rate(eventflow_fanout_gone_total{RATE}))", "gateway gone"), (f"sum(rate(eventflow_fanout_refused_total{RATE}))", "queue full"), (f"sum(rate(eventflow_fanout_broadcasts_total{RATE}))", "to every gateway")], "ops"),
        ],
    ),
    (
        "Sockets",
        [
            graph("Open", (f"sum by (transport) (eventflow_gateway_sockets{{{GATEWAY}}})", "{{transport}}")),
            graph("Open by gateway", (f"sum by (instance) (eventflow_gateway_sockets{{{GATEWAY}}})", "{{instance}}")),
            graph("People", (f"sum by (instance) (eventflow_gateway_users{{{GATEWAY}}})", "{{instance}}")),
            graph("Sessions opened, upgraded", [(f"sum(rate(eventflow_gateway_handshakes_total{{{GATEWAY}}}{RATE}))", "opened"), (f"sum(rate(eventflow_gateway_upgrades_total{{{GATEWAY}}}{RATE}))", "upgraded")], "ops"),
            graph("Closed, by reason", (per_second("eventflow_gateway_disconnects_total", "reason", GATEWAY), "{{reason}}"), "ops"),
            graph("Refused", [(per_second("eventflow_gateway_refused_total", "reason", GATEWAY), "{{reason}}"), (f"sum(rate(eventflow_gateway_requests_refused_total{{{GATEWAY}}}{RATE}))", "requests"), (f"sum(rate(eventflow_gateway_connect_errors_total{{{GATEWAY}}}{RATE}))", "namespaces")], "ops"),
            graph("Ping to pong", [*percentiles("eventflow_gateway_ping_seconds", "", GATEWAY), (f"sum(rate(eventflow_gateway_ping_timeouts_total{{{GATEWAY}}}{RATE}))", "not answered, a second")], "s"),
            graph("Slow clients, panics", [(f"sum(increase(eventflow_gateway_slow_clients_total{{{GATEWAY}}}{RATE}))", "slow clients"), (f"sum(increase(eventflow_gateway_panics_total{{{GATEWAY}}}{RATE}))", "panics")]),
            graph("Bytes", (per_second("eventflow_gateway_bytes_total", "direction", GATEWAY), "{{direction}}"), "Bps"),
            graph("Packets", (per_second("eventflow_gateway_packets_total", "direction", GATEWAY), "{{direction}}"), "ops"),
        ],
    ),
    (
        "Clients that come back",
        [
            graph("Recoveries", (per_second("eventflow_gateway_recoveries_total", "outcome", GATEWAY), "{{outcome}}"), "ops"),
            graph("From another gateway", (per_second("eventflow_gateway_resumed_total", "outcome", GATEWAY), "{{outcome}}"), "ops"),
            graph("Sessions that wait", (f"sum by (instance) (eventflow_gateway_parked_sessions{{{GATEWAY}}})", "{{instance}}")),
            graph("Kept for them", (f"sum by (instance) (eventflow_gateway_recovery_bytes{{{GATEWAY}}})", "{{instance}}"), "bytes"),
            graph("Forgotten early", (per_second("eventflow_gateway_recovery_forgotten_total", "reason", GATEWAY), "{{reason}}"), "ops"),
            graph("Events dropped as repetitions", (per_second("eventflow_gateway_duplicates_total", "instance", GATEWAY), "{{instance}}"), "ops"),
        ],
    ),
    (
        "Events and requests of clients",
        [
            graph("Events by outcome", (per_second("eventflow_gateway_events_total", "event, outcome", GATEWAY), "{{event}} {{outcome}}"), "ops"),
            graph("Requests by route", (per_second("eventflow_http_requests_total", "method, route", OURS), "{{method}} {{route}}"), "ops"),
            graph("Requests, duration p99", (quantile(0.99, "eventflow_http_request_seconds", "route", OURS), "{{route}}"), "s", ((1, "red"),)),
            graph("Answers not taken yet", ("sum by (instance) (eventflow_http_answers_in_flight_bytes)", "{{instance}}"), "bytes"),
            graph("Presence", [(f"sum by (outcome) (rate(eventflow_presence_signals_total{RATE}))", "signals {{outcome}}"), (f"sum by (status) (rate(eventflow_presence_changes_total{RATE}))", "{{status}}"), (f"sum(rate(eventflow_presence_refused_total{RATE}))", "queue full")], "ops"),
            graph("Presence: last sweep, memory", [("time() - max(eventflow_presence_last_sweep_timestamp_seconds > 0)", "since the last sweep"), ("max(eventflow_presence_in_memory)", "from memory")], "s", ((120, "red"),)),
        ],
    ),
    (
        "Files",
        [
            graph("Uploads, by way", (per_second("eventflow_attachments_uploads_total", "way", GATEWAY), "{{way}}"), "ops"),
            graph("Bytes", (per_second("eventflow_attachments_bytes_total", "direction", GATEWAY), "{{direction}}"), "Bps"),
            graph("Requests that bring bytes now", (f"sum by (instance) (eventflow_attachments_in_progress{{{GATEWAY}}})", "{{instance}}"), "short", ((32, "red"),), "The limit is the default of attachments.at_once: past it a gateway answers that it is busy."),
            graph("From the beginning of an upload to its end", percentiles("eventflow_attachments_upload_seconds", "way", GATEWAY, "way"), "s", (), "Mostly the lines of clients. A resumable upload counts its pauses."),
            graph("Refused or ended, by reason", (per_second("eventflow_attachments_refused_total", "reason", GATEWAY), "{{reason}}"), "ops"),
            graph("Not kept, not given: our fault", [(f"sum by (reason) (increase(eventflow_attachments_refused_total{{{GATEWAY}, {FILE_FAULT}}}{RATE}))", "upload {{reason}}"), (f'sum by (status) (increase(eventflow_http_requests_total{{{GATEWAY}, {FILE_ANSWER}, status=~"50[03]"}}{RATE})) or vector(0)', "download {{status}}")], "short", (), "A download that breaks off in the middle has had its status before."),
            graph("Swept, by reason", (per_second("eventflow_attachments_swept_total", "reason", GATEWAY), "{{reason}}"), "ops"),
            graph("Sweeper: failed steps", (f"sum by (instance) (increase(eventflow_attachments_sweep_failures_total{{{GATEWAY}}}{RATE}))", "{{instance}}")),
            graph("Pictures without a thumbnail", (f"sum by (instance) (increase(eventflow_attachments_without_thumbnail_total{{{GATEWAY}}}{RATE}))", "{{instance}}"), "short", (), "They are broken, or too large to be decoded; they are kept and given as they came."),
        ],
    ),
]

NOTIFICATIONS = [
    (
        "Push",
        [
            graph("Pushes by outcome", (per_second("eventflow_push_pushes_total", "outcome"), "{{outcome}}"), "ops"),
            graph("Windows by outcome", (per_second("eventflow_push_windows_total", "outcome"), "{{outcome}}"), "ops"),
            graph("Not pushed, by reason", (per_second("eventflow_push_suppressed_total", "reason"), "{{reason}}"), "ops"),
            graph("Answers of push services", percentiles("eventflow_push_answer_seconds"), "s", ((5, "red"),)),
            graph("Breaker", ("max by (instance) (eventflow_push_breaker_open)", "{{instance}}"), "short", ((1, "red"),)),
            graph("Devices deleted", ('sum(increase(eventflow_push_pushes_total{outcome="gone"}[1h]))', "within an hour")),
        ],
    ),
    (
        "E-mail",
        [
            graph("Mails by outcome", (per_second("eventflow_email_mails_total", "outcome"), "{{outcome}}"), "ops"),
            graph("Not sent, by reason", (per_second("eventflow_email_suppressed_total", "reason"), "{{reason}}"), "ops"),
            graph("Answers of the mail server", percentiles("eventflow_email_send_seconds"), "s", ((10, "red"),)),
            graph("Breaker", ("max by (instance) (eventflow_email_breaker_open)", "{{instance}}"), "short", ((1, "red"),)),
        ],
    ),
    (
        "What waits",
        [
            graph("Backlog in commands", ('eventflow:backlog_commands{queue=~"notify|email|push"}', "{{queue}}")),
            graph("Age when handled", percentiles("eventflow_consume_age_seconds", "queue", 'queue=~"notify|push"', "queue"), "s"),
            graph("Tried again, parked", (per_second("eventflow_consume_envelopes_total", "queue, outcome", 'queue=~"notify|email|push", outcome!="done"'), "{{queue}} {{outcome}}"), "ops"),
        ],
    ),
    (
        "Sends to many",
        [
            graph("People told, by outcome", (per_second("eventflow_sends_people_total", "outcome"), "{{outcome}}"), "ops"),
            graph("Steps made again", (f"sum(rate(eventflow_sends_step_failures_total{RATE}))", "steps"), "ops"),
        ],
    ),
    (
        "Messages that are sent later",
        [
            graph("Waiting", ("max(eventflow_scheduled_waiting)", "messages")),
            graph("How late the first is", ("max(eventflow_scheduled_late_seconds)", "late"), "s", ((120, "red"),)),
            graph("Ended, by outcome", (per_second("eventflow_scheduled_ended_total", "outcome"), "{{outcome}}"), "ops"),
        ],
    ),
]

SERVERS = [
    (
        "RabbitMQ",
        [
            graph("Memory", [("rabbitmq_process_resident_memory_bytes", "used"), ("rabbitmq_resident_memory_limit_bytes", "limit")], "bytes"),
            graph("Disk", [("rabbitmq_disk_space_available_bytes", "free"), ("rabbitmq_disk_space_available_limit_bytes", "limit")], "bytes"),
            graph("Connections", [("sum(rabbitmq_connections)", "open"), (f"sum(rate(rabbitmq_connections_opened_total{RATE}))", "opened a second"), (f"sum(rate(rabbitmq_connections_closed_total{RATE}))", "closed a second")]),
            graph("Our connections: made, blocked", [(f"sum by (role, side) (increase(eventflow_broker_connections_total{{{OURS}}}{RATE}))", "{{role}} {{side}}"), ("max by (role) (eventflow_broker_blocked)", "{{role}} blocked now"), (f"sum by (role) (increase(eventflow_broker_blocks_total{{{OURS}}}{RATE}))", "{{role}} blocked")]),
            graph("Returned, dropped", [(f"sum by (role) (rate(eventflow_broker_returned_total{{{OURS}}}{RATE}))", "{{role}} returned"), (f"sum by (role) (rate(eventflow_broker_replies_dropped_total{{{OURS}}}{RATE}))", "{{role}} answers dropped")], "ops"),
            graph("Unroutable at the broker", [(f"sum(rate(rabbitmq_global_messages_unroutable_returned_total{RATE}))", "returned"), (f"sum(rate(rabbitmq_global_messages_unroutable_dropped_total{RATE}))", "dropped")], "ops"),
        ],
    ),
    (
        "Store and Redis",
        [
            graph("Usable", (f"min by (role, part) (eventflow_dependency_up{{{OURS}}})", "{{role}} {{part}}")),
            graph("Store: duration p99", (quantile(0.99, "eventflow_store_call_seconds", "operation", OURS), "{{operation}}"), "s", ((1, "red"),)),
            graph("Store: calls", (per_second("eventflow_store_call_seconds_count", "operation", OURS), "{{operation}}"), "ops"),
            graph("Store: failed", (per_second("eventflow_store_call_seconds_count", "operation, outcome", f'{OURS}, outcome="failed"') + " or vector(0)", "{{operation}}"), "ops"),
            graph("Store: wait for a connection", percentiles("eventflow_store_pool_wait_seconds", "role", OURS, "role"), "s", ((0.1, "red"),)),
            graph("Redis: duration p99", (quantile(0.99, "eventflow_redis_call_seconds", "operation", OURS), "{{operation}}"), "s", ((0.25, "red"),)),
            graph("Redis: calls", (per_second("eventflow_redis_call_seconds_count", "operation, outcome", OURS), "{{operation}} {{outcome}}"), "ops"),
            graph("Redis: wait for a connection", percentiles("eventflow_redis_pool_wait_seconds", "role", OURS, "role"), "s", ((0.1, "red"),)),
        ],
    ),
    (
        "Our processes",
        [
            graph("CPU", (f'rate(process_cpu_seconds_total{{job="eventflow", {GATEWAY}}}{RATE})', "{{role}} {{instance}}")),
            graph("Memory", (f'process_resident_memory_bytes{{job="eventflow", {GATEWAY}}}', "{{role}} {{instance}}"), "bytes"),
            graph("File descriptors", [(f'process_open_fds{{job="eventflow", {GATEWAY}}} / process_max_fds{{job="eventflow", {GATEWAY}}}', "{{role}} {{instance}}"), ("rabbitmq_process_open_fds / rabbitmq_process_max_fds", "RabbitMQ")], "percentunit", ((0.8, "red"),)),
            graph("Runtime lag p99", (quantile(0.99, "eventflow_runtime_lag_seconds", "role, instance", GATEWAY), "{{role}} {{instance}}"), "s", ((0.25, "red"),)),
            graph("Tasks", [(f"sum by (role) (eventflow_runtime_tasks{{{GATEWAY}}})", "{{role}}"), (f"sum by (role) (eventflow_runtime_waiting_tasks{{{GATEWAY}}})", "{{role}} waiting for a thread")]),
            graph("Threads", (f'process_threads{{job="eventflow", {GATEWAY}}}', "{{role}} {{instance}}")),
        ],
    ),
]

DASHBOARDS = {
    "overview": dashboard("overview", "Overview", "The objective, what works, and what runs.", OVERVIEW),
    "queues": dashboard("queues", "Queues and retries", "Where work waits, how stages do, what is tried again and parked.", QUEUES),
    "gateways": dashboard("gateways", "Gateways and delivery", "Each hop of a message, sockets, requests and files.", GATEWAYS),
    "notifications": dashboard("notifications", "Notifications", "What people are told by push and e-mail, what is not told and why, and what waits.", NOTIFICATIONS),
    "servers": dashboard(
        "servers",
        "Servers",
        "RabbitMQ, the store, Redis, and our own processes. RabbitMQ's own dashboards show more of it.",
        SERVERS,
        [("RabbitMQ overview (Grafana dashboard 10991)", "https://grafana.com/grafana/dashboards/10991"), ("RabbitMQ quorum queues (11340)", "https://grafana.com/grafana/dashboards/11340")],
    ),
}


def main():
    wanted = {f"{name}.json": json.dumps(one, indent=2, ensure_ascii=False) + "\n" for name, one in DASHBOARDS.items()}
    if "--check" in sys.argv[1:]:
        found = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
        if found != wanted:
            sys.exit("grafana/dashboards is not what grafana/dashboards.py writes: run it")
        return
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
