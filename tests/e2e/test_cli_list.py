"""init, list and show: what the table holds and what becomes of it."""

import json
from datetime import datetime, timezone

import pytest

from lib.actions_db import CREATE_TABLE, ActionsDb, apscheduler, interval, once, unix
from lib.program import Program
from lib.wait import wait_for

OPTIONAL = {'enabled', 'timezone', 'callback', 'max_instances', 'timeout', 'max_attempts', 'dst', 'catch_up_limit',
            'topic', 'error'}
LIST_KEYS = ['id', 'name', 'command', 'schedule', 'timezone', 'enabled', 'state', 'next_fire', 'last_status', 'error']
NEW_YEAR = datetime(2024, 1, 1, 0, 0, 0, 500000, timezone.utc)


@pytest.fixture
def program(binary, tmp_path):
    return Program(binary, tmp_path)


@pytest.fixture
def db(tmp_path):
    return ActionsDb(tmp_path / 'database.db')


@pytest.fixture
def ready(program):
    program.run('init', status=0)
    return program


@pytest.fixture
def at_new_year(test_clock_binary, clock, tmp_path):
    """With the optional columns, half a second into 2024."""
    program = Program(test_clock_binary, tmp_path, {'ACTION_SCHEDULER_CLOCK': clock.path})
    program.run('init', status=0)
    clock.set_now(NEW_YEAR)
    return program


def columns(db):
    return {row[1] for row in db.execute('PRAGMA table_info(action)')}


# --- init ---

def test_init_makes_a_configuration_that_works(program, db):
    done = program.run('init', status=0)
    assert 'wrote config.yaml' in done.stdout and str(program.directory / 'database.db') in done.stdout
    assert done.stderr == ''
    assert columns(db) >= OPTIONAL | {'id', 'name', 'command', 'cron', 'merge_missed', 'actuality_time'}
    assert program.json('list') == []
    assert program.json('check') == []


def test_init_leaves_what_is_there(program, db):
    program.run('init', status=0)
    config = program.directory / 'config.yaml'
    config.write_text(config.read_text().replace('database: database.db', 'database: other.db', 1))
    text = config.read_text()
    assert 'config.yaml is there and stays as it is' in program.run('init', status=0).stdout
    assert config.read_text() == text
    assert (program.directory / 'other.db').exists()


def test_init_force_overwrites_the_configuration_and_no_rows(program, db):
    program.run('init', status=0)
    template = (program.directory / 'config.yaml').read_text()
    db.add('x', unix('* * * * *'))
    (program.directory / 'config.yaml').write_text('not: a configuration')
    program.run('init', status=1)
    program.run('init', '--force', status=0)
    assert (program.directory / 'config.yaml').read_text() == template
    assert len(db.rows()) == 1


def test_init_completes_a_table_of_the_python_program(program, db):
    db.execute(CREATE_TABLE)
    db.add('x', unix('* * * * *'))
    assert '10 columns added' in program.run('init', status=0).stdout
    assert columns(db) >= OPTIONAL
    assert program.json('list')[0]['state'] == 'active'
    assert '0 columns added' in program.run('init', status=0).stdout


def test_init_writes_where_it_is_told(program):
    program.run('-c', 'sub.yaml', 'init', status=0)
    assert (program.directory / 'sub.yaml').exists() and not (program.directory / 'config.yaml').exists()
    assert 'nosuch' in program.run('-c', 'nosuch/config.yaml', 'init', status=1).stderr


def test_init_beside_a_running_scheduler(scheduler):
    s = scheduler(actions=[])
    s.start()
    assert 'a scheduler runs on it' in s.run('init', check=0).stdout
    s.stop()


def test_init_says_what_it_cannot_do(program):
    (program.directory / 'database.db').write_text('this is no database, however long it may be' * 100)
    assert 'actions_db' in program.run('init', status=1).stderr


# --- list ---

TABLE = """\
ID  NAME     COMMAND    SCHEDULE                                 TIMEZONE       STATE     NEXT FIRE                  FROM NOW  LAST  ERROR
 1  morning  echo 日本  30 9 * * 1-5                             Europe/Berlin  active    2024-01-01T08:30:00+00:00  in 8h
 2  often    b\\nc       hour=*/20 end_date=2050-05-05            UTC            active    2024-01-01T20:00:00+00:00  in 19h
 3  paused   once       date run_date=2024-05-05T10:00:00+00:00  UTC            paused
 4  over     old        date run_date=2020-05-05T10:00:00+00:00  UTC            finished
"""


