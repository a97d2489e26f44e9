"""Medians and ratios of the rounds, and how they are printed."""

import statistics

import click
import numpy as np
from floor import Floor
from servers import Server, memory_mib

from tumorscope.config import DISCLAIMER

# What is promised: (figure, whether it must be at most or at least, its limit).
LIMITS = (
    ("p50 / (floor + echo)", "at most", 1.5),
    ("keras flavor p50 / p50", "at least", 20),
    ("throughput, 16 clients / FastAPI's", "at least", 5),
    ("seconds to the first answer", "at most", 4),
    ("MiB of the serving process", "at most", 300),
    ("environment / the Keras flavor's", "at most", 0.25),
)


def figures_of(
    servers: list[Server], floor: Floor, times: dict, rates: dict, sizes_mb: dict
) -> dict:
    """All medians, and the ratios that LIMITS are about."""
    middle = statistics.median
    table = {
        server.name: {
            "ready_s": middle(server.ready_s),
            "p50_ms": middle(times[server.name]),
            "p99_ms": float(np.percentile(times[server.name], 99)),
            "per_s": {n: middle([one[0] for one in v]) for n, v in rates[server.name].items()},
            "cpu_ms": middle([one[1] for one in rates[server.name][1]]),
            "serving_mib": memory_mib(server.process.pid)[-1],
            "all_mib": sum(memory_mib(server.process.pid)),
            "environment_mb": sizes_mb.get(server.name),
        }
        for server in servers
    }
    stages = {name: middle(values) for name, values in floor.stages.items()}
    ours, keras, bare, echo = (table[server.name] for server in servers)
    stages = {"HTTP": echo["p50_ms"] - stages["MLflow"], **stages}
    stages["rest"] = ours["p50_ms"] - sum(stages.values())
    size = ours["environment_mb"] and ours["environment_mb"] / keras["environment_mb"]
    return {
        "servers": table,
        "floor_p50_ms": middle(floor.totals),
        "floor_cpu_ms": statistics.mean(floor.cpu_ms),
        "stages_ms": stages,
        "ratios": {
            LIMITS[0][0]: ours["p50_ms"] / (middle(floor.totals) + echo["p50_ms"]),
            LIMITS[1][0]: keras["p50_ms"] / ours["p50_ms"],
            LIMITS[2][0]: ours["per_s"][16] / bare["per_s"][16],
            LIMITS[3][0]: ours["ready_s"],
            LIMITS[4][0]: ours["serving_mib"],
            LIMITS[5][0]: size,
        },
    }


def show(figures: dict) -> None:
    """Print the tables."""
    click.echo(
        "server               ready s  p50 ms  p99 ms   answers/s: 1, 4, 16   MiB (all)   MB"
    )
    for name, row in figures["servers"].items():
        rates = ", ".join(f"{rate:.0f}" for rate in row["per_s"].values())
        size = f"{row['environment_mb']:.0f}" if row["environment_mb"] else "-"
        memory = f"{row['serving_mib']:.0f} ({row['all_mib']:.0f})"
        click.echo(
            f"{name:20} {row['ready_s']:7.1f} {row['p50_ms']:7.1f} {row['p99_ms']:7.1f}"
            f" {row['cpu_ms']:8.1f}   {rates:>19}   {memory:>19} {size:>15}"
        )
    click.echo(
        f"{'floor':20} {'':7} {figures['floor_p50_ms']:7.1f} {'':7} {figures['floor_cpu_ms']:8.1f}"
    )
    parts = ", ".join(f"{name} {value:.2f}" for name, value in figures["stages_ms"].items())
    click.echo(f"Where the milliseconds of one slice go: {parts}.")
    for name, kind, limit in LIMITS:
        value = figures["ratios"][name]
        if value is not None:
            held = value <= limit if kind == "at most" else value >= limit
            verdict = "holds" if held else "MISSED"
            click.echo(f"{name:36} {value:7.2f}   {kind} {limit:g}: {verdict}")
    click.echo(DISCLAIMER)
