"""The control socket: who may use it, what it answers, and that nobody holds the scheduler up."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading

import pytest

from lib.actions_db import EVERY_SECOND, once
from lib.wait import wait_for

NEVER = once('2090-01-01T00:00:00')
LINE_MAX = 65536


@pytest.fixture
def running(scheduler):
    """A scheduler with an action that fires each second, and one that never does."""
    return scheduler(actions=[{'id': 1, 'command': 'tick', 'cron': EVERY_SECOND},
                              {'id': 2, 'command': 'asked', 'cron': NEVER}]).start()


def path_of(s):
    return s.directory / 'control.sock'


def connected(s):
    """A client."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(str(path_of(s)))
    return client


def answers(client, count):
    """The next answers, each a dict; what ends them early is an AssertionError."""
    data = b''
    while data.count(b'\n') < count:
        got = client.recv(1 << 16)
        assert got, f'it ended after {data!r}'
        data += got
    return [json.loads(line) for line in data.splitlines()]


def ask(s, line):
    """The one answer to a line."""
    with connected(s) as client:
        client.sendall(line if isinstance(line, bytes) else json.dumps(line).encode() + b'\n')
        return answers(client, 1)[0]


def ends(client):
    """Reads to the end, and returns what came."""
    data = b''
    try:
        while got := client.recv(1 << 16):
            data += got
    except ConnectionResetError:
        pass
    return data


def fires_on(s):
    s.wait_lines(len(s.fired('tick')) + 2, 'tick')


# --- the socket ---

def test_it_is_the_owners_alone(running):
    status = path_of(running).stat()
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o600 and status.st_uid == os.geteuid()
    running.stop()
    assert not path_of(running).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can be somebody else')
def test_another_user_is_turned_away_whatever_the_mode(running):
    path_of(running).chmod(0o666)
    for folder in (running.directory, *running.directory.parents):
        if folder != folder.parent and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)
    code = ('import os, socket, sys\n'
            'os.setgroups([]); os.setgid(65534); os.setuid(65534)\n'
            'client = socket.socket(socket.AF_UNIX); client.connect(sys.argv[1])\n'
            "sys.stdout.write(client.recv(1000).decode())\n")
    said = subprocess.run([sys.executable, '-c', code, path_of(running)], capture_output=True, text=True, timeout=30)
    assert json.loads(said.stdout) == {'ok': False, 'error': 'only the user of the scheduler, and root, may ask'}, \
        said.stderr


def test_what_a_killed_scheduler_left_is_replaced(running):
    running.kill()
    assert path_of(running).exists()
    running.start()
    assert ask(running, {'command': 'trigger', 'ids': [2]})['ok']


def test_what_is_no_socket_stays_and_the_scheduler_runs_without(scheduler):
    s = scheduler(actions=[{'id': 1, 'command': 'tick', 'cron': EVERY_SECOND}])
    path_of(s).write_text('mine')
    s.start()
    s.wait_error('there is something else than a socket')
    fires_on(s)
    s.stop()
    assert path_of(s).read_text() == 'mine'


def test_a_socket_that_is_answered_is_left_to_whoever_answers(running, scheduler):
    other = scheduler(config={'server': {'socket': str(path_of(running))}},
                      actions=[{'id': 1, 'command': 'tick', 'cron': EVERY_SECOND}]).start()
    other.wait_error('another process answers on it')
    fires_on(other)
    other.stop()
    assert ask(running, {'command': 'trigger', 'ids': [2]})['ok']


def test_a_path_that_is_too_long_is_told_and_the_scheduler_runs_without(scheduler):
    s = scheduler(config={'server': {'socket': 'x' * 200}},
                  actions=[{'id': 1, 'command': 'tick', 'cron': EVERY_SECOND}]).start()
    s.wait_error('the path of a socket has at most 107 bytes')
    fires_on(s)
    assert 'does not answer' in s.run('trigger', '1', check=1).stderr


