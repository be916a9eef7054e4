"""next: of an expression, of actions, of a batch; times as people write them."""

import json

import pytest

from lib.actions_db import ActionsDb, apscheduler, unix
from lib.program import Program

AT = ['--after', '2024-01-01T00:00:00+00:00']


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


def fires(program, *arguments, **options):
    """Of the one schedule asked for."""
    answers = program.json('next', *arguments, **options)
    assert len(answers) == 1
    return answers[0]['fires']


# --- an expression ---

def test_an_expression_needs_no_configuration(program):
    answer, = program.json('next', '--cron', '*/5 * * * *', '--count', 2, '--timezone', 'UTC', *AT)
    assert answer == {
        'id': None, 'schedule': {'format': 'unix', 'params': {'value': '*/5 * * * *', 'timezone': 'UTC'}},
        'timezone': 'UTC', 'fires': ['2024-01-01T00:05:00+00:00', '2024-01-01T00:10:00+00:00'], 'exhausted': False}
    assert list(program.directory.iterdir()) == []


def test_a_document(program):
    document = json.dumps(apscheduler(day='last', timezone='Asia/Tokyo'))
    assert fires(program, '--schedule', document, '--count', 2, *AT) == [
        '2024-01-31T00:00:00+09:00', '2024-02-29T00:00:00+09:00']


def test_ten_fires_where_nothing_is_said(program):
    assert len(fires(program, '--cron', '* * * * *')) == 10


def test_the_end_of_a_schedule_is_told(program):
    document = json.dumps(apscheduler(year=2024, day='29', month='2'))
    answer, = program.json('next', '--schedule', document, '--timezone', 'UTC', *AT)
    assert answer['fires'] == ['2024-02-29T00:00:00+00:00'] and answer['exhausted'] is True
    answer, = program.json('next', '--cron', '0 0 30 2 *')
    assert answer['fires'] == [] and answer['exhausted'] is True
    assert program.run('next', '--cron', '0 0 30 2 *', status=0).stdout.endswith('\nNo fires.\n')


def test_until_is_inclusive(program):
    answer, = program.json('next', '--cron', '0 * * * *', '--timezone', 'UTC', *AT, '--until', '2024-01-01T02:00:00Z')
    assert answer['fires'] == ['2024-01-01T01:00:00+00:00', '2024-01-01T02:00:00+00:00']
    assert answer['exhausted'] is False


def test_the_zone_counts_for_schedule_and_times(program):
    assert fires(program, '--cron', '0 9 * * *', '--timezone', 'Europe/Berlin', '--after', '2024-03-30 09:00',
                 '--count', 2) == ['2024-03-31T09:00:00+02:00', '2024-04-01T09:00:00+02:00']


def test_the_configured_zone_and_dialect_count(ready):
    assert fires(ready, '--cron', '0 0 * * 0', '--count', 1, *AT,
                 environment={'TIMEZONE': 'Asia/Tokyo', 'UNIX_DIALECT': 'apscheduler'}) == ['2024-01-08T00:00:00+09:00']
    assert fires(ready, '--cron', '0 0 * * 0', '--count', 1, *AT) == ['2024-01-07T00:00:00+00:00']


def test_the_environment_counts_without_a_configuration(program):
    assert fires(program, '--cron', '0 0 * * *', '--count', 1, *AT, environment={'TIMEZONE': 'Asia/Tokyo'}) == [
        '2024-01-02T00:00:00+09:00']


def test_a_table_tells_how_far_off_they_are(test_clock_binary, clock, tmp_path):
    clock.set_now(1704067200.5)
    program = Program(test_clock_binary, tmp_path, {'ACTION_SCHEDULER_CLOCK': clock.path})
    assert program.run('next', '--cron', '0 12 * * *', '--count', 2, status=0).stdout == (
        'NORMALISED  {"format":"unix","params":{"value":"0 12 * * *","timezone":"UTC"}}\n'
        'TIMEZONE    UTC\n'
        'JITTER      none\n'
        '\n'
        'DAY  FIRE                       FROM NOW\n'
        'Mon  2024-01-01T12:00:00+00:00  in 11h 59min\n'
        'Tue  2024-01-02T12:00:00+00:00  in 1d 11h\n')
    program.run('next', '--cron', '0 12 * * *', '--after', 'yesterday', '--until', 'tomorrow', status=0)
    assert fires(program, '--cron', '0 0 * * *', '--after', 'today', '--count', 1) == ['2024-01-02T00:00:00+00:00']
    assert fires(program, '--cron', '0 * * * *', '--after', '-2h', '--count', 1) == ['2023-12-31T23:00:00+00:00']
    assert fires(program, '--cron', '0 * * * *', '--after', '1 day ago', '--count', 1) == ['2023-12-31T01:00:00+00:00']


@pytest.mark.parametrize('arguments', [
    ['--cron', '61 * * * *'], ['--cron', ''], ['--cron', '* * * *'], ['--schedule', '{'], ['--schedule', '5'],
    ['--schedule', '{"format": "unix", "params": {"value": "x"}}'],
    ['--cron', '* * * * *', '--timezone', 'Mars/Olympus'],
    ['--cron', '* * * * *', '--timezone', ''], ['--cron', '* * * * *', '--timezone', '+03:00'],
    ['--cron', '* * * * *', '--after', 'someday'], ['--cron', '* * * * *', '--until', '2024-02-30'],
    ['--cron', '* * * * *', '--count', '0'], ['--cron', '* * * * *', '--count', '-1'],
    ['--cron', '* * * * *', '--count', '100001'], ['--cron', '* * * * *', '--count', 'x'], [], ['one'],
    ['--cron', '* * * * *', '1'], ['--cron', '* * * * *', '--schedule', '{}'], ['--batch', '-', '--count', '5'],
    ['--batch', '-', '1']])
