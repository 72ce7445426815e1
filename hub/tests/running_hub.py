"""The real Hub as a child process, and what the portal and the gateway do with it."""

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from doubles import CaptureSocket, RouteTable

HUB = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 40


class UnixConnection(http.client.HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path: Path | str) -> None:
        super().__init__('localhost', timeout=PATIENCE_SECONDS)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE_SECONDS)
        self.sock.connect(self._path)


class RunningHub:
    """Owns the Hub's process, its folders and the two doubles; `close` ends all of them."""

    def __init__(self, place: Path, isolation: str, uid: int | None, settings: dict[str, object]) -> None:
        self.place, self.isolation, self.uid = place, isolation, uid
        self.token, proxy_token = secrets.token_hex(32), secrets.token_hex(32)
        self.routes = RouteTable(proxy_token)
        self.captures: dict[str, CaptureSocket] = {}
        self.log_file = place / 'hub.log'
        for folder in (place, place / 'run', place / 'run/users', place / 'data', place / 'data/users'):
            folder.mkdir(mode=0o711)
        self.document = {
            'hub_socket': str(place / 'run/hub.sock'),
            'service_token': self.token,
            'proxy_api_url': f'http://127.0.0.1:{self.routes.port}',
            'proxy_token': proxy_token,
            'data_directory': str(place / 'data/hub'),
            'users_directory': str(place / 'data/users'),
            'run_directory': str(place / 'run/users'),
            'lab_url': 'http://127.0.0.1:8002',
            'environment_prefix': sys.prefix,
            'time_zone': 'Asia/Tehran',
            'isolation': isolation,
            'user_uid_base': 1_000_100_000,
            **settings,
        }
        # A copy, because the checkout may be in a folder that no other uid can enter.
        shutil.copytree(HUB / 'shaparak_hub', place / 'hub/shaparak_hub', ignore=shutil.ignore_patterns('__pycache__'))
        shutil.copy(HUB / 'jupyterhub_config.py', place / 'hub/jupyterhub_config.py')
        (place / 'settings.json').write_text(json.dumps(self.document))
        if uid is not None:
            for folder in (place, *place.rglob('*')):
                os.chown(folder, uid, uid)

    def start(self, *parent: str) -> None:
        """Start the Hub, below another process if one is given, and wait until its API answers."""
        argv = [*parent, sys.executable, '-m', 'jupyterhub', '-f', str(self.place / 'hub/jupyterhub_config.py')]
        if self.uid is not None:
            argv = ['setpriv', f'--reuid={self.uid}', f'--regid={self.uid}', '--clear-groups', '--', *argv]
        environment = {
            'SHAPARAK_HUB_SETTINGS': str(self.place / 'settings.json'),
            'PATH': os.environ['PATH'],
            'HOME': str(self.place),
            # What the Hub's own environment holds must not reach a user's server.
            'OPERATORS_SECRET': 'must-not-leak',
        }
        with self.log_file.open('ab') as log:
            self.process = subprocess.Popen(argv, env=environment, cwd=self.place, stdout=log, stderr=log)
        self.wait_for(self._answers, 'the Hub answers')

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until the condition holds, and show the Hub's log when it doesn't."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.05)
        raise AssertionError(f'{what}: not within {PATIENCE_SECONDS} s\n{self.log()[-3000:]}')

    def log(self) -> str:
        return self.log_file.read_text(errors='replace')

    def api(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Ask the Hub's API as the portal does."""
        return request(self.document['hub_socket'], method, f'/hub/api{path}', self.token, body)

    def capture_directory(self, username: str) -> Path:
        """This user's capture folder, with a listener."""
        directory = self.place / 'run' / f'capture-{username}'
        if username not in self.captures:
            self.captures[username] = CaptureSocket(directory)
        return directory

    def start_server(self, username: str, user_id: int, /, **options: object) -> tuple[int, Any]:
        """What the portal does for the launch button."""
        self.api('POST', f'/users/{username}')
        wish = {'user_id': user_id, 'capture_directory': str(self.capture_directory(username)), **options}
        return self.api('POST', f'/users/{username}/server', wish)

    def user_token(self, username: str) -> str:
        """The token that the gateway adds to this user's requests."""
        status, document = self.api(
            'POST', f'/users/{username}/tokens', {'scopes': [f'access:servers!user={username}'], 'expires_in': 600}
        )
        assert status == 201, document
        return str(document['token'])

    def socket(self, username: str) -> Path:
        """Where the gateway finds this user's server: the route that the Hub registered."""
        target = str(self.routes.routes[f'/user/{username}']['target'])
        return Path(unquote(target.removeprefix('http+unix://')))

    def close_process(self) -> None:
        """Stop the Hub as the supervisor does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self) -> None:
        self.close_process()
        self.routes.close()
        for capture in self.captures.values():
            capture.close()

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log()[-3000:]
        try:
            return self.api('GET', '/info')[0] == 200
        except OSError:
            return False


def request(path: Path | str, method: str, url: str, token: str, body: object = None) -> tuple[int, Any]:
    """One request to a unix socket; the parsed JSON, or the text where it is none."""
    connection = UnixConnection(path)
    try:
        headers = {'Authorization': f'token {token}', 'Content-Type': 'application/json'}
        connection.request(method, url, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text
    finally:
        connection.close()