def test_list_is_a_table(at_new_year, db):
    db.add('echo 日本', unix('30 9 * * 1-5'), name='morning', timezone='Europe/Berlin')
    db.add('b\nc', apscheduler(hour='*/20', end_date='2050-05-05'), name='often')
    db.add('once', once('2024-05-05T10:00:00+00:00'), name='paused', enabled=0)
    db.add('old', once('2020-05-05T10:00:00+00:00'), name='over')
    assert at_new_year.run('list', status=0).stdout == TABLE


def test_list_has_its_keys(at_new_year, db):
    ids = db.add_many([
        {'command': 'a', 'cron': unix('30 9 * * 1-5'), 'timezone': 'Europe/Berlin'},
        {'command': 'b', 'cron': apscheduler(minute=0, timezone='Asia/Tokyo')},
        {'command': 'c', 'cron': unix('* * * * *'), 'enabled': 0},
        {'command': 'd', 'cron': once('2020-05-05T10:00:00+00:00')},
        {'command': 'e', 'cron': unix('61 * * * *')},
        {'command': 'f', 'cron': '{"format": '},
    ])
    actions = at_new_year.json('list')
    assert [list(action) for action in actions] == [LIST_KEYS] * 6
    assert [action['id'] for action in actions] == ids
    assert [action['state'] for action in actions] == ['active', 'active', 'paused', 'finished', 'bad', 'bad']
    assert [action['next_fire'] for action in actions] == [
        '2024-01-01T09:30:00+01:00', '2024-01-01T10:00:00+09:00', None, None, None, None]
    assert [action['timezone'] for action in actions] == ['Europe/Berlin', 'Asia/Tokyo'] + ['UTC'] * 4
    assert [action['enabled'] for action in actions] == [True, True, False, True, True, True]
    assert actions[0]['schedule'] == unix('30 9 * * 1-5')
    assert actions[5]['schedule'] == '{"format": '
    assert all(action['error'] is None for action in actions[:4])
    assert actions[4]['error'].startswith('cron: ') and '61' in actions[4]['error']
    assert 'JSON' in actions[5]['error']
    assert all(action['last_status'] is None for action in actions)
    lines = at_new_year.run('list', '-o', 'jsonl', status=0).stdout.splitlines()
    assert [json.loads(line) for line in lines] == actions


@pytest.mark.parametrize('columns, field', [
    ({'cron': 'null'}, 'cron'), ({'cron': '{"format": "unix", "params": {"value": 5}}'}, 'cron'),
    ({'cron': b'\xff'}, 'cron'), ({'name': b'\xff\xfe'}, 'name'), ({'command': 'a\0b'}, 'command'),
    ({'timezone': 'Mars/Olympus'}, 'timezone'), ({'callback': 'nosuch'}, 'callback'), ({'dst': 'never'}, 'dst'),
    ({'max_instances': 0}, 'max_instances'), ({'merge_missed': 'perhaps'}, 'merge_missed'),
    ({'timeout': -1}, 'timeout'),
    ({'enabled': 'maybe'}, 'enabled'), ({'actuality_time': 1.5}, 'actuality_time')])
def test_bad_rows_do_no_harm_to_good_ones(ready, db, columns, field):
    db.add_many([{'command': 'good', 'cron': unix('* * * * *')},
                 {'command': 'bad', 'name': 'bad', 'cron': unix('* * * * *')} | columns])
    good, bad = ready.json('list')
    assert good['state'] == 'active' and good['error'] is None
    assert bad['state'] == 'bad' and bad['error'].startswith(f'{field}: ')
    assert ready.run('list', status=0).stdout.count('\n') == 3
    assert ready.json('show', 2)['state'] == 'bad'
    ready.run('show', 2, status=0)
    problems = ready.json('check', status=1)
    assert [(p['level'], p['id'], p['field']) for p in problems] == [('error', 2, field)]
    assert 'action 2: ' in ready.run('next', 1, 2, status=1).stderr