def test_wrong_arguments_are_refused(ready, arguments):
    for place in (['-q'], ['-v']):
        assert ready.refused(*place, 'next', *arguments).startswith('action-scheduler: ')


def test_a_bad_expression_is_explained(program):
    said = program.refused('next', '--cron', '* 25 * * *')
    assert '--cron: ' in said and 'hour' in said and '25' in said


# --- actions ---

def test_fires_of_actions(ready, db):
    db.add('a', unix('0 9 * * *'), timezone='Europe/Berlin')
    db.add('b', apscheduler(minute=30))
    answers = ready.json('next', 2, 1, '--count', 1, *AT)
    assert [(answer['id'], answer['timezone'], answer['fires']) for answer in answers] == [
        (2, 'UTC', ['2024-01-01T00:30:00+00:00']), (1, 'Europe/Berlin', ['2024-01-01T09:00:00+01:00'])]
    assert ready.json('next', 2, '--timezone', 'Asia/Kolkata', '--count', 1, *AT)[0]['fires'] == [
        '2024-01-01T06:30:00+05:30']
    text = ready.run('next', 1, 2, '--count', 1, status=0).stdout
    assert text.startswith('ACTION      1\n') and '\n\nACTION      2\n' in text


def test_jitter_of_an_action(ready, db):
    db.add('a', apscheduler(hour=12, jitter=60))
    answer, = ready.json('next', 1, '--count', 3, *AT)
    assert answer['scheduled_at'] == [f'2024-01-0{day}T12:00:00+00:00' for day in (1, 2, 3)]
    assert all(fire.startswith(nominal[:13]) for fire, nominal in zip(answer['fires'], answer['scheduled_at']))
    assert len(set(fire[13:] for fire in answer['fires'])) == 3
    assert answer == ready.json('next', 1, '--count', 3, *AT)[0]
    assert 'up to 1min later' in ready.run('next', 1, status=0).stdout


def test_a_paused_action_is_shown_and_said_to_be(ready, db):
    db.add('a', unix('0 * * * *'), enabled=0)
    done = ready.run('next', 1, '--count', 1, '-o', 'json', *AT, status=0)
    assert json.loads(done.stdout)[0]['fires'] == ['2024-01-01T01:00:00+00:00']
    assert 'action 1 is paused' in done.stderr
    assert ready.run('-q', 'next', 1, status=0).stderr == ''


def test_an_action_that_is_not_there(ready, db):
    db.add('a', unix('0 * * * *'))
    done = ready.run('next', 1, 99, '--count', 1, '-o', 'json', status=1)
    assert [answer['id'] for answer in json.loads(done.stdout)] == [1]
    assert 'there is no action 99' in done.stderr


# --- a batch ---

def test_the_example_of_a_batch(program):
    lines = [
        {'id': 'x', 'schedule': unix('*/5 * * * *'), 'timezone_default': 'UTC', 'after': '2024-01-01T00:00:00+00:00',
         'count': 2},
        {'id': {'any': 1}, 'schedule': unix('61 * * * *')},
        {'id': 3, 'schedule': apscheduler(year=2024), 'timezone_default': 'Asia/Tokyo',
         'after': '2023-01-01T00:00:00Z'},
    ]
    text = '\n'.join(map(json.dumps, lines)) + '\n\nnot json\n[]\n'
    done = program.run('next', '--batch', '-', input=text, status=1)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[0] == {
        'id': 'x', 'fires': ['2024-01-01T00:05:00+00:00', '2024-01-01T00:10:00+00:00'], 'exhausted': False}
    assert answers[1].keys() == {'id', 'error'} and answers[1]['id'] == {'any': 1}
    assert answers[2] == {'id': 3, 'fires': ['2024-01-01T00:00:00+09:00'], 'exhausted': True}
    assert [answer['id'] for answer in answers[3:]] == [None, None] and all('error' in each for each in answers[3:])
    assert done.stderr == ''


def test_a_batch_without_errors(program):
    path = program.directory / 'in.jsonl'
    path.write_text(json.dumps({'id': 1, 'schedule': unix('* * * * *')}))
    done = program.run('next', '--batch', 'in.jsonl', status=0)
    assert len(json.loads(done.stdout)['fires']) == 10
    assert program.run('next', '--batch', '-', input='', status=0).stdout == ''
    assert 'nosuch' in program.failed('next', '--batch', 'nosuch')


def test_the_zone_of_a_batch(ready):
    line = json.dumps({'id': 1, 'schedule': unix('0 0 * * *'), 'after': '2024-01-01T12:00:00Z', 'count': 1})
    for arguments, environment in ((['--timezone', 'Asia/Tokyo'], {}), ([], {'TIMEZONE': 'Asia/Tokyo'})):
        done = ready.run('next', '--batch', '-', *arguments, input=line, environment=environment, status=0)
        assert json.loads(done.stdout)['fires'] == ['2024-01-02T00:00:00+09:00']
