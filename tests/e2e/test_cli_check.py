"""check: every problem of configuration, databases and rows."""

import json
import os
import re
import sqlite3
from datetime import datetime, timezone

import pytest

from lib.actions_db import CREATE_TABLE, ActionsDb, apscheduler, unix
from lib import mariadb
from lib.postgresql import PostgreSqlActions
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
    facts, summary = done.stdout.split('\n\n')
    assert done.stderr == '' and summary == '1 action, 0 errors, 0 warnings\n'
    assert re.sub('version [0-9]+', 'version N', re.sub('[-0-9T:]{19}[+]', 'TIME+', facts)) == (
        f'config       {ready.directory / "config.yaml"}\ntimezone     UTC\ncallback     print\n'
        f'actions_db   sqlite {path}\n             the column error is written\n'
        f'internal_db  sqlite {path}\n             schema version N, no scheduler runs on it\n'
        'history      0 entries since TIME+00:00')


def test_every_bad_row_is_listed(ready, db):
    db.add_many([
        {'command': 'a', 'cron': unix('61 * * * *')},
        {'command': 'b', 'cron': unix('30 9 * * *')},
        {'command': 'c', 'cron': '{', 'enabled': 0},
        {'command': 'd', 'cron': apscheduler(hour='x'), 'max_attempts': 0},
        {'command': 'e', 'cron': unix('30 9 * * *'), 'timezone': 'Mars/Olympus'},
        {'command': 'f', 'cron': apscheduler(hour=1, timezone='Mars/Olympus')},
        {'command': 'g', 'cron': unix('30 9 * * *'), 'callback': 'nosuch'},
        {'command': 'h', 'cron': unix('30 9 * * *'), 'callback': 'exec'},
    ])
    problems = ready.json('check', status=1)
    assert [list(problem) for problem in problems] == [['level', 'place', 'id', 'field', 'reason']] * 7
    assert [(p['level'], p['place'], p['id'], p['field']) for p in problems] == [
        ('error', 'actions_db', 1, 'cron'), ('error', 'actions_db', 3, 'cron'),
        ('error', 'actions_db', 4, 'max_attempts'), ('error', 'actions_db', 5, 'timezone'),
        ('error', 'actions_db', 6, 'cron'), ('error', 'actions_db', 7, 'callback'),
        ('error', 'actions_db', 8, 'callback')]
    assert 'minute' in problems[0]['reason'] and '61' in problems[0]['reason']
    assert all('Mars/Olympus' in p['reason'] for p in problems[3:5])
    assert 'nosuch' in problems[5]['reason'] and 'exec.enabled' in problems[6]['reason']
    text = ready.run('check', status=1).stdout
    assert 'LEVEL  PLACE' in text and text.endswith('\n8 actions, 7 errors, 0 warnings\n')


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
    assert done.stderr == (
        'action-scheduler: actions_db: added the columns enabled, timezone, callback, max_instances, timeout, '
        'max_attempts, dst, catch_up_limit, topic, error\n') and 'missing' not in done.stdout
    assert len(db.rows()[0]) == 16
    again = program.run('check', '--fix', '-o', 'json', status=0)
    assert json.loads(again.stdout) == [] and 'nothing is to be mended' in again.stderr
    db.execute('ALTER TABLE action DROP COLUMN dst')
    assert 'added the column dst\n' in program.run('check', '--fix', status=0).stderr


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


@pytest.fixture
def lesser(ready):
    """As `ready`, for a user whom the permissions of files hold."""
    if os.geteuid() == 0:
        wrapper = ready.directory / 'lesser'
        wrapper.write_text(f'#!/bin/sh\nexec setpriv --bounding-set -dac_override -- {ready.binary} "$@"\n')
        wrapper.chmod(0o755)
        ready.binary = str(wrapper)
    return ready


def test_what_files_allow(lesser, db):
    db.add('a', unix('30 9 * * *'))
    path = lesser.directory / 'database.db'
    assert lesser.json('check') == []
    path.chmod(0o444)
    errors, journal = lesser.json('check', status=1)
    assert (errors['level'], errors['field']) == ('warning', 'error')
    assert f'{path}: this user may not' in errors['reason']
    assert (journal['level'], journal['place']) == ('error', 'internal_db') and 'may not write it' in journal['reason']
    db.execute('ALTER TABLE action DROP COLUMN dst')
    assert [p['reason'] for p in lesser.json('check', '--fix', status=1)][0] == f'{path}: the database may only be read'
    path.chmod(0o644)
    (lesser.directory / 'there').mkdir(mode=0o555)
    journal, = lesser.json('check', environment={'INTERNAL_DB__DATABASE': 'there/x.db'}, status=1)
    assert f'may make no files in {lesser.directory}/there' in journal['reason']


