"""What a run of the bench found, as one line of JSON in a file, and the arithmetic on it."""

import json
import statistics
from dataclasses import asdict
from pathlib import Path

from contestants import SKIFF, Contestant, Row


def record(row: Row, machine: dict, chosen: list[Contestant], readies: dict[str, dict],
           rounds: dict[str, list[float]]) -> dict:
    """`rounds` holds each contestant's median milliseconds of every round, in the order of the rounds."""
    return {**asdict(row), "machine": machine,
            "contestants": [{"name": c.name, "peer": c.peer, **readies[c.name], "rounds": rounds[c.name]}
                            for c in chosen]}


def append(file: Path, found: dict):
    with file.open("a") as out:
        out.write(json.dumps(found) + "\n")


def load(file: Path) -> list[dict]:
    """The last record of every row and machine, in the order in which rows were first measured."""
    last = {}
    for line in file.read_text().splitlines():
        found = json.loads(line)
        key = tuple(found[field] for field in ("net", "precision", "batch", "threads", "isa"))
        last[(*key, found["machine"]["cpu"])] = found
    return list(last.values())


def median(contestant: dict) -> float:
    return statistics.median(contestant["rounds"])


def spread(contestant: dict) -> float:
    """Half the distance between the quartiles, as a share of the median."""
    if len(contestant["rounds"]) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(contestant["rounds"], n=4, method="inclusive")
    return (high - low) / 2 / middle


def ratio(other: dict, ours: dict) -> float:
    """How many times as fast `ours` is: the median over rounds, because a round's neighbours see the same machine."""
    return statistics.median(a / b for a, b in zip(other["rounds"], ours["rounds"], strict=True))


def skiffs(found: dict) -> list[dict]:
    return [c for c in found["contestants"] if c["peer"] == SKIFF]


def fastest_by_peer(found: dict) -> dict[str, dict]:
    """Each peer's fastest form."""
    best = {}
    for contestant in found["contestants"]:
        if contestant["peer"] != SKIFF:
            peer = contestant["peer"]
            if peer not in best or median(contestant) < median(best[peer]):
                best[peer] = contestant
    return best


def fastest_peer(found: dict) -> dict | None:
    return min(fastest_by_peer(found).values(), key=median, default=None)