def test_without_a_file_of_internal_db_it_is_in_the_runtime_directory(scheduler):
    s = scheduler(config={'internal_db': None, 'server': {'socket': None}}, actions=[{'id': 2, 'command': 'asked', 'cron': NEVER}])
    runtime = s.directory / 'run'
    runtime.mkdir(mode=0o700)
    s.environment['XDG_RUNTIME_DIR'] = str(runtime)
    s.start('-v')
    s.wait_error('control socket /')
    path = s.stderr.partition('control socket ')[2].split()[0]
    assert os.path.dirname(path) == ('/run/action-scheduler' if os.geteuid() == 0 else str(runtime))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert s.jsonl('trigger', '2')[0]['status'] == 'queued'
    s.wait_lines(1, 'asked')
    s.stop()
    assert not os.path.exists(path)


# --- requests ---

def test_a_request_is_answered(running):
    answer = ask(running, {'command': 'trigger', 'ids': [2, 99]})
    assert answer['ok'] is True
    done, refused = answer['fires']
    assert done['action_id'] == 2 and done['fire_id'].startswith('2!') and done['status'] == 'queued'
    assert refused['action_id'] == 99 and refused['code'] == 'no_action' and refused['error']
    running.wait_lines(1, 'asked')


@pytest.mark.parametrize('line, reason', [
    (b'\xff\xfe\x00garbage\n', ''),
    (b'{"command": "trigger", "ids": [1]\n', ''),
    (b'[]\n', 'a request is a JSON object'),
    (b'{}\n', '"command" is missing'),
    (b'{"command": "stop"}\n', 'there is no command "stop"; there are: trigger, retry'),
    (b'{"command": "trigger"}\n', '"ids" is missing'),
    (b'{"command": "trigger", "ids": []}\n', '"ids" is missing, or no list with a member'),
    (b'{"command": "trigger", "ids": ["1"]}\n', 'whole numbers'),
    (b'{"command": "trigger", "ids": [1], "ids": [2]}\n', ''),
    (b'{"command": "trigger", "ids": [1], "at": 5}\n', 'trigger has no key "at"'),
    (b'{"command": "trigger", "ids": [1' + b',1' * 1000 + b']}\n', 'at most 1000'),
    (b'{"command": "retry", "fire_ids": ["1"]}\n', 'no fire id'),
    (b'{"command": "trigger", "ids": [1], "internal_db": "sqlite /elsewhere"}\n', 'this is the scheduler of sqlite /'),
    (b'[' * 50000 + b'\n', ''),
])
def test_what_is_no_request_gets_one_error(running, line, reason):
    with connected(running) as client:
        client.sendall(line + b'{"command": "trigger", "ids": [2]}\n')
        first, second = answers(client, 2)
    assert first['ok'] is False and reason in first['error'] and first['error']
    assert second['ok'] is True
    fires_on(running)


def test_a_line_without_end_is_cut_off(running):
    with connected(running) as client:
        thread = threading.Thread(target=lambda: send_on(client, b'x' * (16 * LINE_MAX)))
        thread.start()
        said = ends(client)
        thread.join()
    assert json.loads(said) == {'ok': False, 'error': f'a request has at most {LINE_MAX} bytes'}
    fires_on(running)


def send_on(client, data):
    """Sends what is taken."""
    try:
        client.sendall(data)
    except OSError:
        pass


def test_requests_in_one_packet_are_answered_in_order(running):
    with connected(running) as client:
        client.sendall(b'\n'.join(json.dumps({'command': 'trigger', 'ids': [2] * i}).encode() for i in range(1, 31))
                       + b'\n')
        assert [len(answer['fires']) for answer in answers(client, 30)] == list(range(1, 31))


def test_a_client_that_has_said_all_still_gets_its_answer(running):
    with connected(running) as client:
        client.sendall(b'{"command": "trigger", "ids": [2]}')
        client.shutdown(socket.SHUT_WR)
        said = json.loads(ends(client))
    assert said['ok'] is True


