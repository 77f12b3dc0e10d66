#!/usr/bin/env python3
"""Draws each dashboard as a picture from the series of a running Prometheus, without Grafana.

  grafana/preview.py PROMETHEUS_URL FOLDER [--minutes 5]

Writes FOLDER/<dashboard>.html and, by Chromium, .png: every panel at its place, with its title, unit, thresholds
and legend. It shows what an operator would see in shape and number, not Grafana's looks. A panel without a series
says so.
"""
import argparse
import html
import json
import math
import pathlib
import re
import subprocess
import time
import urllib.parse
import urllib.request

DASHBOARDS = pathlib.Path(__file__).resolve().parent / "dashboards"
VARIABLES = {"$__rate_interval": "1m", "$__range": "5m", "$queue": ".*", "$role": ".*", "$gateway": ".*"}
COLUMN, ROW, GAP = 64, 34, 8
COLOURS = ["#3274d9", "#e0752d", "#56a64b", "#a352cc", "#e02f44", "#b58900", "#1f9e9e", "#8a6d3b", "#d0609e", "#6e7781"]
POINTS = 120


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=5)
    return parser.parse_args()


def ask(url, path, **query):
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
        return json.load(answer)["data"]["result"]


def filled(expr):
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return expr


def name_of(target, labels):
    legend = target.get("legendFormat") or ""
    if legend in ("", "__auto"):
        return ", ".join(f"{key}={value}" for key, value in labels.items() if key != "__name__") or target["expr"][:40]
    return re.sub(r"{{\s*(\w+)\s*}}", lambda match: labels.get(match[1], ""), legend)


def written(value, unit):
    """A number with its unit, as short as Grafana writes it."""
    if unit == "s":
        for limit, factor, suffix in [(1e-3, 1e6, "µs"), (1, 1e3, "ms"), (120, 1, "s"), (7200, 1 / 60, "min")]:
            if abs(value) < limit:
                return f"{value * factor:.3g} {suffix}"
        return f"{value / 3600:.3g} h"
    if unit == "dateTimeFromNow":
        return f"{written(time.time() - value / 1000, 's')} ago"
    if unit == "percentunit":
        return f"{value * 100:.4g} %"
    base, steps, suffix = (1024, ["", "Ki", "Mi", "Gi", "Ti"], "B") if unit in ("bytes", "Bps") else (1000, ["", "k", "M", "G", "T"], "")
    step = 0
    while abs(value) >= base and step < len(steps) - 1:
        value, step = value / base, step + 1
    ending = {"Bps": "/s", "reqps": "/s", "ops": "/s", "wps": "/s", "cps": "/s"}.get(unit, "")
    return f"{value:.3g} {steps[step]}{suffix}{ending}".strip()


def series(url, panel, span):
    """Every series of a panel: its name and its points (time, number)."""
    for target in panel.get("targets", []):
        step = max(1, (span[1] - span[0]) / POINTS)
        for one in ask(url, "query_range", query=filled(target["expr"]), start=span[0], end=span[1], step=step):
            points = [(float(at), float(value)) for at, value in one["values"]]
            yield name_of(target, one["metric"]), [point for point in points if math.isfinite(point[1])]


