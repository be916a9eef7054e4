"""progress: how far each callback has come, and setting it after a restored backup."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime, timezone

import pytest

from lib.actions_db import unix
from lib.program import Program

START = datetime(2030, 5, 6, 12, 0, 30, tzinfo=timezone.utc)
MINUTE = unix('* * * * *')


@pytest.fixture
def program(binary, tmp_path):
    program = Program(binary, tmp_path)
    program.run('init', status=0)
    return program


@pytest.mark.parametrize('arguments', [
    [], ['move'], ['show', 'x'], ['show', '--repeat'], ['show', '--dry-run'], ['set'], ['set', 'now', 'now'],
    ['set', 'someday'], ['set', 'tomorrow'], ['show', '--timezone', 'Nowhere']])
def test_wrong_arguments_are_refused(program, arguments):
    assert program.refused('progress', *arguments).startswith('action-scheduler: ')


def test_a_mistyped_word_is_recognised(program):
    assert "did you mean 'progress show'?" in program.refused('progress', 'shwo')


def test_there_is_none(program):
    """internal_db that no scheduler has used, or that is not there, or not configured."""
    assert program.json('progress', 'show') == []
    assert 'no scheduler has used it yet' in program.failed('progress', 'set', 'now')
    for verb in (['show'], ['set', 'now']):
        absent = program.failed('progress', *verb, environment={'INTERNAL_DB__DATABASE': 'new.db'})
        assert 'no scheduler has used it yet' in absent
    assert not (program.directory / 'new.db').exists()
    (program.directory / 'without.yaml').write_text(
        'actions_db: {dialect: sqlite, database: database.db}\naction: {callback: print}\n')
    for verb in (['show'], ['set', 'now'], ['set', 'now', '--dry-run']):
        assert 'configured' in program.failed('-c', 'without.yaml', 'progress', *verb)


def lane(s, *arguments):
    lanes = json.loads(s.run('progress', 'show', '-o', 'json', *arguments, check=0).stdout)
    assert len(lanes) == 1
    return lanes[0]


def accounted(s):
    counts = Counter()
    for entry in s.history('--action', '1'):
        counts[entry['status']] += entry.get('count', 1)
    return counts


def copy(source, target):
    with closing(sqlite3.connect(source)) as a, closing(sqlite3.connect(target)) as b:
        a.backup(b)


def restore(s, backup):
    for suffix in ('-wal', '-shm'):
        (s.directory / f'internal.db{suffix}').unlink(missing_ok=True)
    copy(backup, s.directory / 'internal.db')


def fires_up_to(s, clock, minutes, count):
    """The clock goes on, and what was due is delivered."""
    clock.advance(60 * minutes)
    s.wait_lines(count)
    s.wait_for(lambda: accounted(s)['delivered'] >= count, 10, f'{count} fires in the history')


def test_after_a_restored_backup(scheduler, clock):
    """Three minutes, a backup, five more; then the backup is put back, and what was delivered is not repeated."""
    clock.set_now(START)
    s = scheduler(clock=clock, config={'internal_db': {'database': 'internal.db'}},
                  actions=[{'command': 'a', 'cron': MINUTE}])
    s.start()
    fires_up_to(s, clock, 3, 3)
    backup = s.directory / 'backup.db'
    copy(s.directory / 'internal.db', backup)
    fires_up_to(s, clock, 5, 8)
    assert 'stop the scheduler first' in s.run('progress', 'set', 'now', check=1).stderr
    s.stop()
    restore(s, backup)
    assert lane(s)['watermark'].startswith('2030-05-06T12:03:') and lane(s)['clock_epoch'] == 0
    said = s.run('progress', 'set', '2030-05-06T12:08:30Z', '--dry-run', check=0).stderr
    assert 'what was due before is dropped' in said and lane(s)['backlog'] == []
    s.run('progress', 'set', '2030-05-06T12:08:30Z', check=0)
    after = lane(s)
    assert after['watermark'] == '2030-05-06T12:08:29.999999Z' and len(after['backlog']) == 1
    assert 'dropped' in s.run('progress', 'show', check=0).stdout
    berlin = s.run('progress', 'show', '--timezone', 'Europe/Berlin', check=0).stdout
    assert '2030-05-06T14:08:29.999999+02:00' in berlin
    # Two minutes of downtime come on top, which are made up for.
    clock.advance(60 * 2)
    s.start()
    s.wait_lines(8 + 2)
    s.wait_for(lambda: accounted(s) == Counter(delivered=3 + 2, skipped=5), 10, 'five dropped, two made up for')
    s.stop()
    skipped = s.history('--status', 'skipped')
    assert [(entry['count'], entry['first'][11:16], entry['last'][11:16]) for entry in skipped] == [(5, '12:04', '12:08')]
    assert skipped[0]['reason'] == 'due before the time of progress set'
    # Back: only where it is asked for, and then the same ids come again.
    assert '--repeat' in s.run('progress', 'set', '2030-05-06T12:09:00Z', check=1).stderr
    said = s.run('progress', 'set', '2030-05-06T12:09:00Z', '--repeat', '--lane', 'print', check=0).stderr
    assert 'are repeated' in said and lane(s, '--lane', 'print')['clock_epoch'] == 1
    s.start()
    s.wait_lines(10 + 2)
    s.stop()
    repeated = Counter(entry['fire_id'] for entry in s.history('--status', 'delivered'))
    assert repeated['1@2030-05-06T12:09:00Z'] == repeated['1@2030-05-06T12:10:00Z'] == 2
    assert repeated['1@2030-05-06T12:03:00Z'] == 1
    for verb in ('show', 'set'):
        arguments = ['progress', verb, '--lane', 'kafka'] + (['now'] if verb == 'set' else [])
        assert 'no progress of callback kafka' in s.run(*arguments, check=1).stderr


def test_open_fires_are_over(scheduler, clock):
    """A fire that waits for its next attempt is dropped with what is due before."""
    clock.set_now(START)
    s = scheduler(clock=clock, config={'action': {'callback': 'exec', 'defaults': {'max_attempts': 5}}, 'exec': {'enabled': True}},
                  actions=[{'command': 'false', 'cron': MINUTE}])
    s.start()
    clock.advance(60)
    s.wait_for(lambda: lane(s)['open'], 10, 'an open fire')
    s.stop()
    (fire,) = lane(s)['open']
    assert fire['fire_id'] == '1@2030-05-06T12:01:00Z' and fire['attempts'] >= 1
    assert '1@2030-05-06T12:01:00Z' in s.run('progress', 'show', check=0).stdout
    assert 'open fires over: 1' in s.run('progress', 'set', 'now', check=0).stderr
    assert lane(s)['open'] == []
    (entry,) = s.history('--action', '1')
    assert entry['status'] == 'skipped' and entry['attempts'] == fire['attempts']
