"""Processes that answer on the loopback interface: started, asked until they answer, weighed."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
READY_WITHIN_S = 180


@dataclass
class Server:
    """One candidate.

    Attributes:
        name: in the tables.
        command: what starts it; "{port}" is replaced by a free one.
        bodies: one request a slice.
        environment: added to this process's variables.
        every: only each so-many-th slice is asked about, where an answer takes long.
        ready_s: from each start to the first answer.
        ready_core_s: the time on cores in it.
    """

    name: str
    command: list[str]
    bodies: list[bytes]
    environment: dict[str, str] = field(default_factory=dict)
    every: int = 1
    ready_s: list[float] = field(default_factory=list)
    ready_core_s: list[float] = field(default_factory=list)
    port: int = 0
    process: subprocess.Popen | None = None

    def start(self, folder: Path) -> None:
        """Start it, and wait for the answer to its first slice."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        log = folder / f"{self.name}.log".replace(" ", "-")
        start = time.perf_counter()
        with log.open("a") as stream:
            self.process = subprocess.Popen(
                [part.format(port=self.port) for part in self.command],
                cwd=folder,
                env=os.environ | self.environment,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        while True:
            try:
                ask(self.connection(), self.bodies[0])
                break
            except OSError:
                waited = time.perf_counter() - start
                if self.process.poll() is not None or waited > READY_WITHIN_S:
                    self.stop()
                    sys.exit(f"{self.name} did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.02)
        self.ready_s.append(time.perf_counter() - start)
        self.ready_core_s.append(cpu_ms(self.process.pid) / 1000)

    def stop(self) -> None:
        """End the processes that this one started."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process = None

    def connection(self) -> http.client.HTTPConnection:
        """A connection that is kept for many requests."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)


def family(pid: int) -> list[int]:
    """A process and its descendants, by pid; of a server the last one is the one that answers."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(path.name)] = int(_after_name(path)[1])
    found = {pid}
    for _ in parents:
        found |= {child for child, parent in parents.items() if parent in found}
    return sorted(found)


def memory_mib(pid: int) -> list[float]:
    """Resident memory of each process of the family."""
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in family(pid)]
    return [count * os.sysconf("SC_PAGE_SIZE") / 2**20 for count in pages]


def cpu_ms(pid: int) -> float:
    """Time on cores of the whole family so far; the load of other programs hardly changes it."""
    stats = [_after_name(Path(f"/proc/{one}")) for one in family(pid)]
    return sum(int(one[11]) + int(one[12]) for one in stats) / os.sysconf("SC_CLK_TCK") * 1000


def _after_name(process: Path) -> list[str]:
    # The name in parentheses may hold spaces.
    return (process / "stat").read_text().rsplit(")", 1)[1].split()


def ask(connection: http.client.HTTPConnection, body: bytes) -> bytes:
    """Send a request and read its whole answer; an answer that is not 200 ends the benchmark."""
    connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        sys.exit(f"Answer {response.status}: {content[:500]!r}")
    return content


def stop_servers_when_ended() -> None:
    """Let a SIGTERM unwind like Ctrl-C, so that no server outlives the benchmark."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by SIGTERM."))


def finish(command: list[str], **environment: str) -> str:
    """Run a command to its end and return what it printed; one that fails ends the benchmark."""
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def mlflow_server(name: str, model: str, env_manager: str, bodies: list[bytes], **more) -> Server:
    """A logged model, as `mlflow models serve` runs it."""
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    command = [mlflow, "models", "serve", "-m", model, "--env-manager", env_manager]
    return Server(name, [*command, "-p", "{port}"], bodies, **more)


def server_alone(model: str, environment: Path, bodies: list[bytes]) -> Server:
    """What `mlflow models serve` starts, without the launcher; as docs/deploying.md has it."""
    command = [str(environment / "bin" / "uvicorn"), "--port", "{port}", "--log-level", "warning"]
    return Server(
        "tumorscope alone",
        [*command, "mlflow.pyfunc.scoring_server.app:app"],
        bodies,
        environment={"__pyfunc_model_path__": model},
    )


def mlflow_of_its_own(model: str, environment: Path, bodies: list[bytes]) -> Server:
    """A model served by the `mlflow` of its own environment, as docs/deploying.md has it."""
    command = ["mlflow", "models", "serve", "-m", model, "--env-manager", "local", "-p", "{port}"]
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return Server("tumorscope, its own mlflow", command, bodies, environment={"PATH": path})


def keras_app_server(network: Path, bodies: list[bytes]) -> Server:
    """Server (b), in this environment."""
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "--port", "{port}"]
    return Server(
        "FastAPI + predict",
        [*command, "--no-access-log", "keras_app:app"],
        bodies,
        environment={"NETWORK": str(network), "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