def test_who_runs_on_internal_db_and_what_it_is(scheduler):
    s = scheduler(config={'internal_db': {'database': 'internal.db'}},
                  actions=[{'command': 'a', 'cron': unix('* * * * *')}])
    assert 'no scheduler has used it yet' in s.run('check', check=0).stdout
    s.start()
    assert re.search(rf'schema version \d+, a scheduler runs on it: pid {s.process.pid}, host .*, since ',
                     s.run('check', check=0).stdout)
    s.stop()
    other = sqlite3.connect(s.directory / 'internal.db')
    for version, level, text in ((1, 'warning', 'the next start updates it'), (999, 'error', 'a newer one')):
        with other:
            other.execute('UPDATE scheduler_meta SET schema_version = ?', [version])
        problem, = json.loads(s.run('check', '-o', 'json').stdout)
        assert (problem['level'], problem['place']) == (level, 'internal_db')
        assert problem['reason'].startswith(f'schema version {version}, ') and text in problem['reason']
    other.close()


def test_runs_that_overrun_and_fires_that_are_skipped(scheduler):
    s = scheduler(config={'exec': {'enabled': True},
                          'action': {'callback': 'exec', 'defaults': {'max_instances': 1}}},
                  actions=[{'command': 'sleep 1.2', 'cron': apscheduler(second='*')},
                           {'command': 'true', 'cron': apscheduler(second='*')}])
    s.start()
    s.wait_for(lambda: len(s.history('--action', '1', '--status', 'delivered')) >= 1, 15, 'a run')
    s.stop()
    ran, skipped = json.loads(s.run('check', '-o', 'json', check=0).stdout)
    assert [(p['level'], p['id'], p['field']) for p in (ran, skipped)] == [
        ('warning', 1, 'cron'), ('warning', 1, 'max_instances')]
    assert re.fullmatch(r'(\d) of its last \1 runs lasted longer than its interval of 1s, the longest \ds',
                        ran['reason'])
    assert re.fullmatch(r'\d fires? w(as|ere) skipped since .*, as 1 run was under way', skipped['reason'])
    assert json.loads(s.run('check', '-o', 'json', '--since', '+1h', check=0).stdout) == []
    only_skipped, = json.loads(s.run('check', '-o', 'json', environment={'HISTORY__LEVEL': 'exceptions'},
                                     check=0).stdout)
    assert only_skipped == skipped


def test_receivers_that_rows_name_are_asked_once(ready, db):
    for name in ('kafka', 'action_scheduler.callbacks:kafka_send', 'print'):
        db.add('a', unix('* * * * *'), callback=name)
    problem, = ready.json('check', environment={'KAFKA__SERVER': '127.0.0.1:1', 'KAFKA__TOPIC': 't'}, status=1)
    assert (problem['level'], problem['place'], problem['id']) == ('error', 'kafka', None)
    assert '127.0.0.1:1 does not answer' in problem['reason']


def test_a_bad_since_is_refused(ready):
    assert "--since: " in ready.refused('check', '--since', 'soon')
    assert "--since: " in ready.refused('check', '-o', 'json', '--since', 'soon')


def levels(problems):
    return [(p['level'], p['place'], p['field']) for p in problems]


