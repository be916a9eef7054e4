"""actions_db on PostgreSQL: changes arrive at once, outages are survived, the known definitions go on firing."""

import json
import time
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lib.actions_db import EVERY_SECOND
from lib.edit import edits_take_effect
from lib.postgresql import PostgreSqlActions
from lib.proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pg(scheduler, postgresql):
    """A factory of schedulers with actions_db in a new database, the table made by `init`, internal_db in SQLite."""

    def make(period=60, trigger=True, config=None, **actions_db):
        name = postgresql.database()
        where = {'dialect': 'postgresql', 'driver': 'psycopg2', 'host': '127.0.0.1', 'port': postgresql.port,
                 'username': 'postgres', 'database': name, **actions_db}
        s = scheduler(actions=None, config={'actions_db': where, 'internal_db': {'database': 'internal.db'},
                                            'track_changes_period': period, **(config or {})})
        s.actions = PostgreSqlActions(postgresql, name)
        s.run('init', *([] if trigger else ['--no-trigger']), check=0)
        return s

    return make


def goes_on(s, command='a', count=2):
    """It fires on."""
    s.wait_lines(len(s.fired(command)) + count, command, timeout=15)


def each_second_once(s, action_id=1):
    """Every second of an action from its first to its last is in the history, once."""
    scheduled = sorted(datetime.fromisoformat(entry['scheduled_at'])
                       for entry in s.history('--status', 'delivered', '--action', str(action_id)))
    span = int((scheduled[-1] - scheduled[0]).total_seconds())
    assert scheduled == [scheduled[0] + timedelta(seconds=i) for i in range(span + 1)]


def sessions(s):
    return ("FROM pg_stat_activity WHERE application_name = 'action-scheduler' "
            f"AND datname = '{s.actions.name}'")


def test_edits_from_the_command_line(pg):
    s = pg(period=3600)
    s.start()
    edits_take_effect(s)


def test_changes_arrive_at_once(pg):
    """With the trigger, long before the period; edits one after the other, each seen soon."""
    s = pg(period=3600)
    s.start()
    late = []
    for i in range(8):
        when = time.time()
        s.actions.add(f'c{i}', EVERY_SECOND)
        s.wait_lines(1, f'c{i}', timeout=5)
        first = s.fired(f'c{i}')[0].time.timestamp()
        late.append(first - (int(when) + 1))
    # The next whole second after the edit is met, but for edits in the last moment of a second.
    assert sum(each < 0.05 for each in late) >= 6, late
    s.actions.update(1, command='x')
    s.wait_lines(1, 'x', timeout=3)
    s.actions.remove(1)
    s.wait_for(lambda: time.time() - s.fired('x')[-1].time.timestamp() > 2.5, 10, 'the removed action is silent')
    s.stop()


def test_changes_arrive_by_polling(pg):
    s = pg(period=1, trigger=False)
    s.start()
    action = s.actions.add('a', EVERY_SECOND)
    s.wait_lines(2, 'a', timeout=6)
    s.actions.update(action, command='b')
    s.wait_lines(1, 'b', timeout=6)
    s.actions.execute('TRUNCATE action')
    s.wait_for(lambda: time.time() - s.fired()[-1].time.timestamp() > 2.5, 10, 'nothing fires')
    s.stop()


def test_first_run_makes_the_table_and_writes_samples(scheduler, postgresql):
    name = postgresql.database()
    s = scheduler(actions=None, config={
        'actions_db': {'dialect': 'postgresql', 'host': str(postgresql.directory), 'port': postgresql.port,
                       'username': 'postgres', 'database': name}, 'internal_db': {'database': 'internal.db'},
        'test': {'write_sample_actions_to_db': True}})
    (s.directory / 'sample_actions.yaml').write_text(
        '- name: one\n  command: a\n  cron: {format: apscheduler, params: {second: "*"}}\n')
    s.start()
    s.wait_lines(2, 'a')
    s.stop()


def test_bad_rows_come_back_to_the_writer(pg):
    s = pg(period=3600)
    s.start()
    good = s.actions.add('a', EVERY_SECOND)
    bad = s.actions.add('b', {'format': 'unix', 'params': {'value': 'nonsense'}})

    def errors():
        return dict(s.actions.execute('SELECT id, error FROM action'))

    s.wait_for(lambda: errors()[bad], 5, 'the error is written')
    assert 'params.value' in errors()[bad] and errors()[good] is None
    s.actions.update(bad, cron=EVERY_SECOND)
    s.wait_lines(1, 'b', timeout=5)
    s.wait_for(lambda: errors()[bad] is None, 5, 'the error is cleared')
    s.stop()
    assert s.stderr.count('does not fire') == 1


def test_stopped_and_restarted(pg, postgresql):
    s = pg(period=1)
    s.actions.add('a', EVERY_SECOND)
    s.start()
    s.wait_lines(2, 'a')
    postgresql.stop()
    s.wait_error('actions_db: ')
    goes_on(s, count=4)
    # Down at the start, too.
    s.restart()
    goes_on(s)
    postgresql.start()
    s.actions.update(1, command='b')
    s.wait_lines(1, 'b', timeout=10)
    s.wait_error('works again')
    s.stop()
    said = Counter(line.partition(' ')[2] for line in s.stderr.splitlines() if ' error: actions_db' in line)
    assert max(said.values()) <= 2, 'in each of its two lives each reason is said once'
    each_second_once(s)


