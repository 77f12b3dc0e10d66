"""Writes docs/BENCHMARKS.md and its pictures of what bench/run measured."""
import pathlib
import statistics

NAMES = {"fleet": "fleet", "single": "one process", "peer": "Node peer", "peer2": "Node peer, two processes", "bare": "Socket.IO alone"}
COLOURS = {"fleet": "#2f6fde", "single": "#1b9e77", "peer": "#b0721f", "peer2": "#d9a441", "bare": "#8a8f98"}
TITLES = {
    "saturated": "Saturated: 100 threads of two, 8 messages under way in each",
    "idle": "5,000 sockets that only wait", "after": "Memory after the saturated load, no socket left",
}
# Which figure of a scenario is drawn.
DRAWN = {"saturated": "messages/s", "open": "delivery p99, ms", "fanout": "deliveries/s, one event at a time", "idle": "bytes per socket"}
WIDTH, BAR, LEFT = 640, 26, 180


def title(scenario):
    kind, _, number = scenario.partition("-")
    if kind == "open":
        return f"{int(number):,} messages offered per second"
    if kind == "fanout":
        return f"One thread of {int(number):,} people"
    return TITLES[scenario]


def told(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"


def cell(values):
    """The median, and the smallest and largest of the rounds."""
    if not values:
        return ""
    middle = told(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({told(min(values))}–{told(max(values))})"


def picture(heading, by_system):
    """Horizontal bars of the medians, as SVG."""
    medians = {name: statistics.median(values) for name, values in by_system.items()}
    largest, rows = max(medians.values()) or 1, []
    for n, (name, value) in enumerate(medians.items()):
        top, length = 40 + n * BAR, max(1, (WIDTH - LEFT - 110) * value / largest)
        rows.append(f'<text x="{LEFT - 8}" y="{top + 14}" text-anchor="end">{NAMES[name]}</text>'
                    f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="18" rx="3" fill="{COLOURS[name]}"/>'
                    f'<text x="{LEFT + length + 6:.1f}" y="{top + 14}">{told(value)}</text>')
    height = 48 + len(rows) * BAR
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
            f' font-family="system-ui, sans-serif" font-size="13" fill="#333"><rect width="100%" height="100%" fill="#fff"/>'
            f'<text x="8" y="22" font-weight="600">{heading}</text>{"".join(rows)}</svg>\n')


def write_page(docs, report):
    pictures = pathlib.Path(docs) / "benchmarks"
    pictures.mkdir(exist_ok=True)
    where = report["machine"]
    lines = [
        "# Benchmarks", "",
        "This page is made by one command, on one machine, and shows this system beside a Node server that does the same",
        "work ([bench/peer/server.mjs](../bench/peer/server.mjs)) and beside Socket.IO alone, which stores nothing:", "",
        "    cargo build --release --workspace --bins", "    tests/services start", "    bench/run --write", "",
        f"- **When and what**: {where['date']}, commit `{where['commit']}`.",
        f"- **Machine**: {where['processors']}, {where['memory']}, Linux {where['kernel']}. Generator, system and servers share it.",
        f"- **Peer**: Node {where['node']}, {', '.join(where['peer'])}. It writes with majority and journal, as this system does; it has",
        "  no receipts, presence, notifications, search or limits, and promises nothing about what dies.",
        f"- **Rounds**: {report['rounds']}, {report['seconds']} s each, the systems in turns. A cell is the median, in brackets the smallest and the",
        "  largest. Every run ended with `lost 0 doubled 0 reordered 0`; another run gives no figure.", "",
    ]
    for scenario, table in report["runs"].items():
        names = [name for name in NAMES if any(name in by_system for by_system in table.values())]
        lines += [f"## {title(scenario)}", "", "| | " + " | ".join(NAMES[name] for name in names) + " |", "| --- |" + " ---: |" * len(names)]
        lines += [f"| {figure} | " + " | ".join(cell(by_system.get(name)) for name in names) + " |" for figure, by_system in table.items()]
        drawn = DRAWN.get(scenario.partition("-")[0])
        if drawn in table:
            (pictures / f"{scenario}.svg").write_text(picture(f"{title(scenario)}: {drawn}", table[drawn]))
            lines += ["", f"![{title(scenario)}](benchmarks/{scenario}.svg)"]
        lines.append("")
    (pathlib.Path(docs) / "BENCHMARKS.md").write_text("\n".join(lines).rstrip() + "\n")