def test_a_client_that_goes_before_the_answer_is_served_nevertheless(running):
    with connected(running) as client:
        client.sendall(b'{"command": "trigger", "ids": [2]}\n')
    running.wait_lines(1, 'asked')


def test_a_request_that_comes_in_pieces_is_one(running):
    with connected(running) as client:
        for byte in b' \n\r\n{"command": "trigger", "ids": [2]}\n':
            client.sendall(bytes([byte]))
        assert answers(client, 1)[0]['ok'] is True


# --- many, slow and silent clients ---

def test_silent_clients_are_bounded_and_let_go(running):
    silent = [connected(running) for _ in range(64)]
    for client in silent[::2]:
        client.sendall(b'{"command": ')
    with connected(running) as late:
        assert json.loads(ends(late)) == {'ok': False, 'error': 'too many clients at a time'}
    assert 'too many clients' in running.run('trigger', '2', check=1).stderr
    fires_on(running)
    for client in silent:
        client.settimeout(90)
        assert ends(client) == b''
        client.close()
    assert ask(running, {'command': 'trigger', 'ids': [2]})['ok']


def test_a_client_that_reads_nothing_is_let_go_of(running):
    with connected(running) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line = json.dumps({'command': 'retry', 'fire_ids': ['2@2024-01-01T00:00:00Z'] * 1000}).encode() + b'\n'
        client.setblocking(False)
        sent = 0
        # Once the answers are stuck, no more is read of it either.
        def stuck():
            nonlocal sent
            try:
                sent += client.send(line)
                return False
            except BlockingIOError:
                return True
        wait_for(stuck, 60, 'no more being taken')
        fires_on(running)
        assert ask(running, {'command': 'trigger', 'ids': [2]})['ok']


def test_many_clients_at_once_are_all_answered(running):
    results = []

    def client_thread():
        for _ in range(20):
            results.append(ask(running, {'command': 'trigger', 'ids': [2, 2]}))
    threads = [threading.Thread(target=client_thread) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 320 and all(result['ok'] for result in results)
    ids = {fire['fire_id'] for result in results for fire in result['fires']}
    assert len(ids) == 640
    running.wait_lines(640, 'asked', timeout=40)


def test_while_internal_db_takes_nothing_nothing_is_said_to_be_done(running):
    """Durable first: with the file locked by somebody else the answer waits, and comes once it is free."""
    db = running.actions.connect(isolation_level=None)
    db.execute('BEGIN IMMEDIATE')
    with connected(running) as client:
        client.sendall(b'{"command": "trigger", "ids": [2]}\n')
        client.settimeout(3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert running.fired('asked') == []
        db.execute('ROLLBACK')
        db.close()
        client.settimeout(40)
        assert answers(client, 1)[0]['ok'] is True
    running.wait_lines(1, 'asked')


def test_a_follower_is_told_of_each_commit_with_history(running):
    with connected(running) as client, connected(running) as lazy:
        client.sendall(b'{"command": "follow"}\n')
        lazy.sendall(b'{"command": "follow"}\n{"command": "status"}\n')
        first, *told = answers(client, 3)
        assert first['ok'] and all(each['ok'] for each in told)
        sequences = [each['sequence'] for each in [first, *told]]
        assert sequences == sorted(set(sequences))
        # What stands behind such a request is never looked at, and who reads nothing holds nobody up.
        ticks = len(running.fired('tick'))
        running.wait_lines(ticks + 2, 'tick')
        assert all('sequence' in each for each in answers(lazy, 3))


def test_followers_are_bounded_and_make_room_when_they_go(running):
    clients = [connected(running) for _ in range(33)]
    try:
        codes = []
        for client in clients:
            client.sendall(b'{"command": "follow"}\n')
            codes.append(answers(client, 1)[0].get('code'))
        assert codes == [None] * 32 + ['busy']
        assert ask(running, {'command': 'follow', 'ids': [1]})['error'] == 'follow has no key "ids"'
        clients[0].close()
        wait_for(lambda: ask(running, {'command': 'follow'})['ok'], what='room for a follower')
    finally:
        for client in clients:
            client.close()