def test_hung_server(pg, postgresql):
    """Nothing waits for it: neither the fires nor the end."""
    s = pg(period=1)
    s.actions.add('a', EVERY_SECOND)
    s.start()
    s.wait_lines(2, 'a')
    postgresql.pause()
    try:
        goes_on(s, count=5)
        s.wait_error('actions_db: ', timeout=20)
        goes_on(s)
        begin = time.monotonic()
        s.stop()
        assert time.monotonic() - begin < 3
        s.start()
        goes_on(s)
    finally:
        postgresql.resume()
    s.actions.update(1, command='b')
    s.wait_lines(1, 'b', timeout=20)
    s.stop()
    each_second_once(s)


def test_killed_connection(pg, postgresql):
    s = pg(period=3600)
    s.actions.add('a', EVERY_SECOND)
    s.start()
    s.wait_lines(1, 'a')
    for command in 'bcd':
        postgresql.execute(f'SELECT pg_terminate_backend(pid, 5000) {sessions(s)}')
        s.actions.update(1, command=command)
        s.wait_lines(1, command, timeout=5)
    s.stop()
    each_second_once(s)


def test_a_line_that_is_cut_and_stalls(pg, postgresql):
    with Proxy(postgresql.port) as proxy:
        s = pg(period=1)
        s.configure(actions_db={**s.config['actions_db'], 'port': proxy.port}, track_changes_period=1,
                    internal_db={'database': 'internal.db'})
        editor = s.actions = PostgreSqlActions(postgresql, s.config['actions_db']['database'])
        editor.add('a', EVERY_SECOND)
        s.start()
        s.wait_lines(1, 'a')
        for command in 'bcd':
            proxy.cut()
            editor.update(1, command=command)
            s.wait_lines(1, command, timeout=6)
        proxy.stall()
        goes_on(s, 'd', count=4)
        s.wait_error('did not answer in time', timeout=20)
        proxy.flow()
        editor.update(1, command='e')
        s.wait_lines(1, 'e', timeout=15)
        s.stop()
        each_second_once(s)


def test_missing_table_is_an_outage(pg):
    s = pg(period=1)
    s.actions.add('a', EVERY_SECOND)
    s.start()
    s.wait_lines(1, 'a')
    s.actions.execute('ALTER TABLE action RENAME TO away')
    s.wait_error('there is no table')
    goes_on(s)
    s.actions.execute('ALTER TABLE away RENAME TO action')
    s.actions.update(1, command='b')
    s.wait_lines(1, 'b')
    s.stop()


def test_missing_privilege_names_the_grant(pg, postgresql):
    s = pg(period=1)
    s.actions.add('a', EVERY_SECOND)
    s.actions.execute('CREATE ROLE reader LOGIN')
    s.configure(**{'actions_db': {**s.config['actions_db'], 'username': 'reader'},
                   'internal_db': {'database': 'internal.db'}, 'track_changes_period': 1})
    s.actions = PostgreSqlActions(postgresql, s.config['actions_db']['database'])
    done = s.run('check', check=1)
    assert 'GRANT SELECT ON action TO "reader"' in done.stdout + done.stderr
    s.start()
    s.wait_error('GRANT SELECT ON action TO "reader"')
    s.actions.execute('GRANT SELECT ON action TO reader')
    s.wait_lines(1, 'a')
    s.actions.add('bad', {'format': 'unix', 'params': {}})
    s.wait_error('GRANT UPDATE (error) ON action TO "reader"')
    s.stop()
    assert s.stderr.count('the column error cannot be written') == 1
    s.actions.execute('DROP OWNED BY reader')
    postgresql.execute('DROP ROLE reader')


def test_unknown_setting_and_dialects(pg):
    s = pg(options={'application_name': 'named'})
    s.start()
    s.stop()
    s.configure(**{'actions_db': {**s.config['actions_db'], 'options': {'sslmoder': 'x'}}})
    done = s.run('list', check=1)
    assert 'sslmoder' in done.stderr


def test_the_packaged_roles_suffice(pg, postgresql):
    """packaging/sql/postgresql-roles.sql, for actions_db and internal_db in one database."""
    s = pg(period=3600)
    sql = (ROOT / 'packaging' / 'sql' / 'postgresql-roles.sql').read_text()
    s.actions.execute(sql.split('\\set ON_ERROR_STOP on')[1])
    where = {**s.config['actions_db'], 'username': 'action_scheduler'}
    editor = s.actions
    s.configure(actions_db=where, internal_db=where, track_changes_period=3600)
    s.actions = editor
    s.start()
    with closing(postgresql.connect(editor.name)) as db, db.cursor() as cursor:
        cursor.execute('SET ROLE action_editor')
        cursor.execute('INSERT INTO action (name, command, cron) VALUES (%s, %s, %s), (%s, %s, %s)',
                       ('a', 'a', json.dumps(EVERY_SECOND), 'bad', 'b', '{}'))
        s.wait_lines(2, 'a', timeout=6)
        cursor.execute("UPDATE action SET command = 'x' WHERE name = 'a'")
        s.wait_lines(1, 'x', timeout=4)
    s.wait_for(lambda: editor.execute("SELECT error FROM action WHERE name = 'bad'")[0][0], 5, 'the error')
    s.stop()
    assert 'GRANT' not in s.stderr and ' warning: ' not in s.stderr, s.stderr
    assert editor.execute("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'scheduler%'") == \
        [('action_scheduler',)]
    s.actions.execute('DROP OWNED BY action_scheduler, action_editor')
    postgresql.execute('DROP ROLE action_scheduler, action_editor')
