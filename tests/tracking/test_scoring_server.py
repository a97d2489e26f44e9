"""The client, against servers that misbehave; test_served_model has a real one."""

import base64
import json
import socket

import pytest

from server_double import ANSWER, serving
from tumorscope.errors import ServerError
from tumorscope.tracking.scoring_server import ask_server


def test_images_go_as_base64_and_answers_come_in_order():
    answers = [ANSWER, ANSWER | {"label": "no tumor"}]
    with serving(200, json.dumps({"predictions": answers}).encode()) as (url, received):
        assert ask_server(f"{url}/invocations/", [b"one", b"two"], {"explain": True}, 5) == answers

    ((path, body),) = received
    assert path == "/invocations"
    sent = body["dataframe_split"]
    assert [base64.b64decode(row[0]) for row in sent["data"]] == [b"one", b"two"]
    assert body["params"] == {"explain": True}


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, b'{"message": "no such\\n column", "stack_trace": "secret"}',
         "status 400, so it refuses the request: no such column Check"),
        (503, b"<html>busy</html>", "status 503, so the server failed: Service Unavailable"),
        (200, b"<html>hello</html>", "something else than 1 answers"),
        (200, b'{"predictions": [0.3]}', "something else than 1 answers"),
        (200, b'{"predictions": []}', "something else than 1 answers"),
        (200, b"[]", "something else than 1 answers"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_one_sentence(status, body, message):
    with serving(status, body) as (url, _), pytest.raises(ServerError, match=message) as refused:
        ask_server(url, [b"one"], {}, 5)

    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_server_that_is_silent_or_absent_is_one_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(ServerError, match=r"No scoring server answers at .*refused.*Start one"):
        ask_server(f"http://127.0.0.1:{port}", [b"one"], {}, 5)
    with (
        serving(200, b"{}", wait_s=0.5) as (url, _),
        pytest.raises(ServerError, match=r"no answer within 0\.1 s"),
    ):
        ask_server(url, [b"one"], {}, 0.1)


@pytest.mark.parametrize("url", ["127.0.0.1:5001", "file:///etc/passwd", "http://", "http://a:b"])
def test_an_address_of_another_kind_is_refused(url):
    with pytest.raises(ServerError, match="is no address of a server"):
        ask_server(url, [b"one"], {}, 5)
