"""The server of a review: it answers its own page and nobody else, and confirms what is on the disk."""

from __future__ import annotations

import json
import socket

import pytest

from poseharvest.annotations.reviews import read_reviews, reviews_path
from poseharvest.errors import StoreError
from poseharvest.review.server import HOST, MAX_BODY_BYTES, ReviewServer

KNEE = {"frame": 12, "person": 1, "joint": "left_knee"}


def test_the_page_holds_its_own_scripts_alone_and_names_are_escaped(ask, server):
    answer = ask("")
    page = answer.body.decode()
    assert answer.status == 200
    assert "walk &lt;of&gt; two" in page
    assert "walk <of>" not in page
    assert page.count("<script") == page.count(f'nonce="{server.nonce}"') - 1  # the style has one too
    assert "src=" not in page.split("</head>")[0]
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")


def test_it_listens_on_this_machine_alone(server):
    assert server.socket.getsockname()[0] == HOST == "127.0.0.1"
    assert len(server.token) >= 32


@pytest.mark.parametrize("token", ["", "x", "é"])
@pytest.mark.parametrize("path", ["", "queue", "decide"])
def test_without_the_token_there_is_nothing(ask, server, token, path):
    wrong = {"": "", "x": server.token[:-1] + ("A" if server.token[-1] != "A" else "B"), "é": "%C3%A9"}[token]
    answer = ask(path, {**KNEE, "decision": "reject"} if path == "decide" else None, token=wrong)
    assert answer.status == 404
    assert answer.json == {"error": "there is no such address"}
    assert server.session.reviews.standing == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_request_of_another_page_is_refused(ask, server, headers):
    for path, body in (("queue", None), ("decide", {**KNEE, "decision": "reject"})):
        assert ask(path, body, **headers).status == 403
    assert server.session.reviews.standing == {}


def test_this_page_is_answered_by_either_name(ask, server):
    for name in server.hosts:
        assert ask("queue", Host=name, Origin=f"http://{name}", Sec_Fetch_Site="same-origin").status == 200


def test_a_decision_is_on_the_disk_when_it_is_confirmed(ask, server, harvest):
    answer = ask("decide", {**KNEE, "decision": "reject"})
    assert (answer.status, answer.json["decisions"], answer.json["decision"]) == (200, 1, "reject")
    reviews = read_reviews(harvest.path, harvest.info)
    assert reviews is not None
    decision = reviews.standing[12, 1, "left_knee"]
    assert (decision.decision, decision.by) == ("reject", "Ada")
    assert ask("undo", {}).json["decision"] is None
    assert ask("undo", {}).status == 400


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "not valid JSON"),
        (b"[1]", 400, "expected a JSON object"),
        (b"\xff\xfe", 400, "UTF-8"),
        ({"frame": 1}, 400, "person: Field required"),
        ({**KNEE, "decision": "erase"}, 409, "decision"),
        ({**KNEE, "joint": "tail", "decision": "reject"}, 409, "expected a joint of the harvest"),
        ({**KNEE, "frame": 999, "decision": "reject"}, 409, "expected person 1 in frame 999, got nobody"),
        ({**KNEE, "decision": "move", "pixels": {"cam9": [1, 2]}}, 409, "expected a view of the harvest"),
        ({**KNEE, "decision": "move", "pixels": {}}, 409, "pixels"),
        ({**KNEE, "decision": "move", "pixels": {"cam01": [1, None]}}, 400, "pixels.cam01"),
        ({**KNEE, "decision": "reject", "colour": 1}, 400, 'unknown key "colour"'),
    ],
)
def test_what_is_not_understood_is_an_error_of_one_line_and_not_written(ask, harvest, body, status, message):
    answer = ask("decide", body)
    assert answer.status == status
    assert message in answer.json["error"]
    assert "\n" not in answer.json["error"]
    assert len(reviews_path(harvest.path).read_text().splitlines()) == 1


def test_bodies_have_a_limit_and_a_kind(ask, server):
    assert "at most 65536 bytes" in ask("preview", b" " * (MAX_BODY_BYTES + 1)).json["error"]
    assert "expected application/json" in ask("undo", b"{}", Content_Type="text/plain").json["error"]
    with socket.create_connection((HOST, server.server_port), timeout=20) as raw:
        raw.sendall(f"POST /{server.token}/decide HTTP/1.1\r\nHost: {HOST}:{server.server_port}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(4000), b""))  # until the server closes
    assert b"got no length" in answer


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("moment?frame=12&person=1&joint=left_knee", 200),
        ("moment?frame=x&person=1&joint=left_knee", 400),
        ("moment", 400),
        ("moment?frame=12&person=7&joint=left_knee", 409),
        ("queue?joint=tail", 409),
        ("picture?frame=12&view=0", 200),
        ("picture?frame=13&view=0", 404),
        ("picture?frame=12&view=4", 400),
        ("picture?frame=12&view=-1", 400),
        ("../../etc/passwd", 404),
        ("nothing", 404),
    ],
)
def test_addresses(ask, path, status):
    assert ask(path).status == status


def test_a_preview_writes_nothing(ask, harvest):
    answer = ask("preview", {**KNEE, "pixels": {"cam01": [200.0, 150.0]}})
    assert answer.json["dragged"] == {"cam01": [200.0, 150.0]}
    assert len(reviews_path(harvest.path).read_text().splitlines()) == 1


def test_a_port_that_is_taken_is_named(server):
    with pytest.raises(StoreError, match=f"port: expected a free one on 127.0.0.1, got {server.server_port}"):
        _bound_twice(server)


def _bound_twice(server: ReviewServer) -> None:
    ReviewServer(server.session, server.server_port).server_close()


def test_answers_are_numbers_that_every_browser_reads(ask):
    for path in ("queue", "moment?frame=10&person=0&joint=head_top"):
        json.loads(ask(path).body, parse_constant=pytest.fail)
