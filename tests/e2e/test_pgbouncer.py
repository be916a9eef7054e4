"""Behind a real PgBouncer: in session mode everything works; in transaction mode actions_db does, by polling, and
internal_db says that it cannot."""

from datetime import datetime, timedelta

import pytest

from lib import pgbouncer
from lib.actions_db import EVERY_SECOND
from lib.pgbouncer import PgBouncer
from lib.postgresql import PostgreSqlActions

pytestmark = pytest.mark.skipif(not pgbouncer.PROGRAM, reason='no PgBouncer here (install pgbouncer)')


@pytest.fixture
def pooled(scheduler, postgresql):
    """A factory: a scheduler with the databases that are named behind a pooler, the others directly."""

    def make(pooler, actions=True, internal=True, works=True):
        name = postgresql.database()

        def where(is_pooled):
            return {'dialect': 'postgresql', 'host': '127.0.0.1', 'port': pooler.port if is_pooled else postgresql.port,
                    'username': 'postgres', 'database': name}
        s = scheduler(actions=None, config={'actions_db': where(actions), 'internal_db': where(internal),
                                            'track_changes_period': 1})
        s.actions = PostgreSqlActions(postgresql, name)
        done = s.run('init')
        assert (done.returncode == 0) == works, done.stderr
        s.actions.add('a', EVERY_SECOND)
        return s

    return make


def goes_on(s, command='a', count=2):
    """It fires on."""
    s.wait_lines(len(s.fired(command)) + count, command, timeout=15)


def each_second_once(s):
    """Every second of the action 1 from its first to its last is in the history, once."""
    scheduled = sorted(datetime.fromisoformat(entry['scheduled_at'])
                       for entry in s.history('--status', 'delivered', '--action', '1'))
    span = int((scheduled[-1] - scheduled[0]).total_seconds())
    assert scheduled == [scheduled[0] + timedelta(seconds=i) for i in range(span + 1)]


def errors(s):
    return [line for line in s.stderr.splitlines() if ' error: ' in line]


def edits_arrive(s):
    """Each is seen, by the trigger or by polling."""
    for command in 'bcd':
        s.actions.update(1, command=command)
        s.wait_lines(2, command, timeout=10)


def cut(server, name):
    """Ends what the pooler has to the server."""
    server.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}' "
                   'AND pid <> pg_backend_pid()')


def test_session_mode(pooled, postgresql):
    with PgBouncer(postgresql, 'session') as pooler:
        s = pooled(pooler)
        s.start()
        s.wait_lines(1, 'a')
        edits_arrive(s)
        s.kill()
        s.start()
        goes_on(s, 'd')
        s.stop()
        assert not errors(s), s.stderr
        s.start()
        goes_on(s, 'd')
        for _ in range(3):
            cut(postgresql, s.actions.name)
            goes_on(s, 'd')
        s.actions.update(1, command='e')
        s.wait_lines(1, 'e')
        s.stop()
        each_second_once(s)


def test_a_second_scheduler_is_told_of_the_first_in_session_mode(pooled, postgresql, scheduler):
    with PgBouncer(postgresql, 'session') as pooler:
        s = pooled(pooler)
        s.start()
        other = scheduler(actions=None, config={name: s.config[name] for name in ('actions_db', 'internal_db')})
        other.start(ready=False)
        assert other.wait() == 1
        assert f'pid {s.process.pid}' in other.stderr
        goes_on(s)
        s.stop()


def test_actions_db_in_transaction_mode(pooled, postgresql):
    """What the trigger tells goes to whichever session listens, so the table is asked each period."""
    with PgBouncer(postgresql, 'transaction') as pooler:
        s = pooled(pooler, internal=False)
        s.start()
        s.wait_lines(1, 'a')
        edits_arrive(s)
        for _ in range(2):
            cut(postgresql, s.actions.name)
            goes_on(s, 'd')
        s.actions.update(1, command='e')
        s.wait_lines(1, 'e')
        s.stop()
        each_second_once(s)


def test_internal_db_in_transaction_mode_is_refused(pooled, postgresql):
    with PgBouncer(postgresql, 'transaction') as pooler:
        s = pooled(pooler, actions=False, works=False)
        for _ in range(3):
            s.start(ready=False)
            assert s.wait() == 1
            assert 'transaction mode' in errors(s)[-1], s.stderr
        assert not s.fired()
        assert len(errors(s)) == 3
        # Nothing is left of it that a direct connection would have to wait for.
        s.configure(actions_db=s.config['actions_db'], track_changes_period=1,
                    internal_db={**s.config['internal_db'], 'port': postgresql.port})
        s.start()
        s.wait_lines(1, 'a')
        s.stop()
