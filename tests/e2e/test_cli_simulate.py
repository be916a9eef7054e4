"""simulate: what would fire, without firing it."""

import json
import re
from collections import Counter

import pytest

from lib.actions_db import ActionsDb, apscheduler, once, unix
from lib.program import Program

DAY = ('--from', '2030-05-06', '--to', '2030-05-07')


@pytest.fixture
def program(binary, tmp_path):
    program = Program(binary, tmp_path)
    program.run('init', status=0)
    program.actions = ActionsDb(tmp_path / 'database.db')
    return program


@pytest.mark.parametrize('arguments, said', [
    (['--from', '2030-05-07', '--to', '2030-05-06'], 'is not after --from'),
    (['--from', '2030-05-07', '--to', '2030-05-07'], 'is not after --from'),
    (['--from', 'someday'], "--from: 'someday'"), (['--to', 'someday'], "--to: 'someday'"),
    (['--timezone', 'Mars/Base'], '--timezone'), (['--limit', '-1'], '--limit'), (['--hottest', '0'], '--hottest'),
    (['--by', 'minutes'], "did you mean 'minute'?"), (['--action', 'x'], "--action: 'x'"), (['17'], "no argument '17'"),
    (['--histogram', '--by', 'second', '--to', '+2d'], 'at most 10000 bars')])
def test_wrong_arguments_are_refused(program, arguments, said):
    assert said in program.refused('simulate', *arguments)


def test_fires_are_those_of_next_in_order(program):
    program.actions.add(name='a', command='A', cron=unix('*/20 3 * * *'))
    program.actions.add(name='b', command='B', cron=apscheduler(hour='3', second='*/30', minute='0-1', jitter=50))
    program.actions.add(name='c', command='C', cron=once('2030-05-06T03:00:30+00:00'))
    program.actions.add(name='d', command='D', cron=unix('0 0 30 2 *'))
    fires = program.json('simulate', *DAY)
    expected = []
    for id, name in enumerate('abc', 1):
        of = program.json('next', id, '--after', '2030-05-05T23:59:59.999999', '--until', '2030-05-06T23:59:59.999999')[0]
        expected += [(due, id, name, nominal) for due, nominal in zip(of['fires'], of.get('scheduled_at', of['fires']))]
    key = [(fire['due_at'], fire['action_id'], fire['action_name'], fire['scheduled_at']) for fire in fires]
    assert key == sorted(expected) and len(key) == 8
    assert all(fire['command'] == fire['action_name'].upper() for fire in fires)
    assert all(fire['fire_id'] == f'{fire["action_id"]}@{fire["scheduled_at"][:-6]}Z' for fire in fires)
    assert program.json('simulate', *DAY, '--limit', '3') == fires[:3]
    assert program.json('simulate', *DAY, '--action', '3', '--action', '1') == [f for f in fires if f['action_id'] in (1, 3)]
    # A fire due at --to is none of them, one at --from is.
    assert [f['due_at'] for f in program.json('simulate', '--action', '1', '--from', '2030-05-06 03:20', '--to', '2030-05-06 03:40')] \
        == ['2030-05-06T03:20:00+00:00']
    moscow = program.json('simulate', *DAY, '--timezone', 'Europe/Moscow', '--action', '1')
    assert [fire['due_at'] for fire in moscow] == [f'2030-05-06T06:{minute}:00+03:00' for minute in ('00', '20', '40')]
    table = program.run('simulate', *DAY, '--limit', '1', status=0)
    assert re.fullmatch(r'DUE +ID +NAME +COMMAND +FIRE\n2030-05-06T03:00:00\+00:00 +1 +a +A +1@2030-05-06T03:00:00Z\n',
                        table.stdout) and table.stderr == ''


def test_counts_are_those_of_the_fires(program):
    program.actions.add(name='a', command='A', cron=unix('*/7 3-5 * * *'))
    program.actions.add(name='b', command='B', cron=apscheduler(minute='*/10', jitter=400))
    program.actions.add(name='never', command='C', cron=unix('0 0 30 2 *'))
    fires = program.json('simulate', *DAY)
    for by, length in (('second', 19), ('minute', 16), ('hour', 13), ('day', 10)):
        counts = {entry['from'][:length]: entry['fires'] for entry in program.json('simulate', *DAY, '--by', by)}
        assert counts == Counter(fire['due_at'][:length] for fire in fires)
    by_action = program.json('simulate', *DAY, '--by', 'action')
    assert {(e['action_id'], e['action_name']): e['fires'] for e in by_action} \
        == Counter((fire['action_id'], fire['action_name']) for fire in fires)
    assert program.json('simulate', *DAY, '--by', 'action', '--hottest', '1') == [max(by_action, key=lambda e: e['fires'])]
    hours = program.json('simulate', *DAY, '--by', 'hour')
    hottest = sorted(hours, key=lambda e: (-e['fires'], e['from']))
    assert program.json('simulate', *DAY, '--by', 'hour', '--hottest', '4') == hottest[:4]
    bars = program.run('simulate', *DAY, '--histogram', environment={'LC_ALL': 'C.UTF-8'}, status=0)
    lines = bars.stdout.splitlines()[1:]
    assert len(lines) == 24 and bars.stderr.startswith(f'action-scheduler: {len(fires)} fires of 3 actions with 3 schedules')
    assert [line for line in lines if line.count('█') == 60] == [line for line in lines if f' {hottest[0]["fires"]}  ' in line]
    plain = program.run('simulate', *DAY, '--histogram', environment={'LC_ALL': 'C'}, status=0).stdout
    assert '#' * 60 in plain and '█' not in plain


def test_units_are_those_of_the_zone(program):
    program.actions.add(name='a', command='A', cron=unix('0 * * * *'))
    days = program.json('simulate', '--timezone', 'Europe/Berlin', '--from', '2030-03-30 12:00', '--to', '2030-04-02', '--by', 'day')
    assert [(day['from'], day['fires']) for day in days] == [
        ('2030-03-30T12:00:00+01:00', 12), ('2030-03-31T00:00:00+01:00', 23), ('2030-04-01T00:00:00+02:00', 24)]


def test_bad_rows_are_said_and_stop_nothing(program):
    program.actions.add(name='a', command='A', cron=unix('0 3 * * *'))
    program.actions.add(name='b', command='B', cron=unix('99 3 * * *'))
    program.actions.add(name='c', command='C', cron=unix('0 3 * * *'), enabled=False)
    done = program.run('simulate', *DAY, '-o', 'json', status=0)
    assert [fire['action_id'] for fire in json.loads(done.stdout)] == [1]
    assert re.fullmatch(r'action-scheduler: action 2 does not fire: cron: .*99.*\n', done.stderr)
    assert 'there is no action 9' in program.failed('simulate', *DAY, '--action', '9', '--action', '1')
    nothing = program.run('simulate', *DAY, '--action', '3', status=0)
    assert nothing.stdout == 'DUE  ID  NAME  COMMAND  FIRE\n' and 'nothing fires in this time' in nothing.stderr


def test_without_a_table_there_is_nothing_to_simulate(program):
    (program.directory / 'database.db').unlink()
    assert 'actions_db' in program.failed('simulate')
