"""What the gateway does with one user's server: REST and a kernel's WebSocket over its unix socket."""

import asyncio
import json
import socket
import uuid
from pathlib import Path
from typing import Any

from running_hub import PATIENCE_SECONDS, request
from tornado.httpclient import HTTPRequest
from tornado.netutil import Resolver
from tornado.websocket import websocket_connect


class OneSocket(Resolver):
    """Resolves every name to one unix socket."""

    def initialize(self, path: str) -> None:
        self._path = path

    async def resolve(self, host: str, port: int, family: Any = None) -> list[tuple[int, Any]]:
        return [(socket.AF_UNIX, self._path)]


class UserServer:
    """A running server of one user."""

    def __init__(self, path: Path, username: str, token: str) -> None:
        self.path, self.base, self.token = path, f'/user/{username}', token

    def ask(self, method: str, url: str, body: object = None) -> tuple[int, Any]:
        return request(self.path, method, self.base + url, self.token, body)

    def run_cell(self, code: str) -> str:
        """Run code in a new kernel and return what it printed; an error in the cell is an AssertionError."""
        kernel_id = self.start_kernel()
        try:
            return self.run(kernel_id, code)
        finally:
            self.ask('DELETE', f'/api/kernels/{kernel_id}')

    def start_kernel(self) -> str:
        status, kernel = self.ask('POST', '/api/kernels', {})
        assert status == 201, kernel
        return str(kernel['id'])

    def run(self, kernel_id: str, code: str) -> str:
        """Run code in a running kernel and return what it printed; an error in the cell is an AssertionError."""
        return asyncio.run(self._execute(kernel_id, code))

    async def _execute(self, kernel_id: str, code: str) -> str:
        url = HTTPRequest(
            f'ws://localhost{self.base}/api/kernels/{kernel_id}/channels',
            headers={'Authorization': f'token {self.token}'},
        )
        connection = await websocket_connect(url, resolver=OneSocket(path=str(self.path)))
        message_id = uuid.uuid4().hex
        header = {
            'msg_id': message_id,
            'msg_type': 'execute_request',
            'session': 'test',
            'username': '',
            'version': '5.3',
        }
        content = {'code': code, 'silent': False, 'store_history': True, 'allow_stdin': False, 'stop_on_error': True}
        await connection.write_message(
            json.dumps({'header': header, 'parent_header': {}, 'metadata': {}, 'content': content, 'channel': 'shell'})
        )
        printed, replied, idle = '', False, False
        while not (replied and idle):
            raw = await asyncio.wait_for(connection.read_message(), PATIENCE_SECONDS)
            assert raw is not None, 'the kernel closed the connection'
            message = json.loads(raw)
            if (message['parent_header'] or {}).get('msg_id') != message_id:
                continue
            content = message['content']
            if message['msg_type'] == 'stream':
                printed += content['text']
            elif message['msg_type'] == 'execute_reply':
                assert content['status'] == 'ok', content
                replied = True
            elif message['msg_type'] == 'status':
                idle = content['execution_state'] == 'idle'
        connection.close()
        return printed
