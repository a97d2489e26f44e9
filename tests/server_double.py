"""A scoring server that answers everything with one body, for tests of its client."""

import contextlib
import http.server
import json
import threading
import time

ANSWER = {"probability": 0.9, "label": "tumor", "threshold": 0.5, "error": None}


@contextlib.contextmanager
def serving(status: int, body: bytes, wait_s: float = 0.0):
    """A server that answers everything with one body; yields its address and what it was sent."""
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802 - the name that http.server calls
            length = int(self.headers["Content-Length"])
            received.append((self.path, json.loads(self.rfile.read(length))))
            time.sleep(wait_s)
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
