"""internal_db on a server: nothing is lost over kill -9, outages and a lost lock; fires go on meanwhile."""

import itertools
import json
import time
from datetime import datetime, timedelta

import pytest

from lib import mariadb
from lib.actions_db import EVERY_SECOND
from lib.wait import wait_for

numbers = itertools.count(1)


class PostgreSqlPlace:
    """A schema of its own."""

    def __init__(self, server):
        self.server, self.name = server, f'internal{next(numbers)}'
        server.execute(f'CREATE SCHEMA {self.name}')
        self.config = {'dialect': 'postgresql', 'driver': 'psycopg2', 'host': '127.0.0.1', 'port': server.port,
                       'username': 'postgres', 'database': 'postgres',
                       'options': {'options': f'-csearch_path={self.name}'}}

    def kill_sessions(self):
        self.server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                            "WHERE application_name LIKE 'action-scheduler pid %'")


class MariaDbPlace:
    """A database of its own."""

    def __init__(self, server):
        self.server, self.name = server, f'internal{next(numbers)}'
        server.execute(f'CREATE DATABASE {self.name}')
        self.config = {'dialect': 'mariadb', 'host': '127.0.0.1', 'port': server.port, 'username': 'root',
                       'password': '', 'database': self.name}

    def kill_sessions(self):
        for line in self.server.execute(
                f"SELECT id FROM information_schema.processlist WHERE db = '{self.name}'").split():
            self.server.execute(f'KILL {line}')


@pytest.fixture(scope='module')
def mariadb_server():
    """A server that a test leaves running."""
    if not mariadb.installed():
        pytest.skip('no MariaDB server here (install mariadb-server)')
    made = mariadb.MariaDb()
    yield made
    made.close()


@pytest.fixture(params=['postgresql', 'mariadb'])
def place(request):
    """An empty internal_db on each kind of server."""
    if request.param == 'postgresql':
        return PostgreSqlPlace(request.getfixturevalue('postgresql'))
    return MariaDbPlace(request.getfixturevalue('mariadb_server'))


@pytest.fixture
def running(scheduler, place):
    """A scheduler that fires `a` each second, with internal_db on a server and the table in SQLite."""
    s = scheduler(config={'internal_db': place.config, 'shutdown_timeout': 4},
                  actions=[{'id': 1, 'name': 'a', 'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1, 'a')
    return s


def goes_on(s, count=3):
    """It fires on."""
    s.wait_lines(len(s.fired('a')) + count, 'a', timeout=20)


def each_second_once(s):
    """Every second from the first to the last is in the history, once."""
    scheduled = sorted(datetime.fromisoformat(entry['scheduled_at'])
                       for entry in s.history('--status', 'delivered', '--action', '1'))
    span = int((scheduled[-1] - scheduled[0]).total_seconds())
    assert scheduled == [scheduled[0] + timedelta(seconds=i) for i in range(span + 1)]
    return span


def test_nothing_is_lost_over_kill_9(running):
    for _ in range(3):
        goes_on(running)
        running.kill()
        time.sleep(2)
        running.start()
    goes_on(running)
    running.jsonl('simulate', '--missed')
    running.stop()
    assert each_second_once(running) >= 12
    (row,) = wait_for(lambda: running.jsonl('simulate', '--missed'), what='a fire that was missed')
    assert row['fired'] == row['owed'] >= 1 and row['callback'] == 'print'


def test_a_second_process_is_told_of_the_first(running, scheduler, place):
    other = scheduler(config={'internal_db': place.config})
    other.start(ready=False)
    assert other.wait() == 1
    assert f'pid {running.process.pid}' in other.stderr
    goes_on(running)
    assert json.loads(running.run('status', '-o', 'json', check=0).stdout)['internal_db']['health'] == 'ok'
    running.stop()
    state = json.loads(running.run('status', '-o', 'json', check=1).stdout)
    assert state['owner'].startswith(f'pid {running.process.pid}, host ') and state['owner_holds'] is False
    assert state['callbacks'][0]['watermark'] and state['open_count'] == 0


def test_fires_go_on_while_the_server_is_down(running, place):
    place.server.stop()
    goes_on(running, 5)
    running.wait_error('internal_db')
    place.server.start()
    goes_on(running, 3)
    running.stop()
    assert each_second_once(running) >= 8


def test_fires_go_on_while_the_server_hangs(running, place):
    place.server.pause()
    try:
        # Longer than a call to the server may take.
        goes_on(running, 8)
        running.wait_error('internal_db')
    finally:
        place.server.resume()
    goes_on(running, 3)
    running.wait_for(lambda: running.history('--limit', '1'), 10, 'history')
    running.stop()
    assert each_second_once(running) >= 11


def test_fires_go_on_after_lost_connections(running, place):
    for _ in range(5):
        place.kill_sessions()
        goes_on(running, 2)
    running.stop()
    assert each_second_once(running) >= 10


def test_an_end_does_not_wait_for_a_server_that_hangs(running, place):
    place.server.pause()
    try:
        goes_on(running, 2)
        began = time.monotonic()
        running.send(15)
        # What could not be recorded is no orderly end.
        assert running.wait(timeout=15) in (0, 1)
        assert time.monotonic() - began < 10
    finally:
        place.server.resume()
    running.start()
    goes_on(running, 2)
    running.stop()


def test_a_start_waits_for_a_server_that_is_down(scheduler, place):
    s = scheduler(config={'internal_db': place.config},
                  actions=[{'id': 1, 'name': 'a', 'command': 'a', 'cron': EVERY_SECOND}])
    place.server.stop()
    try:
        s.start(ready=False)
        s.wait_error('internal_db')
    finally:
        place.server.start()
    s.wait_ready()
    s.wait_lines(2, 'a', timeout=20)
    s.stop()


def test_a_hold_and_the_progress_are_kept_there(scheduler, place):
    """pause --all, resume --all and progress, with the scheduler and without."""
    s = scheduler(config={'internal_db': place.config}, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    assert 'no scheduler has used it yet' in s.run('pause', '--all', check=1).stderr
    s.start()
    s.wait_lines(1)
    s.run('pause', '--all', '--reason', 'für immer', check=0)
    assert 'stop the scheduler first' in s.run('progress', 'set', 'now', check=1).stderr
    s.stop()
    count = len(s.lines)
    assert '(für immer)' in s.run('pause', '--all', check=0).stderr
    s.start()
    s.wait_error('für immer: nothing is handed out')
    second = int(time.time()) + 1
    s.wait_for(lambda: time.time() > second, 10, 'a fire that is due while all is held')
    s.stop()
    assert len(s.lines) == count
    s.run('resume', '--all', '--skip', check=0)
    (lane,) = s.jsonl('progress', 'show')
    assert lane['callback'] == 'print' and lane['clock_epoch'] == 0
    s.run('progress', 'set', lane['watermark'], '--repeat', check=0)
    s.start()
    s.wait_lines(count + 1)
    s.wait_for(lambda: s.history('--status', 'skipped'), 10, 'what the hold dropped, in the history')
    s.stop()
    assert s.jsonl('progress', 'show')[0]['clock_epoch'] == 1
