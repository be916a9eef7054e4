"""add, edit, remove, pause and resume: rows of the table changed from the command line, all of them or none."""

import json

import pytest

from lib.actions_db import ActionsDb, apscheduler, interval, once, unix
from lib.edit import edits_take_effect
from lib.program import Program

WITHOUT_OPTIONAL = 'actions_db: {dialect: sqlite, database: database.db}\naction: {callback: print}\n'


@pytest.fixture
def program(binary, tmp_path):
    """With a table that has every column."""
    program = Program(binary, tmp_path)
    program.run('init', status=0)
    return program


@pytest.fixture
def db(tmp_path):
    return ActionsDb(tmp_path / 'database.db')


@pytest.fixture
def plain(binary, tmp_path):
    """With the table of the Python program."""
    (tmp_path / 'config.yaml').write_text(WITHOUT_OPTIONAL)
    ActionsDb(tmp_path / 'database.db').create()
    return Program(binary, tmp_path)


ADD = ['add', '--name', 'n', '--command', 'c']
EVERY_MINUTE = ['--cron', '* * * * *']


def test_edits_take_effect(scheduler):
    s = scheduler(actions=None)
    s.run('init', check=0)
    s.start()
    edits_take_effect(s)


# --- add ---

def test_add_writes_what_is_named_and_nothing_else(program, db):
    added = program.json(*ADD, '--cron', '*/5 * * * *')
    assert (added['id'], added['name'], added['command'], added['schedule']) == (1, 'n', 'c', unix('*/5 * * * *'))
    assert added['normalised'] and len(added['next_fires']) == 5 and added['last_results'] == []
    assert db.rows()[0] == dict.fromkeys(db.rows()[0]) | {
        'id': 1, 'name': 'n', 'command': 'c', 'cron': json.dumps(unix('*/5 * * * *'))}
    text = program.run(*ADD, *EVERY_MINUTE, status=0).stdout
    assert text.startswith('ID              2\n') and '\nNext fires:\n' in text


def test_add_takes_every_column(program, db):
    options = {'timezone': 'Asia/Tokyo', 'callback': 'none', 'merge_missed': 'yes', 'actuality_time': -1,
               'catch_up_limit': 0, 'max_instances': 2, 'max_attempts': 3, 'timeout': 60, 'dst': 'vixie', 'topic': 't'}
    line = [word for name, value in options.items() for word in ('--' + name.replace('_', '-'), value)]
    program.run(*ADD, *EVERY_MINUTE, *line, '--disabled', status=0)
    row = db.rows()[0]
    assert {name: row[name] for name in options} == options | {'merge_missed': 1} and row['enabled'] == 0
    program.run('edit', 1, *(word if word.startswith('--') else 'default' for word in map(str, line)), status=0)
    row = db.rows()[0]
    assert not any(row[name] is not None for name in options) and row['enabled'] == 0


@pytest.mark.parametrize('document', [
    apscheduler(day='last', hour=18, jitter=5), apscheduler(second='*/20', end_date='2050-05-05'), interval(hours=2),
    unix('0 0 1 1 *')])
def test_add_takes_every_format(program, document):
    added = program.json(*ADD, '--schedule', json.dumps(document))
    assert added['schedule'] == document and added['state'] == 'active'


@pytest.mark.parametrize('options, said', [
    (['--cron', '61 * * * *'], '--cron: '), (['--cron', ''], '--cron: '),
    (['--schedule', '{"format": "unix"'], '--schedule: '), (['--schedule', '{"format": "lunar"}'], '--schedule: '),
    ([*EVERY_MINUTE, '--timezone', 'Mars/Olympus'], '--timezone: '),
    ([*EVERY_MINUTE, '--callback', 'nosuch'], '--callback: '),
    ([*EVERY_MINUTE, '--dst', 'never'], '--dst: '), ([*EVERY_MINUTE, '--topic', 'a b'], '--topic: '),
    ([*EVERY_MINUTE, '--max-attempts', '0'], '--max-attempts: '), ([*EVERY_MINUTE, '--timeout', '-1'], '--timeout: '),
    ([*EVERY_MINUTE, '--timeout', '1.5'], '--timeout must be a whole number or default'),
    ([*EVERY_MINUTE, '--merge-missed', '2'], '--merge-missed must be yes, no or default'),
    ([*EVERY_MINUTE, '--name', '\udcff'], '--name: is not valid UTF-8'),
    ([*EVERY_MINUTE, '--schedule', '{}'], '--cron and --schedule exclude each other'),
    ([], 'add needs --cron or --schedule'), ([*EVERY_MINUTE, 'x'], "takes no argument 'x'")])
def test_add_refuses_what_cannot_be(program, db, options, said):
    assert said in program.refused(*ADD, *options)
    assert db.rows() == []


def test_add_needs_its_columns_and_its_table(plain, db):
    assert 'add needs --name' in plain.refused('add', '--command', 'c', *EVERY_MINUTE)
    assert 'add needs --command' in plain.refused('add', '--name', 'c', *EVERY_MINUTE)
    for option in ['--timezone', 'UTC'], ['--disabled']:
        assert '`check --fix` adds it' in plain.failed(*ADD, *EVERY_MINUTE, *option)
    assert db.rows() == []
    plain.run(*ADD, *EVERY_MINUTE, '--timezone', 'default', status=0)
    assert len(db.rows()) == 1
    db.execute('DROP TABLE action')
    assert 'there is no table “action”; `action-scheduler init` makes it' in plain.failed(*ADD, *EVERY_MINUTE)
    (plain.directory / 'database.db').unlink()
    assert 'no such file; `action-scheduler init` makes it' in plain.failed(*ADD, *EVERY_MINUTE)


