"""A line to the server that is slow and passes little at a time: long answers come whole, however long they take, and
nothing waits for them."""

import time
from datetime import datetime, timedelta

import pytest

from lib.actions_db import EVERY_SECOND, unix
from lib.mariadb import MariaDbActions
from lib.postgresql import PostgreSqlActions
from lib.proxy import Proxy


class PostgreSql:
    """A database of its own, and how it is configured."""

    def __init__(self, server):
        self.server, self.actions = server, PostgreSqlActions(server, server.database())
        self.config = {'dialect': 'postgresql', 'host': '127.0.0.1', 'username': 'postgres',
                       'database': self.actions.name}

    def fill(self, count, size):
        """So many rows more, each with a command of so many bytes."""
        self.actions.execute("INSERT INTO action (name, command, cron) SELECT 'far', repeat('x', %s), %s "
                             'FROM generate_series(1, %s)', size, '{"format": "unix", "params": {"value": '
                             '"0 0 29 2 *"}}', count)


class MariaDb:
    """The same on MariaDB."""

    def __init__(self, server):
        self.server, self.actions = server, MariaDbActions(server)
        self.config = {'dialect': 'mariadb', 'host': '127.0.0.1', 'username': 'root', 'password': '',
                       'database': self.actions.name}

    def fill(self, count, size):
        """So many rows more, each with a command of so many bytes."""
        self.actions.sql(f"INSERT INTO action (name, command, cron) SELECT 'far', REPEAT('x', {size}), "
                         '\'{"format": "unix", "params": {"value": "0 0 29 2 *"}}\' '
                         f'FROM seq_1_to_{count}')


@pytest.fixture(params=['postgresql', 'mariadb'])
def place(request):
    """A database on each kind of server."""
    if request.param == 'postgresql':
        return PostgreSql(request.getfixturevalue('postgresql'))
    return MariaDb(request.getfixturevalue('mariadb_server'))


@pytest.fixture
def line(place):
    """The way to it."""
    with Proxy(place.server.port) as proxy:
        yield proxy


def goes_on(s, command='a', count=2):
    """It fires on."""
    s.wait_lines(len(s.fired(command)) + count, command, timeout=15)


def each_second_once(s):
    """Every second of the action 1 from its first to its last is in the history, once."""
    scheduled = sorted(datetime.fromisoformat(entry['scheduled_at'])
                       for entry in s.history('--status', 'delivered', '--action', '1'))
    span = int((scheduled[-1] - scheduled[0]).total_seconds())
    assert scheduled == [scheduled[0] + timedelta(seconds=i) for i in range(span + 1)]


def test_a_table_that_takes_longer_than_any_deadline(scheduler, place, line):
    """The deadlines are about silence, not about how long a table takes."""
    config = {'actions_db': {**place.config, 'port': line.port}, 'internal_db': {'database': 'internal.db'},
              'track_changes_period': 1}
    s = scheduler(actions=None, config=config)
    s.run('init', check=0)
    place.actions.add('a', EVERY_SECOND)
    s.start()
    s.wait_lines(2, 'a')
    # 20,000 bytes a second.
    line.slow(2000, 0.1)
    place.fill(300, 900)
    place.actions.add('b', EVERY_SECOND)
    begin = time.monotonic()
    s.wait_lines(1, 'b', timeout=60)
    assert time.monotonic() - begin > 10, 'it was not slow'
    goes_on(s)
    s.hangup()
    goes_on(s)
    # In the middle of reading it again.
    begin = time.monotonic()
    s.stop()
    assert time.monotonic() - begin < 8
    assert not [line for line in s.stderr.splitlines() if ' error: ' in line], s.stderr
    each_second_once(s)


def test_fires_go_on_while_their_progress_takes_its_time(scheduler, place, line):
    s = scheduler(config={'internal_db': {**place.config, 'port': line.port}, 'shutdown_timeout': 20},
                  actions=[{'id': 1, 'name': 'a', 'command': 'a', 'cron': EVERY_SECOND},
                           {'id': 2, 'name': 'far', 'command': 'far', 'cron': unix('0 0 29 2 *')}])
    s.start()
    s.wait_lines(2, 'a')
    line.slow(400, 0.15)
    goes_on(s, count=8)
    s.kill()
    s.start(timeout=60)
    goes_on(s, count=5)
    s.stop()
    assert not [line for line in s.stderr.splitlines() if ' error: ' in line], s.stderr
    line.flow()
    each_second_once(s)
