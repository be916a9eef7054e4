"""Taking over from the Python program: its job store, written by the real APScheduler 3, tells what is owed."""

import itertools
import json
import os
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from lib.actions_db import apscheduler, unix
from lib.mariadb import MariaDb, installed
from lib.python_program import leave_jobs

STOPPED = datetime(2030, 5, 6, 12, 0, 30, tzinfo=timezone.utc)
STARTED = STOPPED + timedelta(hours=1)
LIBRARY = Path(__file__).resolve().parents[1] / 'lib'
MINUTE = unix('* * * * *')

ACTIONS = [
    {'command': 'all', 'cron': MINUTE, 'merge_missed': False},
    {'command': 'merged', 'cron': MINUTE, 'merge_missed': True},
    {'command': 'ten minutes', 'cron': MINUTE, 'actuality_time': 600},
    {'command': 'too old', 'cron': unix('5 12 * * *'), 'actuality_time': 600},
    {'command': 'seconds', 'cron': apscheduler(minute='59', second='*/20')},
    {'command': 'tomorrow', 'cron': unix('0 9 * * *')},
    {'command': 'paused', 'cron': MINUTE},
]
EXPECTED = Counter({'all': 60, 'merged': 1, 'ten minutes': 10, 'seconds': 3})


def accounted(history, action_id):
    """How often each status stands in the history of an action, ranges counted by their fires."""
    counts = Counter()
    for entry in history:
        if entry['action_id'] == action_id:
            counts[entry['status']] += entry.get('count', 1)
    return counts


def notes(s):
    """The notes of the history."""
    return [entry['reason'] for entry in s.history() if entry['status'] == 'note']


def rows_of(path):
    """The job store, byte for byte."""
    with closing(sqlite3.connect(path)) as db:
        return (db.execute('SELECT * FROM apscheduler_jobs ORDER BY id').fetchall(),
                db.execute("SELECT sql FROM sqlite_master WHERE name = 'apscheduler_jobs'").fetchall())


@pytest.fixture
def left(scheduler, clock):
    """A scheduler that was never started, beside what the Python program left an hour ago: in the SQLite file
    `internal`, or at `url` where that is given."""
    def make(actions=ACTIONS, internal='database.db', paused=(7,), url=None, **options):
        clock.set_now(STARTED)
        s = scheduler(clock=clock, actions=actions, **{'config': {'internal_db': {'database': internal}}, **options})
        rows = [{'id': row['id'], 'command': row['command'], 'cron': json.loads(row['cron'])}
                for row in s.actions.rows()]
        s.jobs = leave_jobs(url or f'sqlite:///{s.directory / internal}', rows, STOPPED, paused)
        s.internal = s.directory / internal
        return s
    return make