def test_a_schedule_that_never_fires_again_is_warned_of(program):
    done = program.run(*ADD, '--schedule', json.dumps(once('2020-01-01')), status=0)
    assert 'never fires again' in done.stderr and 'finished' in done.stdout


# --- edit ---

def test_edit_changes_only_what_is_named(program, db):
    db.add('c', unix('0 0 * * *'), name='n', actuality_time=5, error='old', timezone='UTC')
    before = db.rows()[0]
    shown = program.json('edit', 1, '--cron', '5 * * * *', '--max-attempts', 4, '--dry-run')
    assert (shown['schedule'], shown['max_attempts'], shown['actuality_time']) == (unix('5 * * * *'), 4, 5)
    assert db.rows() == [before]
    assert program.json('edit', 1, '--cron', '5 * * * *', '--max-attempts', 4) == shown
    assert db.rows() == [before | {'cron': json.dumps(unix('5 * * * *')), 'max_attempts': 4}]


def test_edit_of_what_cannot_be(program, db):
    db.add('c', unix('0 0 * * *'))
    before = db.rows()
    for line, said in [(['1'], 'edit needs an option'), ([], 'edit takes one id'), (['1', '2'], 'edit takes one id'),
                       (['x', '--name', 'n'], "'x' is not an id"), (['1', '--cron', '* *'], '--cron: '),
                       (['1', '--timezone', 'Nowhere'], '--timezone: ')]:
        assert said in program.refused('edit', *line)
    assert 'there is no action 9' in program.failed('edit', 9, '--name', 'n')
    assert 'there is no action 9' in program.failed('edit', 9, '--name', 'n', '-n')
    assert db.rows() == before


def test_edit_mends_a_bad_row_fault_by_fault(program, db):
    db.add('c', '{"format": ', max_attempts=0, callback='nosuch')
    done = program.run('edit', 1, '--max-attempts', 1, status=0)
    assert 'the action does not fire: callback: ' in done.stderr
    # The fault of another column hides none of what is given.
    assert '--cron: ' in program.refused('edit', 1, '--cron', '99 * * * *')
    assert 'cron: ' in program.run('edit', 1, '--callback', 'default', status=0).stderr
    done = program.run('edit', 1, *EVERY_MINUTE, status=0)
    assert done.stderr == '' and program.json('show', 1)['state'] == 'active'


# --- remove ---

def test_remove_is_all_or_nothing(program, db):
    db.add_many([{'command': name, 'cron': unix('* * * * *')} for name in 'abc'])
    assert 'remove takes one id or more' in program.refused('remove')
    assert "'1x' is not an id" in program.refused('remove', 3, '1x')
    assert 'there is no action 9' in program.failed('remove', 1, 9, 2)
    assert [action['id'] for action in program.json('remove', 3, 1, '--dry-run')] == [1, 3]
    assert len(db.rows()) == 3
    assert [action['command'] for action in program.json('remove', 3, 1, 3)] == ['a', 'c']
    assert [row['command'] for row in db.rows()] == ['b']


def test_what_a_trigger_of_the_database_refuses_is_said(program, db):
    db.add_many([{'command': name, 'cron': unix('* * * * *')} for name in 'ab'])
    db.execute("CREATE TRIGGER keep BEFORE DELETE ON action WHEN old.id = 2 BEGIN SELECT RAISE(ABORT, 'keep it'); END")
    said = program.failed('remove', 1, 2)
    assert 'action 2: ' in said and 'keep it' in said
    assert len(db.rows()) == 2


# --- pause, resume ---

def test_pause_and_resume(program, db):
    db.add_many([{'command': name, 'cron': unix('* * * * *')} for name in 'abc'])
    paused = program.json('pause', 3, 1, 3)
    assert [(action['id'], action['state'], action['enabled']) for action in paused] == [
        (1, 'paused', False), (3, 'paused', False)]
    assert [row['enabled'] for row in db.rows()] == [0, None, 0]
    again = program.run('pause', 1, 2, status=0)
    assert 'action 1 is paused already' in again.stderr and 'action 2' not in again.stderr
    assert [action['state'] for action in program.json('list')] == ['paused'] * 3
    resumed = program.run('resume', 1, 2, 3, '-o', 'jsonl', status=0)
    assert resumed.stdout.count('"state":"active"') == 3 and resumed.stderr == ''
    assert 'action 1 is not paused' in program.run('resume', 1, status=0).stderr
    assert [row['enabled'] for row in db.rows()] == [1, 1, 1]


@pytest.mark.parametrize('verb', ['pause', 'resume'])
def test_pause_and_resume_that_cannot_be(program, db, verb):
    db.add_many([{'command': name, 'cron': unix('* * * * *'), 'enabled': verb == 'resume'} for name in 'ab'])
    before = db.rows()
    assert f'{verb} takes one id or more' in program.refused(verb)
    assert "'x' is not an id" in program.refused(verb, 1, 'x')
    said = program.failed(verb, 1, 77, 78)
    assert 'there is no action 77' in said and 'there is no action 78' in said
    assert db.rows() == before


def test_pause_needs_its_column(plain, db):
    db.add('a', unix('* * * * *'))
    for verb in 'pause', 'resume':
        said = plain.failed(verb, 1)
        assert 'no column “enabled”' in said and '`action-scheduler check --fix`' in said
    plain.run('check', '--fix', status=0)
    assert plain.json('pause', 1)[0]['state'] == 'paused'
