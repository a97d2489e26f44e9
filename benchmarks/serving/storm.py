"""Many clients at once with good and bad requests, each answer held against the expected one."""

import base64
import collections
import http.client
import itertools
import json
import random
import struct
import threading
import time
import zlib
from dataclasses import dataclass, field

JSON = "application/json"
TIMEOUT_S = 60


@dataclass
class Question:
    """One request: its kind for the table, content type, body, and (status, answer) when alone."""

    kind: str
    content_type: str
    body: bytes
    expected: tuple[int, bytes] = (0, b"")


@dataclass
class Tally:
    """What came back, by kind; `wrong` counts answers that differ, `lost` those that never came."""

    answers: collections.Counter = field(default_factory=collections.Counter)
    wrong: collections.Counter = field(default_factory=collections.Counter)
    lost: collections.Counter = field(default_factory=collections.Counter)


def huge_png(side: int) -> bytes:
    """A picture of side * side gray pixels, all black, in a few hundred kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(side + 1) * side, 9)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def questions_of(files: list[bytes]) -> list[Question]:
    """Good requests and bad ones, about as many of each."""
    texts = [base64.b64encode(file).decode() for file in files]
    torn = [base64.b64encode(file[: len(file) // 2]).decode() for file in files[:4]]
    huge = base64.b64encode(huge_png(10_000)).decode()

    def ask(kind: str, body: object) -> Question:
        return Question(kind, JSON, json.dumps(body).encode())

    return [
        *(ask("good slice", {"inputs": {"image": [text]}}) for text in texts),
        *(ask("torn file", {"inputs": {"image": [text]}}) for text in torn),
        ask("good and bad in one", {"inputs": {"image": [texts[0], torn[0], "", None, texts[-1]]}}),
        ask("100 megapixels", {"inputs": {"image": [huge]}}),
        ask("no picture", {"inputs": {"image": [base64.b64encode(b"text").decode()]}}),
        ask("no base64", {"dataframe_records": [{"image": "?" * 1000}]}),
        ask("wrong column", {"dataframe_records": [{"picture": texts[0]}]}),
        ask("threshold out of range", {"inputs": {"image": texts[:1]}, "params": {"threshold": 2}}),
        ask("threshold of null", {"inputs": {"image": texts[:1]}, "params": {"threshold": None}}),
        ask("threshold of text", {"inputs": {"image": texts[:1]}, "params": {"threshold": "a"}}),
        Question("no JSON", JSON, b"{" * 2000),
        Question("a bare JPEG", "image/jpeg", files[0]),
        Question("CSV", "text/csv", b"image\nabc\n"),
        Question("Parquet", "application/vnd.apache.parquet", b"PAR1" * 50),
    ]


def fetch(connection: http.client.HTTPConnection, question: Question) -> tuple[int, bytes]:
    """Ask over a kept connection."""
    headers = {"Content-Type": question.content_type}
    connection.request("POST", "/invocations", question.body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def connect(address: str) -> http.client.HTTPConnection:
    """A connection to host:port."""
    return http.client.HTTPConnection(address, timeout=TIMEOUT_S)


def storm(address: str, questions: list[Question], clients: int, seconds: float) -> Tally:
    """Let the clients ask for so long, each in an order of its own, and count the answers."""
    tally, lock = Tally(), threading.Lock()
    stop = time.monotonic() + seconds

    def client(index: int) -> None:
        order = random.Random(index).sample(questions, len(questions))
        connection = connect(address)
        for question in itertools.cycle(order):
            if time.monotonic() >= stop:
                break
            try:
                answer = fetch(connection, question)
            except (OSError, http.client.HTTPException):
                connection.close()  # the next request opens it again
                answer = None
            with lock:
                if answer is None:
                    tally.lost[question.kind] += 1
                    continue
                tally.answers[question.kind] += 1
                tally.wrong[question.kind] += answer != question.expected
        connection.close()

    threads = [threading.Thread(target=client, args=(index,)) for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally
