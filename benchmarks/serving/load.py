"""Clients: one after another, timed each, or several at once, counted."""

import threading
import time

from servers import Server, ask, cpu_ms


def latencies_ms(server: Server) -> list[float]:
    """Time of each of the server's slices, one after another over one connection."""
    connection = server.connection()
    taken = []
    for body in server.bodies[:: server.every]:
        start = time.perf_counter()
        ask(connection, body)
        taken.append((time.perf_counter() - start) * 1000)
    connection.close()
    return taken


def answers_per_s(server: Server, clients: int, seconds: float) -> tuple[float, float]:
    """Let so many clients ask, each as soon as it has its answer.

    Returns:
        Answers a second, and the milliseconds of a core that the server used for each.
    """
    stop = time.perf_counter() + seconds
    counts = [0] * clients
    ends = [0.0] * clients

    def client(index: int) -> None:
        connection = server.connection()
        while time.perf_counter() < stop:
            ask(connection, server.bodies[(index + counts[index]) % len(server.bodies)])
            counts[index] += 1
            ends[index] = time.perf_counter()
        connection.close()

    before = cpu_ms(server.process.pid)
    start = time.perf_counter()
    threads = [threading.Thread(target=client, args=(index,)) for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not all(counts):
        raise SystemExit(f"{server.name} left a client without an answer.")
    used = cpu_ms(server.process.pid) - before
    return sum(counts) / (max(ends) - start), used / sum(counts)
