"""Start, failure, stop and death of real servers under the real Hub."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from running_hub import RunningHub, UnixConnection


def progress(hub: RunningHub, username: str) -> list[dict[str, object]]:
    """The events of GET /users/:name/server/progress until the Hub ends the stream."""
    connection = UnixConnection(str(hub.document['hub_socket']))
    connection.request(
        'GET', f'/hub/api/users/{username}/server/progress', headers={'Authorization': f'token {hub.token}'}
    )
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return [json.loads(line.removeprefix('data:')) for line in lines if line.startswith('data:')]


def start_without_waiting(hub: RunningHub, username: str, user_id: int) -> UnixConnection:
    hub.api('POST', f'/users/{username}')
    connection = UnixConnection(str(hub.document['hub_socket']))
    wish = {'user_id': user_id, 'capture_directory': str(hub.capture_directory(username))}
    connection.request(
        'POST',
        f'/hub/api/users/{username}/server',
        json.dumps(wish),
        {'Authorization': f'token {hub.token}', 'Content-Type': 'application/json'},
    )
    return connection


def server_processes(hub: RunningHub) -> list[psutil.Process]:
    return psutil.Process(hub.process.pid).children(recursive=True)


def broken_environment(place: Path, script: str) -> Path:
    """An environment whose interpreter does what the test wants."""
    interpreter = place / 'broken/bin/python3'
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(f'#!/bin/sh\n{script}\n')
    interpreter.chmod(0o755)
    return interpreter.parent.parent


def test_a_start_answers_when_the_server_does_and_names_its_steps(start_hub: Callable[..., RunningHub]) -> None:
    hub = start_hub('bubblewrap')
    pending = start_without_waiting(hub, 'first', 1)
    hub.wait_for(lambda: hub.api('GET', '/users/first')[1].get('pending') == 'spawn', 'the start is pending')
    events = progress(hub, 'first')
    assert pending.getresponse().status == 201
    assert [event['step'] for event in events if 'step' in event] == ['prepare', 'launch', 'boot', 'answer']
    assert events[-1]['ready'] is True
    target = str(hub.routes.routes['/user/first']['target'])
    assert target.startswith('http+unix://')
    assert not target.endswith(':80')
    assert hub.socket('first').is_socket()
    assert hub.start_server('first', 1)[0] == 400


def test_a_stopped_server_leaves_nothing_running(start_hub: Callable[..., RunningHub]) -> None:
    hub = start_hub('bubblewrap')
    assert hub.start_server('first', 1)[0] == 201
    processes = server_processes(hub)
    assert len(processes) >= 3
    assert hub.api('DELETE', '/users/first/server')[0] == 204
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []
    assert '/user/first' not in hub.routes.routes
    # ended by itself after SIGTERM, which is what lets its kernels finish their records
    assert 'received signal 15, stopping' in hub.log()
    assert not (hub.place / 'run/users/first').exists()
    assert hub.start_server('first', 1)[0] == 201


def test_a_server_that_ends_at_once_gives_its_last_lines_as_the_reason(
    start_hub: Callable[..., RunningHub], place: Path
) -> None:
    environment = broken_environment(place, 'echo "ModuleNotFoundError: no jupyterhub here" >&2; exit 3')
    hub = start_hub('bubblewrap', environment_prefix=str(environment))
    begun = time.monotonic()
    status, answer = hub.start_server('first', 1)
    assert time.monotonic() - begun < 5
    assert status == 500
    for expected in ('ended before it answered (status 3)', 'ModuleNotFoundError: no jupyterhub here'):
        assert expected in answer['message']
    last = progress(hub, 'first')[-1]
    assert last['failed'] is True
    assert 'ModuleNotFoundError: no jupyterhub here' in str(last['message'])
    # the Hub stays, and a second try is possible
    assert hub.start_server('first', 1)[0] == 500


BAD_OPTIONS: list[tuple[dict[str, object], str]] = [
    ({'capture_directory': '/nonexistent/capture'}, '/nonexistent/capture does not exist'),
    ({'capture_directory': 'relative'}, 'capture_directory'),
    ({'capture_directory': '/tmp/../etc'}, 'capture_directory'),
    ({'user_id': 'one'}, 'user_id'),
    ({'user_id': 0}, 'user_id'),
]


def test_a_bad_start_request_says_what_is_wrong(start_hub: Callable[..., RunningHub]) -> None:
    hub = start_hub('bubblewrap')
    for options, reason in BAD_OPTIONS:
        status, answer = hub.start_server('first', 1, **options)
        assert status == 500, (options, answer)
        assert reason in answer['message'], (options, answer)


@pytest.mark.parametrize('isolation', ['uid+bubblewrap', 'none'])
def test_servers_die_with_a_killed_hub(start_hub: Callable[..., RunningHub], isolation: str) -> None:
    hub = start_hub(isolation)
    assert hub.start_server('first', 1)[0] == 201
    processes = server_processes(hub)
    assert processes
    hub.process.send_signal(signal.SIGKILL)
    hub.process.wait()
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert alive == []
    # and a new Hub on the same data starts the server again
    hub.start()
    assert hub.start_server('first', 1)[0] == 201


def test_the_hub_ends_when_its_parent_dies(start_hub: Callable[..., RunningHub]) -> None:
    hub = start_hub('bubblewrap')
    hub.close_process()
    hub.start('sh', '-c', '"$@" & wait', 'sh')
    assert hub.start_server('first', 1)[0] == 201
    processes = server_processes(hub)
    hub.process.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert alive == []


def test_a_server_that_dies_by_itself_is_noticed(start_hub: Callable[..., RunningHub]) -> None:
    hub = start_hub('bubblewrap')
    assert hub.start_server('first', 1)[0] == 201
    server = next(each for each in server_processes(hub) if each.name().startswith('python'))
    os.kill(server.pid, signal.SIGKILL)
    hub.wait_for(lambda: hub.api('GET', '/users/first')[1]['server'] is None, 'the Hub notices')
    hub.wait_for(lambda: '/user/first' not in hub.routes.routes, 'its route is removed')
    assert hub.start_server('first', 1)[0] == 201


def test_settings_that_cannot_be_used_end_the_hub_with_one_sentence(place: Path) -> None:

    hub = Path(__file__).resolve().parent.parent
    (place / 'settings.json').write_text('{"isolation": "none"}')
    ended = subprocess.run(
        [sys.executable, '-m', 'jupyterhub', '-f', str(hub / 'jupyterhub_config.py')],
        env={'SHAPARAK_HUB_SETTINGS': str(place / 'settings.json'), 'PATH': os.environ['PATH']},
        cwd=place,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode != 0
    assert 'hub_socket must be a non-empty string' in ended.stderr


def test_a_start_can_be_called_off(start_hub: Callable[..., RunningHub], place: Path) -> None:
    hub = start_hub('bubblewrap', environment_prefix=str(broken_environment(place, 'echo waiting; exec sleep 1000')))
    pending = start_without_waiting(hub, 'first', 1)
    hub.wait_for(lambda: '[first] waiting' in hub.log(), 'the server process runs')
    processes = server_processes(hub)
    assert hub.api('DELETE', '/users/first/server')[0] in (202, 204)
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert alive == []
    pending.close()
    hub.wait_for(lambda: hub.api('GET', '/users/first')[1].get('pending') is None, 'nothing is pending')
