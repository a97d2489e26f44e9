"""Throw odd requests at a served model until something other than an answer comes back.

The shipped model is logged to a store of its own and served by `mlflow models serve` on loopback.
Bodies of every content type that the server takes (JSON in all its forms, CSV, Parquet) and of
some that it does not are made from a number; a word is planted in each. A finding is a request
that gets no answer over HTTP, a status of 500 or more, a stack trace, its own words back, an
answer with another number of rows than asked, or a server that is gone. What MLflow's server says
before it asks the model is counted apart; it decides the exit status with `--strict true` only.

    python benchmarks/fuzz_requests.py --seconds 600
    python benchmarks/fuzz_requests.py --seconds 600 --port 5001 --strict true    # a running server
"""

import argparse
import base64
import collections
import contextlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

SECRET = "XyzzyQuux"
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
OTHERS = ("text/plain", "image/png", "", "application/json; charset=latin-1", "a/b; c=d", JSON * 9)
ANSWER = {"probability", "label", "threshold", "error", "frames"}


def images() -> list[object]:
    """Cells for the column: good, damaged, of the wrong type, with the word in them."""
    from fuzz_images import nifti_files, pictures

    drawn = pictures()
    good = [base64.b64encode(data).decode() for data in drawn.values()]
    volume = base64.b64encode(nifti_files()["Nifti1Image-uint8"]).decode()
    odd = ["", " ", SECRET, f"{SECRET}!", f"data:image/png;base64,{good[0]}", f"data:{SECRET},x"]
    odd += [good[0][:-1], good[0][:40], "=" * 50, "A" * 400, "\u0000", "ü" + SECRET, "\ud800"]
    wrong = [None, True, 0, -1, 1e308, 10**400, [], {}, [[]], {"image": SECRET}, [SECRET, None]]
    wrong += [{SECRET: SECRET}, [[[good[0]]]], [1, "a"], float("nan"), float("inf")]
    return [*good[:6], volume, *odd, *wrong]


def body(number: int, cells: list[object]) -> tuple[bytes, str, int | None]:
    """Body and content type of a number, and how many rows its answer must have, where one must."""
    rng = np.random.default_rng(number)
    kind = rng.choice(
        ["json", "broken json", "csv", "parquet", "other"], p=[0.6, 0.1, 0.1, 0.1, 0.1]
    )
    some = [cells[index] for index in rng.integers(len(cells), size=rng.integers(0, 6))]
    if kind == "json":
        content, rows = json_body(rng, some)
        return json.dumps(content).encode(), JSON, rows
    if kind == "broken json":
        return broken(json.dumps(json_body(rng, some)[0]).encode(), rng), JSON, None
    if kind == "other":
        return random_bytes(rng), str(rng.choice(OTHERS)), None
    texts = pd.DataFrame(
        {str(rng.choice(["image", SECRET, ""])): [str(one) for one in some]}, dtype=object
    )
    if kind == "csv":
        content = texts.to_csv(index=False).encode(errors="replace")
        return broken(content, rng) if rng.random() < 0.7 else content, CSV, None
    stream = io.BytesIO()
    texts.map(lambda text: text.encode(errors="replace")).to_parquet(stream)
    content = stream.getvalue()
    return broken(content, rng) if rng.random() < 0.7 else content, PARQUET, None


def json_body(rng: np.random.Generator, some: list) -> tuple[object, int | None]:
    """A JSON body and the rows that it must be answered with; None where anything may come."""
    plain = all(one is None or isinstance(one, str | int | float) for one in some)
    plain = plain and "\ud800" not in some  # pandas refuses half a character before we see it
    forms = {
        "split": {"dataframe_split": {"columns": ["image"], "data": [[one] for one in some]}},
        "records": {"dataframe_records": [{"image": one} for one in some]},
        "inputs": {"inputs": {"image": some}},
        "list": {"inputs": some},
        "instances": {"instances": [{"image": one} for one in some]},
    }
    form = str(rng.choice(list(forms)))
    content: object = forms[form]
    rows = len(some) if plain and some and form in ("split", "records") else None
    odd = rng.integers(12)
    value = [None, [], {}, 0, SECRET, [SECRET], {SECRET: SECRET}, [[]], [None], -1, True, 1e999][
        odd
    ]
    change = rng.integers(9)
    if change == 0:
        (key,) = content
        return {key: value}, None
    if change == 1:
        content["params"] = {"threshold": value}
        return content, None
    if change == 2:
        content["params"] = value
        return content, None
    if change == 3:
        return value, None
    if change == 4:
        content[SECRET] = value
    elif change == 5:
        content.update(forms[str(rng.choice(list(forms)))])
        return content, None
    elif change == 6:
        (key,) = content
        content[key] = nested(value, int(rng.choice([3, 50, 2000])))
        return content, None
    elif change == 7:
        content["params"] = {"threshold": float(rng.normal(0.5, 0.5)), SECRET: value}
        return content, None
    return content, rows