def test_jitter_is_in_the_next_fire(at_new_year, db):
    db.add('a', apscheduler(hour=12, jitter=600))
    fire = datetime.fromisoformat(at_new_year.json('list')[0]['next_fire'])
    assert 0 < (fire - datetime(2024, 1, 1, 12, tzinfo=timezone.utc)).total_seconds() <= 600
    assert at_new_year.json('next', 1, '--count', 1)[0]['fires'] == [at_new_year.json('list')[0]['next_fire']]


def test_list_without_internal_db_knows_no_results(program, db):
    (program.directory / 'config.yaml').write_text(
        'actions_db: {dialect: sqlite, database: database.db}\naction: {callback: print}\n')
    program.run('init', status=0)
    db.add('a', unix('* * * * *'))
    assert program.json('list')[0]['last_status'] is None
    assert 'no internal_db' in program.failed('history')


@pytest.mark.parametrize('arguments', [['list'], ['show', '1'], ['next', '1']])
def test_a_table_that_is_not_there_is_said(program, arguments):
    (program.directory / 'config.yaml').write_text(
        'actions_db: {dialect: sqlite, database: database.db}\naction: {callback: print}\n')
    assert str(program.directory / 'database.db') in program.failed(*arguments)
    ActionsDb(program.directory / 'database.db').execute('CREATE TABLE other (x)')
    assert 'actions_db: ' in program.failed(*arguments)


def test_a_long_list_streams_in_little_memory(ready, db):
    db.add_many([{'command': 'c' * 1000, 'cron': unix(f'{i % 60} * * * *')} for i in range(30000)])
    text = ready.run('list', '-o', 'jsonl', status=0).stdout
    assert text.count('\n') == 30000
    assert ready.run('list', status=0).stdout.count('\n') == 30001
    assert len(ready.json('list')) == 30000


# --- show ---

def test_show_has_everything(at_new_year, db):
    db.add('a', apscheduler(hour='*/6'), name='A', timezone='Asia/Tokyo', max_attempts=5, timeout=60)
    shown = at_new_year.json('show', 1)
    assert list(shown)[:len(LIST_KEYS)] == LIST_KEYS
    assert shown['normalised']['params']['timezone'] == 'Asia/Tokyo'
    assert shown['next_fires'][:2] == ['2024-01-01T12:00:00+09:00', '2024-01-01T18:00:00+09:00']
    assert len(shown['next_fires']) == 5 and shown['last_results'] == []
    assert {key: shown[key] for key in (
        'callback', 'merge_missed', 'actuality_time', 'catch_up_limit', 'max_instances', 'max_attempts', 'timeout',
        'dst', 'topic')} == {'callback': 'print', 'merge_missed': False, 'actuality_time': -1, 'catch_up_limit': None,
                    'max_instances': 3, 'max_attempts': 5, 'timeout': 60, 'dst': 'wall_clock', 'topic': None}


def test_show_is_readable(at_new_year, db):
    db.add('a', unix('0 12 * * *'), name='noon', max_attempts=5)
    text = at_new_year.run('show', 1, status=0).stdout
    assert '\nSCHEDULE        0 12 * * *\n' in text
    assert '\nMAX ATTEMPTS    5\n' in text
    assert '\nNext fires:\n2024-01-01T12:00:00+00:00  in 11h 59min\n' in text


def test_show_of_what_is_not_there(ready):
    assert 'there is no action 99' in ready.failed('show', 99)
    assert 'there is no action 99' in ready.failed('show', 99, '-o', 'json')


def test_results_are_shown(scheduler):
    s = scheduler(actions=[{'command': 'a', 'cron': apscheduler(second='*')},
                           {'command': 'b', 'cron': interval(days=1)}])
    s.start()
    s.wait_lines(2, 'a')
    wait_for(lambda: s.jsonl('list')[0]['last_status'], what='a result')
    s.stop()
    assert [action['last_status'] for action in s.jsonl('list')] == ['delivered', None]
    shown = json.loads(s.run('show', '1', '-o', 'json', check=0).stdout)
    assert shown['last_status'] == 'delivered'
    assert shown['last_results'][0]['fire_id'].startswith('1@') and len(shown['last_results']) >= 2
    assert 'Last results:' in s.run('show', '1', check=0).stdout
