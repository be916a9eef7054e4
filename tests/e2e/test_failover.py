"""PostgreSQL fails over to a streaming standby, both databases with it: where no commit was lost, the scheduler goes on;
where some were, it stops and says so, and started again it makes up for what is not there."""

from datetime import datetime, timedelta

import pytest

from lib.actions_db import EVERY_SECOND
from lib.postgresql import PostgreSql, PostgreSqlActions, Standby
from lib.proxy import Proxy


@pytest.fixture
def primary():
    """A server of this test alone."""
    server = PostgreSql()
    if server.missing:
        pytest.skip('no PostgreSQL server here (install postgresql-15)')
    yield server
    server.close()


@pytest.fixture
def standby(primary):
    """It follows the primary."""
    server = Standby(primary)
    yield server
    server.close()


def started(scheduler, primary, **where):
    """A scheduler with both databases there, that fires `a` each second."""
    where = {'dialect': 'postgresql', 'username': 'postgres', 'database': primary.database(), **where}
    s = scheduler(actions=None, config={'actions_db': where, 'internal_db': where, 'track_changes_period': 60})
    s.actions = PostgreSqlActions(primary, where['database'])
    s.run('init', check=0)
    s.actions.add('a', EVERY_SECOND)
    s.start()
    s.wait_lines(2, 'a')
    return s


def goes_on(s, command='a', count=2):
    """It fires on."""
    s.wait_lines(len(s.fired(command)) + count, command, timeout=20)


def scheduled(s):
    """What the history has of the action 1."""
    return sorted(datetime.fromisoformat(entry['scheduled_at'])
                  for entry in s.history('--status', 'delivered', '--action', '1'))


def each_second_once(s):
    """Every second from the first to the last is in the history, once."""
    times = scheduled(s)
    span = int((times[-1] - times[0]).total_seconds())
    assert times == [times[0] + timedelta(seconds=i) for i in range(span + 1)]


def caught_up(primary):
    """Whether the standby has all that there is."""
    return primary.execute('SELECT flush_lsn >= pg_current_wal_lsn() FROM pg_stat_replication') == [(True,)]


def test_nothing_is_lost_with_synchronous_replication(scheduler, primary, standby):
    """Both hosts are named in the configuration; libpq takes the one that writes."""
    s = started(scheduler, primary, options={
        'host': '127.0.0.1,127.0.0.1', 'port': f'{primary.port},{standby.port}',
        'target_session_attrs': 'read-write'})
    # Only here: what follows has no standby of its own.
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.execute('SELECT pg_reload_conf()')
    s.wait_for(lambda: primary.execute('SELECT sync_state FROM pg_stat_replication') == [('sync',)], 20)
    # Everything from now on is on both.
    goes_on(s, count=4)
    primary.stop()
    goes_on(s, count=3)
    s.wait_error('error: internal_db')
    standby.promote()
    s.actions = PostgreSqlActions(standby, s.actions.name)
    s.actions.update(1, command='b')
    s.wait_lines(2, 'b', timeout=30)
    s.wait_error('internal_db: works again')
    s.wait_error('actions_db: works again')
    # The trigger came along, and is heard.
    s.actions.update(1, command='c')
    s.wait_lines(1, 'c', timeout=5)
    s.stop()
    each_second_once(s)


def test_lost_commits_are_noticed_and_made_up_for(scheduler, primary, standby):
    """An address that leads to the new server, as one of a cluster does; it has not the last seconds."""
    with Proxy(primary.port) as address:
        s = started(scheduler, primary, host='127.0.0.1', port=address.port)
        goes_on(s, count=2)
        s.wait_for(lambda: caught_up(primary), 20, 'the standby has it')
        standby.stop()
        known = len(scheduled(s))
        s.wait_for(lambda: len(scheduled(s)) >= known + 4, 20, 'more commits that it has not')
        primary.stop()
        standby.start()
        standby.promote()
        address.target = standby.port
        address.cut()
        assert s.wait() == 1
        assert 'went back to an earlier state' in s.stderr, s.stderr
        s.start()
        goes_on(s)
        s.stop()
        each_second_once(s)