def test_postgresql_roles_and_trigger(program, postgresql):
    table = PostgreSqlActions(postgresql, postgresql.database())
    where = {'dialect': 'postgresql', 'host': '127.0.0.1', 'port': postgresql.port, 'username': 'postgres',
             'database': table.name}

    def check(*arguments, status=0, actions_db=None, internal_db=None):
        configure(program, json.dumps({'actions_db': where | {'username': actions_db or 'postgres'},
                                       'internal_db': where | {'username': internal_db or 'postgres'},
                                       'action': {'callback': 'print'}}))
        done = program.run('check', *arguments, '-o', 'json', status=status)
        return json.loads(done.stdout), done.stderr, program.run('check', *arguments).stdout

    problem, = check()[0]
    assert problem['level'] == 'warning' and 'no table' in problem['reason']
    program.run('init', '--no-trigger', status=0)
    table.add('a', unix('30 9 * * *'))
    problems, _, text = check()
    assert levels(problems) == [('warning', 'actions_db', None)] and 'no trigger' in problems[0]['reason']
    assert f'actions_db   postgresql 127.0.0.1:{postgresql.port}/{table.name}\n' in text and 'no trigger' in text
    assert check('--no-trigger')[0] == []
    problems, said, text = check('--fix')
    assert problems == [] and 'the trigger is in place' in said and 'the trigger is in place' in text
    assert 'nothing is to be mended' in check('--fix')[1]
    table.execute('ALTER TABLE action DISABLE TRIGGER action_scheduler_update')
    assert 'disabled in part' in check()[0][0]['reason']
    assert 'the trigger is up to date' in check('--fix')[1]
    table.execute("CREATE OR REPLACE FUNCTION action_scheduler_notify() RETURNS trigger LANGUAGE plpgsql AS "
                  "'BEGIN RETURN NULL; END'")
    assert 'not the one of this version' in check()[0][0]['reason']
    table.execute('CREATE ROLE "less er" LOGIN')
    # actions_db by a role that gets more and more.
    assert 'GRANT SELECT ON action TO "less er"' in check(actions_db='less er', status=1)[0][-1]['reason']
    table.execute('GRANT SELECT ON action TO "less er"')
    problems, _, text = check(actions_db='less er')
    assert levels(problems) == [('warning', 'actions_db', 'error'), ('warning', 'actions_db', None)]
    assert problems[0]['reason'].endswith('GRANT UPDATE (error) ON action TO "less er"')
    assert 'role less er: the column error may not be written; the trigger is not up to date' in text
    table.execute('ALTER TABLE action DROP COLUMN dst')
    problems, said, _ = check('--fix', actions_db='less er', status=1)
    assert [p['level'] for p in problems] == ['error', 'error', 'warning', 'warning'] and said == ''
    assert all('to be the owner of the table' in p['reason'] for p in problems[:2])
    check('--fix')
    table.execute('GRANT UPDATE (error) ON action TO "less er"')
    assert check(actions_db='less er')[0] == []
    # internal_db by the same.
    problem, = check(internal_db='less er', status=1)[0]
    assert problem['reason'].endswith(
        'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "less er"')
    table.execute('GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO "less er"')
    problem, = check(internal_db='less er', status=1)[0]
    assert 'GRANT DELETE ON' in problem['reason']
    table.execute('GRANT DELETE ON ALL TABLES IN SCHEMA public TO "less er"')
    assert check(internal_db='less er')[0] == []
    table.execute('UPDATE scheduler_meta SET schema_version = 1')
    assert [p['level'] for p in check(internal_db='less er', status=1)[0]] == ['error', 'warning']
    table.execute('DROP TABLE scheduler_meta, scheduler_lane, scheduler_backlog, scheduler_open, '
                  'scheduler_definition, scheduler_history')
    problem, = check(internal_db='less er', status=1)[0]
    assert 'CREATE SCHEMA "less er" AUTHORIZATION "less er"' in problem['reason']
    table.execute('DROP OWNED BY "less er"; DROP ROLE "less er"')
    problem = check(actions_db='nobody at all', status=1)[0][0]
    assert problem['place'] == 'actions_db' and 'nobody at all' in problem['reason']


def test_mariadb_roles(program, mariadb_server):
    table = mariadb.MariaDbActions(mariadb_server)
    where = {'dialect': 'mariadb', 'host': '127.0.0.1', 'port': mariadb_server.port, 'username': 'root',
             'database': table.name}

    def check(*arguments, status=0, actions_db=None, internal_db=None):
        configure(program, json.dumps({'actions_db': where | {'username': actions_db or 'root'},
                                       'internal_db': where | {'username': internal_db or 'root'},
                                       'action': {'callback': 'print'}}))
        return json.loads(program.run('check', *arguments, '-o', 'json', status=status).stdout)

    assert [p['level'] for p in check()] == ['warning']
    table.sql("CREATE USER lesser; CREATE TABLE other (x INT); GRANT SELECT ON other TO lesser")
    needed = 'SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX'
    problem = check(internal_db='lesser', status=1)[0]
    assert problem['reason'].endswith(f"GRANT {needed} ON `{table.name}`.* TO 'lesser'@'%'")
    table.sql(f"GRANT {needed} ON {table.name}.* TO lesser")
    assert [p['level'] for p in check(internal_db='lesser')] == ['warning'], 'the table action is not there yet'
    table.sql(f"REVOKE ALL ON {table.name}.* FROM lesser")
    check()
    program.run('init', status=0)
    table.add('a', unix('30 9 * * *'))
    assert check() == []
    table.sql(f"GRANT SELECT, INSERT, UPDATE ON {table.name}.* TO lesser")
    problem, = check(internal_db='lesser', status=1)
    assert f"GRANT DELETE ON `{table.name}`.* TO 'lesser'@'%'" in problem['reason']
    table.sql(f"REVOKE ALL ON {table.name}.* FROM lesser")
    assert 'GRANT SELECT ON' in check(actions_db='lesser', status=1)[-1]['reason']
    table.sql('GRANT SELECT ON action TO lesser')
    problem, = check(actions_db='lesser')
    assert (problem['level'], problem['field']) == ('warning', 'error') and 'GRANT UPDATE' in problem['reason']
    table.sql('ALTER TABLE action DROP COLUMN dst')
    assert [p['level'] for p in check('--fix', actions_db='lesser', status=1)] == ['error', 'warning']
    table.sql('GRANT UPDATE (error) ON action TO lesser')
    assert check(actions_db='lesser') == []
    assert check('--fix') == [] and 'dst' in table.sql('DESCRIBE action')
    table.sql('DROP USER lesser')
