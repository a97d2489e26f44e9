"""The verdict of benchmarks/soak.py on servers that fail; test_served_model asks it of ours."""

import http.server
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

SOAK = Path(__file__).resolve().parents[1] / "benchmarks" / "soak.py"


def soak(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SOAK), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def server():
    """A server that fails at each fourth request from the fiftieth on, as its `fault` names."""
    numbers = itertools.count()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer goes out whole

        def do_POST(self):  # noqa: N802
            self.rfile.read(int(self.headers["Content-Length"]))
            number = next(numbers)
            fails = number >= 50 and number % 4 == 0
            if fails and served.fault == "lost":
                self.close_connection = True
                return
            body = b"other" if fails and served.fault == "wrong" else b"same"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.fault = ""
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()


@pytest.mark.parametrize("fault", ["lost", "wrong"])
def test_the_verdict_names_answers_that_are_lost_or_wrong(server, drawn_data, fault):
    server.fault = fault

    done = soak(
        *("--url", f"127.0.0.1:{server.server_port}", "--pid", os.getpid()),
        *("--data", drawn_data, "--clients", 4, "--seconds", 0.5),
    )

    assert done.returncode == 1
    assert f"answers were {fault}: " in done.stdout
    assert "Verdict" not in done.stdout


def test_a_folder_without_slices_is_refused_in_a_sentence(tmp_path):
    done = soak("--data", tmp_path)

    assert done.returncode == 1
    assert "No PNG or JPEG file in" in done.stderr
