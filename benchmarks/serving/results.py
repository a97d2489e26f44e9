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
    servers: list[Server],
    floor: Floor,
    times: dict,
    rates: dict,
    sizes_mb: dict,
    starts: dict[str, list[float]],
) -> dict:
    """All medians, and the ratios that LIMITS are about; `starts` are by other ways to start."""
    middle = statistics.median
    table = {
        server.name: {
            "ready_s": middle(server.ready_s),
            "ready_core_s": middle(server.ready_core_s),
            "p50_ms": middle(times[server.name]),
            "p99_ms": float(np.percentile(times[server.name], 99)),
            "core_ms": middle([one[1] for one in rates[server.name][1]]),
            "per_s": {n: middle([one[0] for one in v]) for n, v in rates[server.name].items()},
            "serving_mib": memory_mib(server.process.pid)[-1],
            "all_mib": sum(memory_mib(server.process.pid)),
            "environment_mb": sizes_mb.get(server.name),
        }
        for server in servers
    }
    # Means, since a server's core time is one number for all slices of a window.
    stages = {name: statistics.mean(values) for name, values in floor.stages.items()}
    floor_core_ms = sum(stages[name] for name in ("decode", "framing", "network"))
    ours, keras, bare, echo = (table[server.name] for server in servers)
    stages = {"HTTP": echo["core_ms"] - stages["MLflow"], **stages}
    stages["rest"] = ours["core_ms"] - sum(stages.values())
    size = ours["environment_mb"] and ours["environment_mb"] / keras["environment_mb"]
    held = (
        ours["p50_ms"] / (middle(floor.totals) + echo["p50_ms"]),
        keras["p50_ms"] / ours["p50_ms"],
        ours["per_s"][16] / bare["per_s"][16],
        ours["ready_s"],
        ours["serving_mib"],
        size,
    )
    return {
        "servers": table,
        "ready_s_by": {way: middle(seconds) for way, seconds in starts.items()},
        "floor_p50_ms": middle(floor.totals),
        "floor_core_ms": floor_core_ms,
        "stages_core_ms": stages,
        "ratios": {name: value for (name, _, _), value in zip(LIMITS, held, strict=True)},
        "core_ratios": {
            "ours / (floor + echo)": ours["core_ms"] / (floor_core_ms + echo["core_ms"]),
            "keras flavor / ours": keras["core_ms"] / ours["core_ms"],
            "FastAPI / ours": bare["core_ms"] / ours["core_ms"],
        },
    }


def show(figures: dict) -> None:
    """Print the tables; times on a core hardly depend on what else the machine does."""
    click.echo(
        f"{'server':18} {'ready s':>7} {'core s':>7} {'p50 ms':>7} {'p99 ms':>7} {'core ms':>8}"
        f" {'answers/s: 1, 4, 16':>20} {'MiB (with launcher)':>20} {'environment MB':>15}"
    )
    for name, row in figures["servers"].items():
        rates = ", ".join(f"{rate:.0f}" for rate in row["per_s"].values())
        size = f"{row['environment_mb']:.0f}" if row["environment_mb"] else "-"
        memory = f"{row['serving_mib']:.0f} ({row['all_mib']:.0f})"
        click.echo(
            f"{name:18} {row['ready_s']:7.1f} {row['ready_core_s']:7.1f} {row['p50_ms']:7.1f}"
            f" {row['p99_ms']:7.1f} {row['core_ms']:8.1f} {rates:>20} {memory:>20} {size:>15}"
        )
    click.echo(
        f"{'floor':34} {figures['floor_p50_ms']:7.1f} {'':7} {figures['floor_core_ms']:8.1f}"
    )
    for way, seconds in figures["ready_s_by"].items():
        click.echo(f"Started by {way}, TumorScope's server is ready in {seconds:.1f} s.")
    parts = ", ".join(f"{name} {value:.2f}" for name, value in figures["stages_core_ms"].items())
    click.echo(f"Where a core's milliseconds for one slice go: {parts}.")
    parts = ", ".join(f"{name} {value:.2f}" for name, value in figures["core_ratios"].items())
    click.echo(f"Ratios of a core's milliseconds: {parts}.")
    for name, kind, limit in LIMITS:
        value = figures["ratios"][name]
        if value is not None:
            held = value <= limit if kind == "at most" else value >= limit
            verdict = "holds" if held else "MISSED"
            click.echo(f"{name:36} {value:7.2f}   {kind} {limit:g}: {verdict}")
    click.echo(DISCLAIMER)
