"""A scoring server as MLflow runs it, asked over HTTP: images in, answers out."""

import base64
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from tumorscope.errors import ServerError

SHOWN = 200  # characters of a server's refusal


def ask_server(
    url: str, images: list[bytes], params: dict[str, Any], timeout_s: float
) -> list[dict[str, Any]]:
    """Send images in one request.

    Args:
        url: of the server, with or without /invocations.
        images: bytes of files.
        params: as `threshold` or `explain`; may be empty.
        timeout_s: longest wait for the connection, and for each piece of the answer.

    Returns:
        One answer an image, in order.

    Raises:
        ServerError: there is no server, it refuses, or its answer is no list of answers.
    """
    address = _address(url)
    body: dict[str, Any] = {
        "dataframe_split": {
            "columns": ["image"],
            "data": [[base64.b64encode(image).decode()] for image in images],
        }
    }
    if params:
        body["params"] = params
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        raise ServerError(_refusal(address, error)) from None
    except TimeoutError:
        raise ServerError(_silence(address, timeout_s)) from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise ServerError(_silence(address, timeout_s)) from None
        raise ServerError(
            f"No scoring server answers at {address} ({reason}). Start one with: "
            "mlflow models serve -m models:/tumorscope@champion --env-manager local -p 5001"
        ) from None
    return _answers(address, content, len(images))


def _address(url: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ServerError(
            f"{url} is no address of a server: expected one as http://127.0.0.1:5001."
        )
    path = parts.path.rstrip("/").removesuffix("/invocations") + "/invocations"
    return parts._replace(path=path, fragment="").geturl()


def _silence(address: str, timeout_s: float) -> str:
    return (
        f"{address} gave no answer within {timeout_s:g} s: expected one sooner. Send fewer files, "
        "or give a longer --timeout-s."
    )


def _refusal(address: str, error: urllib.error.HTTPError) -> str:
    """The server's own words, the first of them, never its stack trace."""
    try:
        told = json.loads(error.read(100_000))["message"]
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        told = error.reason
    words = " ".join(str(told).split())[:SHOWN]
    blame = "the server failed" if error.code >= 500 else "it refuses the request"
    return (
        f"{address} answers with status {error.code}, so {blame}: {words} "
        "Check that it serves a TumorScope model."
    )


def _answers(address: str, content: bytes, count: int) -> list[dict[str, Any]]:
    try:
        answers = json.loads(content)["predictions"]
    except (ValueError, KeyError, TypeError):
        answers = None
    fits = isinstance(answers, list) and len(answers) == count
    if not fits or not all(isinstance(each, dict) and "label" in each for each in answers):
        raise ServerError(
            f"{address} answers with something else than {count} answers of a TumorScope model; "
            "check what is served there."
        )
    return answers