def nested(value: object, depth: int) -> object:
    for _ in range(depth):
        value = [value]
    return value


def broken(content: bytes, rng: np.random.Generator) -> bytes:
    """Some changes to a body, by the fuzzer of files."""
    from fuzz_images import change

    changed = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        change(changed, rng, [("", content)])
    return bytes(changed)


def random_bytes(rng: np.random.Generator) -> bytes:
    return rng.integers(0, 256, rng.integers(0, 500), dtype=np.uint8).tobytes() + SECRET.encode()


def verdict(status: int, answer: bytes, rows: int | None) -> str | None:
    """What is wrong with an answer; None where nothing is."""
    text = answer.decode("utf-8", "replace")
    if "Traceback" in text or "stack_trace" in text:
        return f"{status} with a stack trace"
    if SECRET in text:
        return f"{status} with the caller's words"
    if status >= 500:
        return f"{status}"
    if status != 200:
        return f"{status} where rows are due" if rows is not None else None
    try:
        predictions = json.loads(text, parse_constant=_no_json)["predictions"]
    except (ValueError, KeyError, TypeError):
        return "200 that is no JSON of predictions"
    if any(set(row) != ANSWER for row in predictions):
        return "200 with other columns"
    return "200 with another number of rows" if rows not in (None, len(predictions)) else None


def is_ours(status: int, answer: bytes) -> bool:
    """Whether the model had a part in an answer, and not MLflow's server alone."""
    return status in (0, 200) or b"tumorscope_serving" in answer


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


@contextlib.contextmanager
def served(folder: Path):
    """Serve the shipped model; the process and its port."""
    import mlflow

    from tumorscope.shipped import BUNDLE
    from tumorscope.tracking.packaging import log_bundle
    from tumorscope_serving.card import ModelCard

    uri = f"sqlite:///{folder}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("fuzz", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("fuzz")
    with mlflow.start_run():
        model = log_bundle(BUNDLE, ModelCard.read(BUNDLE).threshold)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["mlflow", "models", "serve", "-m", model, "--env-manager", "local", "-p", str(port)]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"MLFLOW_TRACKING_URI": uri},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                if ask(port, "GET", "/health")[0] == 200:
                    break
            time.sleep(0.2)
        yield process, port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def ask(port: int, method: str, path: str, content: bytes = b"", kind: str = "") -> tuple:
    """(status, answer) of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, content, {"Content-Type": kind} if kind else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--start", type=int, default=0, help="number of the first request")
    parser.add_argument("--only", type=int, help="print this one request and its answer")
    parser.add_argument("--port", type=int, help="of a server on loopback; one is started without")
    parser.add_argument("--strict", default="false", choices=["true", "false"])
    settings = parser.parse_args()
    sys.setrecursionlimit(20_000)  # for the deepest of our own bodies
    cells, statuses = images(), collections.Counter()
    found: dict[str, list[int]] = collections.defaultdict(list)
    running = contextlib.nullcontext((None, settings.port))
    with (
        tempfile.TemporaryDirectory() as folder,
        running if settings.port else served(Path(folder)) as (process, port),
    ):
        number, end = settings.start, time.monotonic() + settings.seconds
        if settings.only is not None:
            content, kind, rows = body(settings.only, cells)
            print(kind, content[:400], rows)
            print(*ask(port, "POST", "/invocations", content, kind))
            return 0
        while time.monotonic() < end and not (process and process.poll()):
            content, kind, rows = body(number, cells)
            try:
                status, answer = ask(port, "POST", "/invocations", content, kind)
                wrong = verdict(status, answer, rows)
            except (OSError, http.client.HTTPException) as error:
                status, answer, wrong = 0, b"", f"no answer: {type(error).__name__}"
            statuses[f"{kind.split(';')[0][:30]} {status}"] += 1
            if wrong:
                whose = "model" if is_ours(status, answer) else "MLflow's server"
                found[f"{whose}, {kind.split(';')[0][:30]}: {wrong}"].append(number)
            number += 1
        alive = ask(port, "GET", "/health")[0] == 200
        log = Path(folder, "server.log").read_text(errors="replace") if process else ""
    print(f"{number - settings.start} requests, server alive at the end: {alive}")
    print(f"answers by content type and status: {dict(statuses)}")
    print(f"the planted word in the server's log: {log.count(SECRET)} times")
    for wrong, numbers in sorted(found.items()):
        print(f"{wrong}: {len(numbers)}, for example {numbers[:4]}")
    ours = [wrong for wrong in found if settings.strict == "true" or wrong.startswith("model")]
    return int(bool(ours) or not alive)


if __name__ == "__main__":
    sys.exit(main())