class Postgresql:
    """A server of the tests' own."""

    dialect, driver, username = 'postgresql', 'psycopg2', 'postgres'

    def __init__(self):
        done = subprocess.run([LIBRARY / 'postgresql-server', 'start', str(os.getpid())], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        if done.returncode == 77:
            pytest.skip('PostgreSQL is not installed')
        assert done.returncode == 0, done.stderr
        self.directory, port = done.stdout.split()
        self.port = int(port)

    def execute(self, sql, database='postgres'):
        """Runs SQL and returns the rows."""
        import psycopg2
        with closing(psycopg2.connect(host='127.0.0.1', port=self.port, user='postgres', dbname=database)) as db:
            db.autocommit = True
            cursor = db.cursor()
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None

    def close(self):
        subprocess.run([LIBRARY / 'postgresql-server', 'stop', self.directory], check=True)


class Mariadb:
    """The same in MariaDB."""

    dialect, driver, username = 'mysql', 'pymysql', 'root'

    def __init__(self):
        if not installed():
            pytest.skip('MariaDB is not installed')
        self.server = MariaDb()
        self.port = self.server.port

    def execute(self, sql, database='mysql'):
        """Runs SQL and returns the rows."""
        import pymysql
        with closing(pymysql.connect(host='127.0.0.1', port=self.port, user='root', database=database)) as db:
            cursor = db.cursor()
            cursor.execute(sql)
            db.commit()
            return list(cursor.fetchall())

    def close(self):
        self.server.close()


@pytest.fixture(scope='module', params=[Postgresql, Mariadb])
def server(request):
    """A database server."""
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def server_db(server, numbers=itertools.count()):
    """The configuration of a database of its own on the server, and its URL as SQLAlchemy has it."""
    name = f'jobs_{next(numbers)}'
    server.execute(f'CREATE DATABASE {name}')
    config = {'dialect': server.dialect, 'driver': server.driver, 'username': server.username, 'password': '',
              'host': '127.0.0.1', 'port': server.port, 'database': name}
    url = f'{server.dialect}+{server.driver}://{server.username}@127.0.0.1:{server.port}/{name}'
    return config, url


@pytest.mark.parametrize('internal', ['database.db', 'internal.db'])
def test_what_was_missed_since_the_python_program_stopped_is_made_up_for(left, internal):
    s = left(internal=internal)
    assert s.jobs['1'] == (STOPPED + timedelta(seconds=30)).timestamp() and s.jobs['7'] is None
    before = rows_of(s.internal)
    s.start()
    s.wait_lines(sum(EXPECTED.values()), timeout=30)
    s.stop()
    assert Counter(line.command for line in s.lines) == EXPECTED
    history = s.history()
    assert accounted(history, 1) == Counter(delivered=60)
    assert accounted(history, 2) == Counter(delivered=1, merged=59)
    assert accounted(history, 3) == Counter(delivered=10, missed=50)
    assert accounted(history, 4) == Counter(missed=1)
    assert accounted(history, 5) == Counter(delivered=3)
    assert accounted(history, 6) == accounted(history, 7) == Counter()
    # next_run_time itself is owed, and nothing before.
    assert min(entry['scheduled_at'] for entry in history if entry['action_id'] == 1) == '2030-05-06T12:01:00Z'
    assert ('apscheduler_jobs: next run times taken over: 7; actions that owe fires: 5, due since 2030-05-06T12:01:00Z'
            in notes(s))
    assert rows_of(s.internal) == before


def test_it_happens_once(left, clock):
    s = left()
    s.start()
    s.wait_lines(sum(EXPECTED.values()), timeout=30)
    s.restart()
    clock.advance(60)
    s.wait_lines(sum(EXPECTED.values()) + 4, timeout=30)
    s.stop()
    assert len([line for line in s.lines if line.command == 'all']) == 61
    assert len([note for note in notes(s) if 'apscheduler_jobs' in note]) == 1


def test_a_crash_in_the_middle_loses_nothing(left):
    s = left()
    s.start()
    s.wait_lines(1)
    s.kill()
    s.start()
    s.wait_for(lambda: set(EXPECTED) == {line.command for line in s.lines}, 20)
    s.wait_for(lambda: 'making up' not in (s.notify.last('STATUS') or 'making up'), 20)
    s.stop()
    history = s.history()
    assert accounted(history, 1) == Counter(delivered=60)
    assert accounted(history, 2) == Counter(delivered=1, merged=59)
    assert accounted(history, 3) == Counter(delivered=10, missed=50)


def test_it_waits_for_the_table(left):
    s = left(internal='internal.db')
    table = s.directory / 'database.db'
    table.rename(s.directory / 'away.db')
    (s.directory / 'database.db').mkdir()
    s.start()
    s.stop()
    (s.directory / 'database.db').rmdir()
    (s.directory / 'away.db').rename(table)
    s.start()
    s.wait_lines(sum(EXPECTED.values()), timeout=30)
    s.stop()
    assert Counter(line.command for line in s.lines) == EXPECTED


def test_catch_up_none_is_for_what_the_python_program_left_too(left):
    s = left()
    s.start('--catch-up', 'none')
    s.wait_for(lambda: accounted(s.history(), 1)['skipped'] == 60, 20)
    s.stop()
    assert s.lines == []


def test_without_such_jobs_nothing_is_owed(left):
    s = left()
    with closing(sqlite3.connect(s.internal)) as db, db:
        db.execute("DELETE FROM apscheduler_jobs WHERE id <> '6'")
        db.execute("INSERT INTO apscheduler_jobs VALUES ('report', 1, x'00'), ('99', 1, x'00'), ('017', 1, x'00')")
    s.start()
    s.stop()
    assert s.lines == []
    assert 'report' in s.stderr or '017' in s.stderr
    assert any('jobs without an action that fires: 1' in note for note in notes(s))


def test_a_table_of_another_program_is_not_touched(left):
    s = left()
    with closing(sqlite3.connect(s.internal)) as db, db:
        db.execute('DROP TABLE apscheduler_jobs')
        db.execute('CREATE TABLE apscheduler_jobs (something)')
    s.start()
    s.stop()
    assert s.lines == [] and notes(s) == []


def test_the_first_start_with_internal_db_on_a_server(left, server, server_db):
    config, url = server_db
    s = left(url=url, config={'internal_db': config})
    table = 'SELECT id, next_run_time, job_state FROM apscheduler_jobs ORDER BY id'
    before = server.execute(table, config['database'])
    s.start()
    s.wait_lines(sum(EXPECTED.values()), timeout=30)
    s.restart()
    s.stop()
    assert Counter(line.command for line in s.lines) == EXPECTED
    assert accounted(s.history(), 3) == Counter(delivered=10, missed=50)
    assert len([note for note in notes(s) if 'apscheduler_jobs' in note]) == 1
    assert server.execute(table, config['database']) == before


@pytest.mark.parametrize('server', [Postgresql], indirect=True)
def test_a_job_store_that_may_not_be_read_is_no_empty_one(left, server, server_db):
    config, url = server_db
    server.execute('DROP ROLE IF EXISTS lesser; CREATE ROLE lesser LOGIN')
    server.execute('GRANT ALL ON SCHEMA public TO lesser', config['database'])
    s = left(url=url, config={'internal_db': {**config, 'username': 'lesser'}})
    s.start(ready=False)
    assert s.wait() == 1
    assert 'GRANT SELECT ON apscheduler_jobs TO "lesser"' in s.stderr and s.lines == []
    server.execute('GRANT SELECT ON apscheduler_jobs TO lesser', config['database'])
    s.start()
    s.wait_lines(sum(EXPECTED.values()), timeout=30)
    s.stop()
    assert Counter(line.command for line in s.lines) == EXPECTED


# --- the verb ---

def imported(s, *arguments, check=0):
    """The listing of `import apscheduler` by action id, and what it said."""
    done = s.run('import', 'apscheduler', *arguments, '-o', 'jsonl', check=check)
    return {row['action_id']: row for row in map(json.loads, done.stdout.splitlines())}, done.stderr


def test_the_verb_says_what_would_be_owed(left):
    s = left(internal='internal.db')
    before = s.internal.read_bytes()
    rows, said = imported(s, '--dry-run')
    assert {action_id: row['state'] for action_id, row in rows.items()} == {
        1: 'owed', 2: 'owed', 3: 'owed', 4: 'owed', 5: 'owed', 6: 'nothing owed', 7: 'paused'}
    assert rows[1] == {
        'action_id': 1, 'action_name': 'all', 'state': 'owed', 'next_run_time': '2030-05-06T12:01:00Z', 'owed': 60,
        'first': '2030-05-06T12:01:00Z', 'last': '2030-05-06T13:00:00Z'}
    assert rows[7]['next_run_time'] is None and rows[6]['first'] is None
    assert 'actions that would be taken over: 6; of these owing fires: 5' in said
    assert s.internal.read_bytes() == before


@pytest.mark.parametrize('source', [[], ['--from', 'old.db'], ['--from', 'sqlite:///old.db'], 'absolute'])
def test_the_verb_before_the_first_start(left, clock, source):
    s = left(internal='internal.db')
    if source:
        s.internal.rename(s.directory / 'old.db')
    if source == 'absolute':
        source = ['--from', f'sqlite+pysqlite:///{s.directory}/old.db']
    rows, said = imported(s, *source)
    assert 'actions taken over: 6; of these owing fires: 5' in said and rows[1]['owed'] == 60
    clock.advance(120)
    s.start()
    # What was due between the import and the start is owed as ever; age was judged at the import.
    expected = EXPECTED + Counter({'all': 2, 'merged': 1, 'ten minutes': 2})
    s.wait_lines(sum(expected.values()), timeout=30)
    s.stop()
    assert Counter(line.command for line in s.lines) == expected
    assert accounted(s.history(), 2) == Counter(delivered=2, merged=60)
    assert accounted(s.history(), 3) == Counter(delivered=12, missed=50)
    assert accounted(s.history(), 7) == Counter()
    note, = [note for note in notes(s) if 'apscheduler' in note]
    assert 'taken over: 6; actions that owe fires: 5, due since 2030-05-06T12:01:00Z' in note


def test_the_verb_reads_the_job_store_of_a_server(left, server, server_db):
    config, url = server_db
    s = left(internal='internal.db', url=url)
    table = 'SELECT id, next_run_time, job_state FROM apscheduler_jobs ORDER BY id'
    before = server.execute(table, config['database'])
    rows, said = imported(s, '--from', url)
    assert rows[1]['owed'] == 60 and 'actions taken over: 6; of these owing fires: 5' in said
    s.start()
    s.wait_lines(sum(EXPECTED.values()), timeout=30)
    s.stop()
    assert Counter(line.command for line in s.lines) == EXPECTED
    assert server.execute(table, config['database']) == before


def test_the_verb_refuses_what_is_known(left, clock):
    s = left(internal='internal.db')
    s.actions.remove(1, 2)
    s.internal.rename(s.directory / 'old.db')
    s.start()
    s.stop()
    s.actions.add_many([{'id': 1, **ACTIONS[0]}, {'id': 2, **ACTIONS[1]}])
    rows, said = imported(s, '--from', 'old.db', check=1)
    assert [row['state'] for row in rows.values()] == ['owed', 'owed'] + ['known'] * 5
    assert 'from there: 3, 4, 5, 6, 7' in said
    s.start()
    s.wait_lines(61, timeout=30)
    s.stop()
    assert Counter(line.command for line in s.lines) == Counter(all=60, merged=1)


def test_the_verb_beside_a_running_scheduler(left):
    s = left(internal='internal.db')
    s.start()
    assert imported(s, check=1)[0] == {}
    assert s.run('import', 'apscheduler', '--dry-run', check=0)
    s.stop()


@pytest.mark.parametrize('arguments, status, words', [
    ([], 2, 'there is: import crontab, import yaml, import apscheduler'),
    (['quartz', 'x'], 2, "no import 'quartz'; there is: import crontab"),
    (['apschedular'], 2, "did you mean 'import apscheduler'"),
    (['apscheduler', 'x'], 2, "takes no argument 'x'"),
    (['apscheduler', '--from', 'nosuch.db'], 1, 'nosuch.db'),
    (['apscheduler', '--from', 'postgresql://h:x/y'], 1, 'it is no URL'),
    (['apscheduler', '--from', 'oracle://h/x'], 1, 'sqlite'),
    (['apscheduler'], 1, 'no table apscheduler_jobs')])
def test_errors_of_the_verb(scheduler, arguments, status, words):
    s = scheduler()
    done = s.run('import', *arguments, check=status)
    assert words in done.stderr and done.stdout == ''


def test_the_verb_needs_an_internal_db(scheduler):
    s = scheduler(config={'internal_db': None})
    assert 'no internal_db' in s.run('import', 'apscheduler', check=1).stderr
