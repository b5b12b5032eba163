"""The page's server: on 127.0.0.1 alone, for whoever knows the token in its address (docs/security.md).

Another page in the same browser can send requests to this machine, and a name of the internet can be made to lead
here. So a request must name this host and, where the browser says where it comes from, come from this page.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from poseharvest.errors import FormatError, HarvestError, StoreError, in_one_line
from poseharvest.reading.documents import parse_json
from poseharvest.review.review_page import render_review
from poseharvest.review.session import ReviewSession

HOST: Final = "127.0.0.1"
MAX_BODY_BYTES: Final = 2**16
"""Of what the page may send at once."""

_TIMEOUT_S = 30.0  # a connection that says nothing for so long is closed
_TOKEN_BYTES = 24
_log = logging.getLogger(__name__)


class ReviewServer(ThreadingHTTPServer):
    """Serves the page of a review.

    Args:
        session: the review.
        port: of the address; 0 takes a free one.

    Raises:
        StoreError: the port is not free.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, session: ReviewSession, port: int = 0) -> None:
        self.session = session
        self.token, self.nonce = secrets.token_urlsafe(_TOKEN_BYTES), secrets.token_urlsafe(_TOKEN_BYTES)
        try:
            super().__init__((HOST, port), _Request)
        except OSError as error:
            raise StoreError(f"port: expected a free one on {HOST}, got {port}: {error.strerror or error}") from error

    def server_bind(self) -> None:
        """Take the address without asking for this machine's name, which can take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser calls this server."""
        return frozenset({f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"})

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log that a connection broke; the page asks again."""
        _log.debug("a connection from %s broke", client_address, exc_info=True)


class _Request(BaseHTTPRequestHandler):
    """Answers one request."""

    server: ReviewServer
    timeout = _TIMEOUT_S
    protocol_version = "HTTP/1.1"
    server_version = "poseharvest"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with the page, its numbers or a picture."""
        self._answer({"": self._page, "queue": self._queue, "moment": self._moment, "picture": self._picture})

    def do_POST(self) -> None:
        """Answer what a joint would be, or write a decision."""
        session = self.server.session
        self._answer({
            "preview": lambda _: self._json(session.preview(self._body())),
            "decide": lambda _: self._json(session.decide(self._body())),
            "undo": lambda _: self._undo(),
        })

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log quietly: the address holds the token."""

    def _answer(self, routes: Mapping[str, Callable[[Mapping[str, str]], None]]) -> None:
        """Call the route of the path if the request may be answered."""
        address = urlsplit(self.path)
        _, token, *rest = [*address.path.split("/", 2), "", ""][:3]
        if (refused := self._refused(token)) is not None:
            self._error(*refused)
            return
        route = routes.get(rest[0])
        if route is None:
            self._error(HTTPStatus.NOT_FOUND, "there is no such address")
            return
        try:
            route({name: values[-1] for name, values in parse_qs(address.query, max_num_fields=10).items()})
        except (HarvestError, ValueError) as error:
            status = HTTPStatus.CONFLICT if isinstance(error, StoreError) else HTTPStatus.BAD_REQUEST
            message = in_one_line(error) if isinstance(error, HarvestError) else "a number of the address is none"
            self._error(status, message)

    def _refused(self, token: str) -> tuple[HTTPStatus, str] | None:
        """Return why a request is not answered; None if it is."""
        if self.headers.get("Host") not in self.server.hosts:
            return HTTPStatus.FORBIDDEN, "expected this host"
        origin, site = self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site")
        if origin is not None and origin not in {f"http://{host}" for host in self.server.hosts}:
            return HTTPStatus.FORBIDDEN, "expected this page as the origin"
        if site not in {None, "same-origin", "none"}:
            return HTTPStatus.FORBIDDEN, "expected a request of this page"
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            return HTTPStatus.NOT_FOUND, "there is no such address"
        return None

    def _body(self) -> dict[str, Any]:
        """Return what the page sent.

        Raises:
            FormatError: it is too long, or no JSON object.
        """
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise FormatError(f"body: expected at most {MAX_BODY_BYTES} bytes, got {length[:20] or 'no length'}")
        data = self.rfile.read(int(length))
        if self.headers.get_content_type() != "application/json":
            raise FormatError(f"body: expected application/json, got {self.headers.get_content_type()}")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FormatError("body: expected text in UTF-8") from error
        content = parse_json(text, "body")
        if not isinstance(content, dict):
            raise FormatError("body: expected a JSON object")
        return content

    def _page(self, _: Mapping[str, str]) -> None:
        page = render_review(self.server.session.facts, self.server.nonce)
        self._send(HTTPStatus.OK, "text/html; charset=utf-8", page.encode())

    def _queue(self, query: Mapping[str, str]) -> None:
        self._json(self.server.session.queue(query.get("joint")))

    def _moment(self, query: Mapping[str, str]) -> None:
        place = (int(query.get("frame", "")), int(query.get("person", "")), query.get("joint", ""))
        self._json(self.server.session.moment(place))

    def _picture(self, query: Mapping[str, str]) -> None:
        frame, view = int(query.get("frame", "")), int(query.get("view", ""))
        if not 0 <= view < len(self.server.session.harvest.view_names):
            raise FormatError(f"view: expected one of the harvest, got {view}")
        jpeg = self.server.session.pictures.jpeg(frame, view)
        if jpeg is None:
            self._error(HTTPStatus.NOT_FOUND, "there is no picture of this view in this frame")
        else:
            self._send(HTTPStatus.OK, "image/jpeg", jpeg)

    def _undo(self) -> None:
        self._body()  # it says nothing, but only this page can send it as JSON
        self._json(self.server.session.undo())

    def _json(self, content: Mapping[str, Any]) -> None:
        self._send(HTTPStatus.OK, "application/json", json.dumps(content, allow_nan=False).encode())

    def _error(self, status: HTTPStatus, message: str) -> None:
        self.close_connection = True  # a body may be unread
        self._send(status, "application/json", json.dumps({"error": message}).encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        nonce = self.server.nonce
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
