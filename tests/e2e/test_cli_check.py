"""check: every problem of configuration, databases and rows."""

import json
import sqlite3
from datetime import datetime, timezone

import pytest

from lib.actions_db import CREATE_TABLE, ActionsDb, apscheduler, unix
from lib.program import Program


@pytest.fixture
def program(binary, tmp_path):
    return Program(binary, tmp_path)


@pytest.fixture
def ready(program):
    program.run('init', status=0)
    return program


@pytest.fixture
def db(tmp_path):
    return ActionsDb(tmp_path / 'database.db')


def configure(program, text):
    (program.directory / 'config.yaml').write_text(text)


def test_all_is_well(ready, db):
    db.add('a', unix('30 9 * * *'))
    assert ready.json('check') == []
    done = ready.run('check', status=0)
    path = ready.directory / 'database.db'
    assert done.stderr == '' and done.stdout == (
        f'config       {ready.directory / "config.yaml"}\n'
        f'actions_db   sqlite {path}\ninternal_db  sqlite {path}\ntimezone     UTC\n\n'
        '1 action, 0 errors, 0 warnings\n')


def test_every_bad_row_is_listed(ready, db):
    db.add_many([
        {'command': 'a', 'cron': unix('61 * * * *')},
        {'command': 'b', 'cron': unix('30 9 * * *')},
        {'command': 'c', 'cron': '{', 'enabled': 0},
        {'command': 'd', 'cron': apscheduler(hour='x'), 'max_attempts': 0},
    ])
    problems = ready.json('check', status=1)
    assert [list(problem) for problem in problems] == [['level', 'place', 'id', 'field', 'reason']] * 3
    assert [(p['level'], p['place'], p['id'], p['field']) for p in problems] == [
        ('error', 'actions_db', 1, 'cron'), ('error', 'actions_db', 3, 'cron'),
        ('error', 'actions_db', 4, 'max_attempts')]
    assert 'minute' in problems[0]['reason'] and '61' in problems[0]['reason']
    text = ready.run('check', status=1).stdout
    assert 'LEVEL  PLACE' in text and text.endswith('\n4 actions, 3 errors, 0 warnings\n')


@pytest.mark.parametrize('cron, differs', [
    (unix('0 0 * * 1'), True), (unix('0 0 * * 7'), True), (unix('0 0 13 * fri'), True), (unix('*/90 * * * *'), True),
    (unix('0 0 29 2 1'), True), (unix('0 0 * * mon'), False), (unix('*/5 * * * *'), False), (unix('0 0 13 * *'), False),
    (apscheduler(day_of_week='1'), False)])
def test_a_row_that_means_something_else_under_apscheduler(ready, db, cron, differs):
    db.add('a', cron)
    problems = ready.json('check')
    assert [(p['level'], p['id'], p['field']) for p in problems] == ([('warning', 1, 'cron')] if differs else [])
    assert all('APScheduler' in p['reason'] for p in problems)


def test_both_readings_are_shown_with_their_next_fires(ready, db, clock, test_clock_binary):
    clock.set_now(datetime(2030, 5, 5, 12, tzinfo=timezone.utc))  # a Sunday
    ready.binary = test_clock_binary
    db.add('a', unix('0 9 * * 1'))
    db.add('b', unix('*/90 * * * *'))
    monday, never = [problem['reason'] for problem in ready.json(
        'check', environment={'ACTION_SCHEDULER_CLOCK': clock.path})]
    assert monday == (
        'it means something else under APScheduler: it fires at 2030-05-06T09:00:00+00:00, 2030-05-13T09:00:00+00:00, '
        '2030-05-20T09:00:00+00:00; there, and with `unix_dialect: apscheduler`, at 2030-05-07T09:00:00+00:00, '
        '2030-05-14T09:00:00+00:00, 2030-05-21T09:00:00+00:00')
    assert never.startswith('it fires at 2030-05-05T13:00:00+00:00, ') and 'APScheduler refuses it' in never


def test_the_other_reading_is_no_news_where_it_is_configured(ready, db):
    db.add('a', unix('0 0 * * 1'))
    assert ready.json('check', environment={'UNIX_DIALECT': 'apscheduler'}) == []


def test_a_schedule_that_never_fires(ready, db):
    db.add('a', unix('0 0 30 2 *'))
    db.add('b', apscheduler(year=2020))
    assert [(p['level'], p['id'], p['reason']) for p in ready.json('check')] == [('warning', 1, 'it never fires')]


