"""Serves a Front over HTTP/1.1 with connections kept open, a thread for each."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from http import HTTPStatus
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from demo.cloud import quiet  # noqa: F401  (before moto is imported: it sets moto's environment)
from demo.cloud.faults import Hang
from demo.cloud.front import Front
from demo.cloud.protocol import Request, Response

log = logging.getLogger(__name__)
LONGEST_LINE = 65_536
PHRASES = {int(status): f"HTTP/1.1 {int(status)} {status.phrase}" for status in HTTPStatus}


class Handler(StreamRequestHandler):
    """One connection. Reads HTTP by itself: the standard library's parser costs more than most answers."""

    # Headers and body leave in one packet, at once: else each answer waits for a delayed ACK.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        while (request := self.read()) is not None:
            try:
                response = self.server.front.handle(request)
            except Hang as hang:
                self.server.stopping.wait(hang.seconds)
                return
            self.write(response, head=request.method == "HEAD")
            if request.headers.get("connection", "").lower() == "close":
                return

    def read(self) -> Request | None:
        """The next request, or None when the client is done."""
        line = self.rfile.readline(LONGEST_LINE).decode("latin-1").split()
        if len(line) != 3:
            return None
        headers: dict[str, str] = {}
        while (row := self.rfile.readline(LONGEST_LINE)) not in {b"\r\n", b"\n", b""}:
            name, _, value = row.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        path, _, query = line[1].partition("?")
        return Request(line[0], path, query, headers, self.body(headers))

    def body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self.chunks()
        length = int(headers.get("content-length") or 0)
        return self.rfile.read(length) if length else b""

    def chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline(LONGEST_LINE).split(b";")[0] or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline(LONGEST_LINE)
        while self.rfile.readline(LONGEST_LINE) not in {b"\r\n", b"\n", b""}:
            pass  # trailers
        return b"".join(parts)

    def write(self, response: Response, *, head: bool) -> None:
        lines = [PHRASES.get(response.status, f"HTTP/1.1 {response.status} Other")]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        lines.append(f"Content-Length: {len(response.body)}\r\n\r\n")
        self.wfile.write("\r\n".join(lines).encode("latin-1", "replace"))
        if not head:
            self.wfile.write(response.body)
        self.wfile.flush()


class Server(ThreadingTCPServer):
    """A served Front. url says where; stop() ends it; also a context manager."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), Handler)
        self.front = Front()
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    @property
    def server_port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is its own business; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            log.error("The make-believe AWS failed to answer %s", client_address, exc_info=sys.exc_info())

    def start(self) -> Server:
        self._thread.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it closed by itself meanwhile
        self.server_close()

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(port: int = 0, host: str = "127.0.0.1") -> Server:
    """A Server that answers already."""
    return Server(host, port).start()


def run_forever(port: int = 5001, host: str = "127.0.0.1") -> None:
    """Serve an empty AWS until interrupted or told to end."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with serve(port, host) as server:
        log.warning("%s", server.url)
        ended.wait()
