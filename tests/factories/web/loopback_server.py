"""An HTTP server on the loopback interface that misbehaves on request."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers by the script of its server."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        self.server.asked.append(self.path)
        script = self.server.script
        answer = script[min(len(self.server.asked), len(script)) - 1]
        answer(self)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""

    def head(self, status: int, **headers: str) -> None:
        """Send a status line and headers, `_` standing for `-`."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


class Server(ThreadingHTTPServer):
    """A server with a script of answers, the last of them repeated."""

    daemon_threads = True

    def __init__(self, script: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.asked: list[str] = []

    @property
    def base(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.server_port}/r"


@contextmanager
def serving(*script: Answer) -> Iterator[Server]:
    """Run a server while the block runs."""
    server = Server(list(script))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def body(content: bytes, **headers: str) -> Answer:
    """Answer 200 with a body and its right length."""

    def answer(handler: Handler) -> None:
        handler.head(200, **({"Content_Length": str(len(content))} | headers))
        handler.wfile.write(content)

    return answer


def cut(content: bytes, keep: int, *, announced: int | None) -> Answer:
    """Answer with the first bytes only, whatever length is announced."""

    def answer(handler: Handler) -> None:
        headers = {} if announced is None else {"Content_Length": str(announced)}
        handler.head(200, **headers)
        handler.wfile.write(content[:keep])

    return answer


def status(code: int, **headers: str) -> Answer:
    """Answer with a status and no body."""
    return lambda handler: handler.head(code, Content_Length="0", **headers)


def raw(answer: bytes) -> Answer:
    """Answer with bytes that need not be HTTP."""

    def send(handler: Handler) -> None:
        handler.wfile.write(answer)

    return send


def redirect(target: str) -> Answer:
    """Answer with a redirect."""
    return status(302, Location=target)


def gzipped(content: bytes, times: int) -> Answer:
    """Answer with a body compressed so often, announced as compressed once."""
    for _ in range(times):
        content = gzip.compress(content, mtime=0)
    return body(content, Content_Encoding="gzip")


def hang(event: threading.Event) -> Answer:
    """Announce a body and send none of it until the event."""

    def answer(handler: Handler) -> None:
        handler.head(200)
        event.wait(20)

    return answer


def trickle(content: bytes, event: threading.Event) -> Answer:
    """Send a byte at a time until the event."""

    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=str(len(content)))
        for place in range(len(content)):
            handler.wfile.write(content[place : place + 1])
            if event.wait(0.05):
                return

    return answer