def test_fix_adds_the_optional_columns(program, db):
    configure(program, 'actions_db: {dialect: sqlite, database: database.db}\naction: {callback: print}\n')
    db.execute(CREATE_TABLE)
    db.add('a', unix('30 9 * * *'))
    assert '10 optional columns missing; `check --fix` adds them' in program.run('check', status=0).stdout
    assert len(db.rows()[0]) == 6
    done = program.run('check', '--fix', status=0)
    assert '10 columns added' in done.stderr and 'missing' not in done.stdout
    assert len(db.rows()[0]) == 16
    assert program.json('check', '--fix') == []


def test_all_errors_of_the_configuration_are_listed(program):
    configure(program, 'debug: maybe\nkafka:\n  sever: x\n')
    problems = program.json('check', status=1)
    assert ('config.yaml:1:8', 'debug') in [(p['place'], p['field']) for p in problems]
    assert all(p['level'] == 'error' and p['id'] is None for p in problems) and len(problems) >= 3
    done = program.run('check', status=1)
    assert 'config.yaml:1:8' in done.stdout and done.stderr == ''


def test_no_configuration_is_an_error(program):
    problem, = program.json('check', status=1)
    assert '`action-scheduler init`' in problem['reason']


def test_sources_are_shown_and_secrets_are_not(ready):
    done = ready.run('-v', 'check', environment={'ACTIONS_DB__PASSWORD': 'hunter2', 'DEBUG': '1'}, status=0)
    assert 'hunter2' not in done.stdout + done.stderr
    assert 'debug: true  # environment variable DEBUG' in done.stdout
    assert 'actions_db.dialect: sqlite  # config.yaml:' in done.stdout


@pytest.mark.parametrize('environment, place, field', [
    ({'TIMEZONE': 'Mars/Olympus'}, 'environment variable TIMEZONE', 'timezone'),
    ({'ACTION__CALLBACK': 'nosuch'}, 'environment variable ACTION__CALLBACK', 'action.callback'),
    ({'ACTIONS_DB__DATABASE': 'nosuch/x.db'}, 'actions_db', 'database'),
    ({'INTERNAL_DB__DATABASE': 'nosuch/x.db'}, 'internal_db', 'database'),
    ({'ACTIONS_DB__DATABASE': '/dev/null/x.db'}, 'actions_db', 'database')])
def test_settings_that_cannot_work(ready, db, environment, place, field):
    db.add('a', unix('30 9 * * *'))
    problems = ready.json('check', environment=environment, status=1)
    assert [(p['level'], p['place'], p['field']) for p in problems] == [('error', place, field)]


def test_a_table_that_was_never_there_is_a_warning(program):
    configure(program, 'actions_db: {dialect: sqlite, database: database.db}\naction: {callback: print}\n')
    problem, = program.json('check')
    assert problem['level'] == 'warning' and problem['place'] == 'actions_db'
    assert str(program.directory / 'database.db') in problem['reason']
    assert not (program.directory / 'database.db').exists()
    sqlite3.connect(program.directory / 'database.db').execute('CREATE TABLE other (x)').connection.close()
    assert program.json('check')[0]['level'] == 'warning'


def test_a_table_that_went_is_an_outage(scheduler):
    s = scheduler(config={'internal_db': {'database': 'internal.db'}},
                  actions=[{'command': 'a', 'cron': apscheduler(second='*')}])
    s.start()
    s.wait_lines(1)
    s.stop()
    (s.directory / 'database.db').unlink()
    problem, = json.loads(s.run('check', '-o', 'json', check=1).stdout)
    assert problem['place'] == 'actions_db' and 'outage' in problem['reason']


@pytest.mark.parametrize('name', ['database.db', 'other.db'])
def test_a_damaged_database_is_an_error(program, name):
    configure(program, 'actions_db: {dialect: sqlite, database: database.db}\naction: {callback: print}\n'
              'internal_db: {dialect: sqlite, database: other.db}\n')
    program.run('init', status=0)
    for suffix in ('-wal', '-shm'):
        (program.directory / (name + suffix)).unlink(missing_ok=True)
    (program.directory / name).write_bytes(b'no database' * 1000)
    problems = program.json('check', status=1)
    assert [p['place'] for p in problems] == ['actions_db' if name == 'database.db' else 'internal_db']
    assert str(program.directory / name) in problems[0]['reason']


def test_check_writes_nothing(ready, db):
    db.add('a', unix('30 9 * * *'))
    before = (ready.directory / 'database.db').read_bytes()
    ready.run('check', status=0)
    assert (ready.directory / 'database.db').read_bytes() == before
