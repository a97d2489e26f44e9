"""Does the served model stay on its feet? Many clients at once, good and bad files mixed.

Sixteen clients ask for a minute, each as soon as it has its answer: good slices, torn and empty
files, text, pictures that unpack to 100 megapixels, wrong columns, bodies that are no JSON. Each
answer is held against what the same request was answered when it came alone, so a lost or
swapped one shows. Memory is looked at after a warm-up. Command:

    python benchmarks/soak.py --data FOLDER

serves the network that comes with the package; `--url` and `--pid` name a server that runs. The
exit status is 1 where the verdict is bad.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

import click

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "serving"))

from servers import (  # noqa: E402
    family,
    finish,
    memory_mib,
    mlflow_server,
    stop_servers_when_ended,
)
from storm import Question, Tally, connect, fetch, questions_of, storm  # noqa: E402

MAX_GROWTH_MIB = 30


def soak(address: str, pid: int, questions: list[Question], clients: int, seconds: float) -> dict:
    """Ask each question alone, warm up, then storm in ten parts and weigh the server after each.

    Returns:
        The figures, with "faults": sentences on what is wrong, none where all is well.
    """
    connection = connect(address)
    for question in questions:
        question.expected = fetch(connection, question)
    connection.close()
    before = family(pid)
    storm(address, questions, clients, seconds / 4)
    memory, total = [sum(memory_mib(pid))], Tally()
    for _ in range(10):
        part = storm(address, questions, clients, seconds / 10)
        for name in ("answers", "wrong", "lost"):
            getattr(total, name).update(getattr(part, name))
        memory.append(sum(memory_mib(pid)))
    growth = statistics.median(memory[-3:]) - statistics.median(memory[:3])
    faults = [f"{n} answers were lost: {kind}." for kind, n in total.lost.items() if n]
    faults += [f"{n} answers were wrong: {kind}." for kind, n in total.wrong.items() if n]
    if family(pid) != before:
        faults.append("A process of the server is gone or was replaced.")
    if growth > MAX_GROWTH_MIB:
        faults.append(f"Memory grew by {growth:.0f} MiB; at most {MAX_GROWTH_MIB} are allowed.")
    crashed = [one.kind for one in questions if one.expected[0] >= 500]
    faults += [f"The server failed, status 5xx: {kind}." for kind in crashed]
    return {
        "clients": clients,
        "seconds": seconds,
        "answers": dict(total.answers),
        "memory_mib": memory,
        "growth_mib": growth,
        "faults": faults,
    }


def show(figures: dict) -> None:
    """Print what came back and the verdict."""
    for kind, count in figures["answers"].items():
        click.echo(f"{kind:24} {count:7} answers")
    memory = figures["memory_mib"]
    click.echo(
        f"{sum(figures['answers'].values())} answers to {figures['clients']} clients in "
        f"{figures['seconds']:.0f} s; memory {memory[0]:.0f} MiB after the warm-up, at most "
        f"{max(memory):.0f}, at the end {memory[-1]:.0f} (growth {figures['growth_mib']:+.0f})."
    )
    click.echo("\n".join(figures["faults"]) or "Verdict: no answer lost or wrong, memory stable.")


def files_of(data: str) -> list[bytes]:
    """Sixteen pictures of a folder, evenly spaced."""
    kinds = (".png", ".jpg", ".jpeg")
    paths = [path for path in sorted(Path(data).rglob("*")) if path.suffix.lower() in kinds]
    if not paths:
        raise click.ClickException(f"No PNG or JPEG file in {data}; --data must be such a folder.")
    return [path.read_bytes() for path in paths[:: max(1, len(paths) // 16)][:16]]


def serve_and_soak(questions: list[Question], clients: int, seconds: float) -> dict:
    """Log the network that comes with the package, serve it, and soak it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / "serving" / "models.py"), folder, "tumorscope"]
        finish(command)
        model = json.loads(Path(folder, "models.json").read_text())["tumorscope"]
        server = mlflow_server("tumorscope", model, "local", [questions[0].body])
        try:
            server.start(Path(folder))
            address = f"127.0.0.1:{server.port}"
            return soak(address, server.process.pid, questions, clients, seconds)
        finally:
            server.stop()


@click.command()
@click.option("--data", required=True, help="Folder with PNG or JPEG slices.")
@click.option("--clients", default=16, show_default=True)
@click.option("--seconds", default=60.0, show_default=True, help="A quarter is added to warm up.")
@click.option("--url", default="", help="host:port of a server that runs; else one is started.")
@click.option("--pid", default=0, help="Its process, with --url.")
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(data: str, clients: int, seconds: float, url: str, pid: int, report: str) -> None:
    """Ask a served model in a storm of good and bad files, and say whether it held."""
    stop_servers_when_ended()
    questions = questions_of(files_of(data))
    if url:
        figures = soak(url, pid, questions, clients, seconds)
    else:
        figures = serve_and_soak(questions, clients, seconds)
    show(figures)
    if report:
        Path(report).write_text(json.dumps(figures, indent=2) + "\n")
    sys.exit(bool(figures["faults"]))


if __name__ == "__main__":
    main()
