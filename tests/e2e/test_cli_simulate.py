"""simulate: what would fire, without firing it."""

import json
import re
from collections import Counter
from datetime import datetime, timezone

import pytest

from lib.actions_db import ActionsDb, apscheduler, once, unix
from lib.program import Program
from lib.schema import check_items

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
    (['--catch-up', 'none'], '--catch-up is of --missed'), (['--missed', '--by', 'hour'], 'does not go with --by'),
    (['--prune'], '--prune is of --diff'), (['--diff', 'x.yaml', '--by', 'day'], 'does not go with --by'),
    (['--table', '-', '--diff', '-'], 'cannot both be stdin'), (['--missed', '--table', 'x.yaml'], 'does not go with --table'),
    (['--missed', '--to', '+1h'], 'does not go with --to'), (['--missed', '--catch-up', 'some'], "--catch-up: it takes none, all or a time: 'some'"),
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


PROPOSED = """\
- {name: every hour, command: A, cron: {format: unix, params: {value: 0 * * * *}}}
- {id: 5, name: jittered, command: B, cron: {format: apscheduler, params: {hour: 3, minute: '*/10', jitter: 300}}}
- {name: bad, command: C, cron: {format: unix, params: {value: 99 * * * *}}}
- {name: off, command: D, enabled: false, cron: {format: unix, params: {value: '* * * * *'}}}
- {id: 5, name: again, command: E, cron: {format: unix, params: {value: '* * * * *'}}}
- {name: mistyped, comand: F}
"""


def test_a_file_can_stand_for_the_table(binary, tmp_path):
    program = Program(binary, tmp_path)
    (tmp_path / 'proposed.yaml').write_text(PROPOSED)
    done = program.run('simulate', *DAY, '--table', 'proposed.yaml', '--by', 'action', '-o', 'json', status=0)
    assert [(e['action_id'], e['action_name'], e['fires']) for e in json.loads(done.stdout)] == [(1, 'every hour', 24), (5, 'jittered', 6)]
    for said in ('proposed.yaml:5: id: 5 stands in line 2 already', 'comand', 'action 6 does not fire: cron: '):
        assert said in done.stderr
    fires = program.json('simulate', *DAY, '--table', '-', '--action', '5', input=PROPOSED)
    assert len(fires) == 6 and any(fire['due_at'] != fire['scheduled_at'] for fire in fires)
    assert 'no such file' in program.failed('simulate', '--table', 'none.yaml').lower()
    assert 'list' in program.failed('simulate', '--table', '-', input='a: 1')
    assert not (tmp_path / 'database.db').exists()


def test_diff_shows_what_an_edit_would_change(program):
    for name, cron in (('kept', unix('0 * * * *')), ('moved', unix('0 3 * * *')), ('more', unix('0 */2 * * *')),
                       ('off', unix('*/30 * * * *')), ('renamed', unix('0 4 * * *')), ('gone', unix('0 5 * * *'))):
        program.actions.add(name=name, command='x', cron=cron)
    file = """\
- {name: kept, cron: {params: {value: 0 * * * *}, format: unix}}
- {name: moved, cron: {format: unix, params: {value: 30 3 * * *}}}
- {name: more, cron: {format: unix, params: {value: 0 * * * *}}}
- {name: 'off', enabled: false}
- {id: 5, name: renamed so, command: y}
- {name: added, command: z, cron: {format: unix, params: {value: 0 6 * * *}}}
- {name: bad, command: z, cron: {format: unix, params: {value: 0 26 * * *}}}
"""
    done = program.run('simulate', *DAY, '--diff', '-', '-o', 'json', input=file, status=1)
    assert 'fires gone: 49, new: 14; rows added: 2, changed: 4, removed: 0, as they were: 1' in done.stderr
    assert 'stdin:7: the action does not fire: cron' in done.stderr  # as `import yaml` would refuse it
    file = ''.join(file.splitlines(keepends=True)[:-1])
    assert program.json('simulate', *DAY, '--diff', '-', input=file) == json.loads(done.stdout)[:-1]
    rows = [(row['change'], row['action_id'], row['action_name'], row['gone'], row['new'], row['kept'])
            for row in json.loads(done.stdout)]
    assert rows == [('changed', 2, 'moved', 1, 1, 0), ('changed', 3, 'more', 0, 12, 12), ('changed', 4, 'off', 48, 0, 0),
                    ('changed', 5, 'renamed so', 0, 0, 1), ('added', None, 'added', 0, 1, 0), ('added', None, 'bad', 0, 0, 0)]
    moved = json.loads(done.stdout)[0]
    assert (moved['first_gone'], moved['first_new'], moved['columns']) \
        == ('2030-05-06T03:00:00+00:00', '2030-05-06T03:30:00+00:00', ['cron'])
    pruned = program.json('simulate', *DAY, '--diff', '-', '--prune', '--action', '6', input=file)
    assert [(row['change'], row['action_id'], row['gone']) for row in pruned] == [('removed', 6, 1)]
    # Nothing was written, and a file stands for the table here, too.
    assert len(program.actions.rows()) == 6
    (program.directory / 'now.yaml').write_text(program.run('export', 'yaml', status=0).stdout)
    same = program.run('simulate', *DAY, '--table', 'now.yaml', '--diff', '-', '-o', 'json', input=file, status=0)
    assert json.loads(same.stdout) == json.loads(done.stdout)[:-1]
    table = program.run('simulate', *DAY, '--diff', '-', '--limit', '1', input=file, status=0).stdout
    assert re.fullmatch(r'CHANGE +ID +NAME +GONE +NEW +KEPT +FIRST GONE +FIRST NEW +COLUMNS\n'
                        r'changed +2 +moved +1 +1 +0 +\S+ +\S+ +cron\n', table)
    assert 'list' in program.failed('simulate', '--diff', '-', input='a: 1')


