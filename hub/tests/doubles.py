"""What stands for the gateway and the portal: a route table over HTTP, and a capture socket."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class RouteTable:
    """configurable-http-proxy's API as far as the Hub uses it."""

    def __init__(self, token: str) -> None:
        self.routes: dict[str, dict[str, object]] = {}
        table = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200, table.routes)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers['Content-Length']))
                table.routes[self._route()] = json.loads(body)
                self._answer(201, None)

            def do_DELETE(self) -> None:
                self._answer(204 if table.routes.pop(self._route(), None) else 404, None)

            def _route(self) -> str:
                return self.path.removeprefix('/api/routes') or '/'

            def _answer(self, status: int, document: object) -> None:
                if self.headers['Authorization'] != f'token {token}':
                    status, document = 403, None
                self.send_response(status)
                body = b'' if document is None else json.dumps(document).encode()
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet: the test's own output matters."""

        self._server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class CaptureSocket:
    """A portal's capture socket that takes every delivery; `sensors` are those it heard, by their kernel's id."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        directory.chmod(0o711)
        self.sensors: dict[str, dict[str, str]] = {}
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                delivery = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                double.sensors[delivery['sensor']['kernel_id']] = delivery['sensor']
                sequences = [observation['sequence'] for observation in delivery['observations']]
                body = json.dumps({'through': max(sequences, default=0)}).encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self) -> str:
                return 'kernel'

            def log_message(self, *_: object) -> None:
                """Quiet: the test's own output matters."""

        path = directory / 'capture.sock'
        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        path.chmod(0o666)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
