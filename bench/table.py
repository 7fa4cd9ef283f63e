#!/usr/bin/env python3
"""Tables and charts of what compare.py found: markdown on standard output, or between two marks of a document.

usage: table.py RESULTS [--machine machine.json] [--doc FILE] [--charts DIR]

With --machine, which the program `roofline` writes, each row shows the machine's limit. With --doc the tables replace what
stands between the lines "<!-- bench -->" and "<!-- /bench -->" of FILE. --charts writes an SVG for each table.
"""

import argparse
import json
import statistics
from pathlib import Path

import chart
import results
from roofline import Machine, net_ms

PEERS = {"paddle": "Paddle", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


def groups(records: list[dict]) -> dict[tuple, list[dict]]:
    """Rows that stand in one table, by (machine, rung, precision, threads, batch)."""
    grouped = {}
    for found in records:
        key = (found["machine"]["cpu"], found["isa"], found["precision"], found["threads"], found["batch"])
        grouped.setdefault(key, []).append(found)
    return grouped


def title(key: tuple) -> str:
    cpu, isa, precision, threads, batch = key
    return f"{precision.upper()}, {isa}, {threads} thread{'s' * (threads > 1)}, batch {batch} ({cpu})"


def limit_ms(found: dict, measured: dict | None) -> float | None:
    """The machine's limit at the clock of that row; None where it was not measured."""
    if measured is None or found["isa"] not in measured["peaks_per_cycle"] or not found.get("clocks"):
        return None
    machine = Machine.from_json(measured, statistics.median(found["clocks"]))
    return net_ms(machine, found["isa"], next(iter(found["profiles"].values())), found["threads"])


def form(contestant: dict) -> str:
    """What distinguishes it from the peer's other forms: "nncf" of "openvino nncf"."""
    return contestant["name"].removeprefix(contestant["peer"]).strip()


def figure(ms: float) -> str:
    """Three digits, and never a power of ten."""
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.3g}"


def peer_cell(contestant: dict | None, precision: str) -> str:
    if contestant is None:
        return "-"
    kind = form(contestant)
    return figure(results.median(contestant)) + (f" ({kind})" if kind != precision else "")


def row(found: dict, measured: dict | None) -> str:
    ours, peers, rival = results.skiffs(found), results.fastest_by_peer(found), results.fastest_peer(found)
    cells = [found["net"], *(figure(results.median(c)) for c in ours)]
    cells += [peer_cell(peers.get(peer), found["precision"]) for peer in PEERS]
    cells.append(f"{results.ratio(rival, ours[0]):.2f}" if rival else "-")
    cells.append(f"{100 * max(results.spread(c) for c in (*ours[:1], *([rival] if rival else []))):.0f} %")
    if measured:
        limit = limit_ms(found, measured)
        cells += [figure(limit), f"{100 * limit / results.median(ours[0]):.0f} %"] if limit else ["-", "-"]
    return f"| {' | '.join(cells)} |"


def table(records: list[dict], measured: dict | None) -> str:
    names = [c["name"] for c in results.skiffs(records[0])]
    head = ["network", *(name.replace("skiff", "Skiff") for name in names), *PEERS.values(), "fastest peer / Skiff",
            "spread"]
    if measured:
        head += ["roofline", "share"]
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(row(found, measured) for found in records)])


def versions(records: list[dict]) -> str:
    found = {c["peer"]: c["version"] for record in records for c in record["contestants"]}
    return ", ".join(f"{PEERS.get(peer, peer.capitalize())} {version}" for peer, version in sorted(found.items()))


def document(records: list[dict], measured: dict | None) -> str:
    parts = [f"Milliseconds of one run; {versions(records)}."]
    for key, rows in groups(records).items():
        parts += [f"**{title(key)}**", table(rows, measured)]
    return "\n\n".join(parts)


def svg(key: tuple, records: list[dict], measured: dict | None) -> str:
    """Samples a second."""
    drawn = []
    for found in records:
        best = {"Skiff": results.skiffs(found)[0]}
        best |= {PEERS[peer]: c for peer, c in results.fastest_by_peer(found).items()}
        limit = limit_ms(found, measured)
        per_second = 1000 * found["batch"]
        drawn.append(chart.Group(found["net"], {name: per_second / results.median(c) for name, c in best.items()},
                                 per_second / limit if limit else None, "samples/s"))
    return chart.bars("Samples a second: " + title(key), drawn, "roofline" if measured else "")


def replace_between(text: str, begin: str, end: str, inside: str) -> str:
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    return f"{before}{begin}\n{inside}\n{end}{after}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--machine", type=Path)
    parser.add_argument("--doc", type=Path)
    parser.add_argument("--charts", type=Path)
    args = parser.parse_args()
    measured = json.loads(args.machine.read_text()) if args.machine else None
    records = results.load(args.results)
    text = document(records, measured)
    if args.doc:
        args.doc.write_text(replace_between(args.doc.read_text(), BEGIN, END, text))
    else:
        print(text)
    if args.charts:
        args.charts.mkdir(parents=True, exist_ok=True)
        for key, rows in groups(records).items():
            _, isa, precision, threads, batch = key
            (args.charts / f"{precision}_{isa}_threads{threads}_batch{batch}.svg").write_text(svg(key, rows, measured))


if __name__ == "__main__":
    main()