MINUTELY = unix('* * * * *')
POLICIES = [
    {'name': 'all', 'command': 'a'}, {'name': 'merged', 'command': 'b', 'merge_missed': 1},
    {'name': 'too old', 'command': 'c', 'actuality_time': 600}, {'name': 'limited', 'command': 'd', 'catch_up_limit': 5},
    {'name': 'removed', 'command': 'e'}, {'name': 'gone bad', 'command': 'f'}, {'name': 'edited', 'command': 'g'}]


def ended(history):
    """How many fires of each action ended how."""
    counts = Counter()
    for entry in history:
        if entry['action_id']:
            counts[entry['action_id'], entry['status']] += entry.get('count', 1)
    return counts


@pytest.mark.parametrize('catch_up', [(), ('--catch-up', '-30min')])
def test_what_is_foreseen_of_missed_fires_is_what_a_start_does(scheduler, clock, catch_up):
    clock.set_now(datetime(2030, 5, 6, 3, 0, 3, tzinfo=timezone.utc))
    s = scheduler(clock=clock)
    s.run('init', check=0)
    s.actions.add_many([{'cron': MINUTELY, **policy} for policy in POLICIES])
    nothing = s.run('simulate', '--missed', '-o', 'json', check=0)
    assert json.loads(nothing.stdout) == [] and 'nothing is owed' in nothing.stderr
    s.start()
    beside = s.run('simulate', '--missed', '-o', 'json', check=0)
    assert json.loads(beside.stdout) == [] and 'nothing is owed' in beside.stderr
    s.stop()
    clock.set_now(datetime(2030, 5, 6, 4, 0, 3, tzinfo=timezone.utc))
    s.actions.remove(5)
    s.actions.update(6, cron=unix('61 * * * *'))
    s.actions.update(7, cron=unix('0 0 1 1 *'))
    done = s.run('simulate', '--missed', *catch_up, '-o', 'json', check=0)
    rows = {row['action_name']: row for row in json.loads(done.stdout)}
    check_items('simulate-missed', [*rows.values()])
    assert list(rows) == [policy['name'] for policy in POLICIES] and 'action 6 does not fire: cron' in done.stderr
    assert all(row['owed'] == 60 == sum(row[key] for key in ('fired', 'merged', 'missed', 'skipped', 'failed'))
               and row['first'] == '2030-05-06T03:01:00+00:00' and row['last'] == '2030-05-06T04:00:00+00:00'
               and row['callback'] == 'print' and row['open'] == 0 for row in rows.values())
    assert rows['merged']['fired'] == 1 and rows['merged']['merged_into'] == '2030-05-06T04:00:00+00:00'
    assert rows['too old']['fired'] == 10 and rows['limited']['fired'] == 5
    assert rows['removed']['skipped'] == 60 and 'the action was removed' in rows['removed']['reasons']
    assert rows['all']['fired'] == rows['edited']['fired'] == (30 if catch_up else 60)
    only = s.run('simulate', '--missed', *catch_up, '--action', '2', check=0)
    assert re.search(r'\n +2 +merged +60 ', only.stdout) and only.stdout.count('\n') == 2
    if not catch_up:
        assert s.run('simulate', '--missed', '--catch-up', 'none', check=0).stderr.count('would fire 0') == 1
        s.run('pause', '--all', check=0)
        held = s.run('simulate', '--missed', '-o', 'json', check=0)
        assert 'all is held since' in held.stderr and held.stdout == done.stdout
        s.run('resume', '--all', check=0)
        # Where the table is out of reach a start goes by the definitions as last seen.
        other = s.run('simulate', '--missed', '-o', 'json', environment={'ACTIONS_DB__DATABASE': 'gone.db'}, check=0)
        assert 'as last seen' in other.stderr and all(row['fired'] for row in json.loads(other.stdout))
    s.start(*catch_up)
    names = {'fired': 'delivered', 'merged': 'merged', 'missed': 'missed', 'skipped': 'skipped'}
    foreseen = Counter({(row['action_id'], status): row[key] for row in rows.values() for key, status in names.items()})
    s.wait_for(lambda: ended(s.history()).total() >= foreseen.total(), what='the missed fires')
    s.stop()
    assert ended(s.history()) == +foreseen


def test_missed_needs_an_internal_db(program):
    config = (program.directory / 'config.yaml').read_text()
    (program.directory / 'config.yaml').write_text(re.sub(r'(?m)^internal_db:\n(  .*\n)*', '', config))
    assert 'no internal_db is configured' in program.failed('simulate', '--missed')


def test_missed_says_which_database_cannot_be_read(program):
    (program.directory / 'broken.db').write_bytes(b'no database' * 1000)
    assert 'internal_db: ' in program.failed('simulate', '--missed', environment={'INTERNAL_DB__DATABASE': 'broken.db'})
    assert 'actions_db: ' in program.failed('simulate', '--missed', environment={'ACTIONS_DB__DATABASE': 'gone.db'})