def graph(panel, lines, span, width, height):
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    thresholds = [step["value"] for step in panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", []) if step.get("value")]
    numbers = [number for _, points in lines for _, number in points]
    low, high = min([0, *numbers]), max([*numbers, 1e-9])
    left, bottom = 70, 22
    x = lambda at: left + (at - span[0]) / (span[1] - span[0]) * (width - left - 8)
    y = lambda number: 6 + (high - number) / (high - low or 1) * (height - bottom - 6)
    out = []
    for part in range(5):
        number = low + (high - low) * part / 4
        out.append(f'<line x1="{left}" x2="{width - 8}" y1="{y(number):.1f}" y2="{y(number):.1f}" stroke="#e5e7eb"/>')
        out.append(f'<text x="{left - 6}" y="{y(number) + 4:.1f}" text-anchor="end">{written(number, unit)}</text>')
    for part in range(5):
        at = span[0] + (span[1] - span[0]) * part / 4
        out.append(f'<text x="{x(at):.1f}" y="{height - 5}" text-anchor="middle">{time.strftime("%H:%M:%S", time.gmtime(at))}</text>')
    for limit in thresholds:
        if low <= limit <= high:
            out.append(f'<line x1="{left}" x2="{width - 8}" y1="{y(limit):.1f}" y2="{y(limit):.1f}" stroke="#e02f44" stroke-dasharray="6 4"/>')
    for index, (_, points) in enumerate(lines):
        path = " ".join(f"{x(at):.1f},{y(number):.1f}" for at, number in points)
        out.append(f'<polyline fill="none" stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="1.5" points="{path}"/>')
    return f'<svg width="{width}" height="{height}">{"".join(out)}</svg>'


def legend(panel, lines):
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    entry = lambda index, name, points: (
        f'<span><i style="background:{COLOURS[index % len(COLOURS)]}"></i>{html.escape(name)} <b>{written(points[-1][1], unit)}</b></span>')
    return "".join(entry(index, name, points) for index, (name, points) in enumerate(lines))


def table(url, panel):
    rows = []
    for target in panel.get("targets", []):
        for one in ask(url, "query", query=filled(target["expr"])):
            labels = ", ".join(f"{key}={value}" for key, value in one["metric"].items() if key != "__name__")
            rows.append(f"<tr><td>{html.escape(labels)}</td><td>{html.escape(one['value'][1])}</td></tr>")
    return f"<table>{''.join(rows)}</table>" if rows else ""


def body(url, panel, span, width, height):
    if panel["type"] == "table":
        return table(url, panel) or "<em>no series</em>"
    lines = [(name, points) for name, points in series(url, panel, span) if points]
    if not lines:
        return "<em>no series</em>"
    if panel["type"] == "stat":
        unit = panel["fieldConfig"]["defaults"].get("unit", "short")
        return "".join(f'<div class="stat">{written(points[-1][1], unit)}<small>{html.escape(name)}</small></div>' for name, points in lines[:3])
    return f'{graph(panel, lines, span, width - 16, height - 62)}<div class="legend">{legend(panel, lines)}</div>'


STYLE = """
body { margin: 0; background: #f4f5f7; font: 12px/1.35 system-ui, "DejaVu Sans", sans-serif; color: #1f2937; position: relative }
h1 { margin: 0; padding: 10px 16px; font-size: 18px } h2 { margin: 0; font-size: 13px }
section { position: absolute; box-sizing: border-box; background: #fff; border: 1px solid #d8dce2; border-radius: 4px; padding: 6px 8px; overflow: hidden }
section.row { background: none; border: 0; font-weight: 600; font-size: 14px }
svg text { font-size: 10px; fill: #6b7280 } .legend { max-height: 32px; overflow: hidden } .legend span { margin-right: 12px; white-space: nowrap }
.legend i { display: inline-block; width: 10px; height: 3px; margin-right: 4px; vertical-align: middle } em { color: #b45309 }
.stat { font-size: 24px; display: inline-block; margin: 6px 16px 0 0 } .stat small { display: block; font-size: 11px; color: #6b7280 }
table { border-collapse: collapse; font-size: 11px } td { border-bottom: 1px solid #eef0f3; padding: 2px 8px 2px 0 }
"""


def page(url, dashboard, span):
    sections, bottom = [], 0
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        left, top = place["x"] * COLUMN + GAP, place["y"] * ROW + 48
        width, height = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
        bottom = max(bottom, top + height)
        at = f'style="left:{left}px;top:{top}px;width:{width}px;height:{height}px"'
        title = html.escape(panel["title"])
        if panel["type"] == "row":
            sections.append(f'<section class="row" {at}>{title}</section>')
        else:
            sections.append(f"<section {at}><h2>{title}</h2>{body(url, panel, span, width, height)}</section>")
    head = f'<!doctype html><meta charset="utf-8"><title>{html.escape(dashboard["title"])}</title><style>{STYLE}</style>'
    return f'{head}<h1>{html.escape(dashboard["title"])}</h1>{"".join(sections)}', (24 * COLUMN + GAP, bottom + GAP)


def main():
    args = parse()
    args.folder.mkdir(parents=True, exist_ok=True)
    now = time.time()
    for path in sorted(DASHBOARDS.glob("*.json")):
        text, (width, height) = page(args.url, json.loads(path.read_text()), (now - args.minutes * 60, now))
        file = args.folder / f"{path.stem}.html"
        file.write_text(text)
        picture = args.folder.resolve() / f"{path.stem}.png"
        flags = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={width},{height}", f"--screenshot={picture}"]
        subprocess.run(["chromium", *flags, file.resolve().as_uri()], check=True, capture_output=True)
        print(picture, text.count("<em>no series</em>"), "panels without a series")


main()
