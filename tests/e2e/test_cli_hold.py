"""pause --all and resume --all: everything waits, over restarts, and what was due meanwhile is missed or dropped."""

import json
import socket
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest

from lib.actions_db import EVERY_SECOND, unix

START = datetime(2030, 5, 6, 12, 0, 30, tzinfo=timezone.utc)
MINUTE = unix('* * * * *')
ACTIONS = [{'command': 'each', 'cron': MINUTE}, {'command': 'merged', 'cron': MINUTE, 'merge_missed': True},
           {'command': 'new', 'cron': MINUTE, 'actuality_time': 130}]


def accounted(s, action_id):
    counts = Counter()
    for entry in s.history('--action', str(action_id)):
        counts[entry['status']] += entry.get('count', 1)
    return counts


def ask(s, request):
    """A request of the control socket, and its answer."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(s.directory / 'control.sock'))
        client.sendall(json.dumps(request).encode() + b'\n')
        return json.loads(client.makefile().readline())


def pass_minutes(s, clock, minutes):
    """The clock goes on, and the scheduler has seen that: it has come past what was due, as its socket answers."""
    clock.advance(60 * minutes)
    s.wait_error(f'the clock stepped forward by {60 * minutes}.')
    assert ask(s, {'command': 'hold'})['changed'] is False


def test_a_hold_lasts_over_restarts_and_what_was_due_is_missed(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=ACTIONS)
    s.start()
    assert 'all is held (a new database)' in s.run('pause', '--all', '--reason', 'a new database', check=0).stderr
    again = s.run('pause', '--all', '--reason', 'another', check=0).stderr
    assert 'all is held already, since 2030-05-06T12:00:3' in again and '(a new database)' in again
    s.wait_for(lambda: s.notify.seen('STATUS', 'actions firing: 3, all is held'), 10, 'the STATUS of systemd')
    pass_minutes(s, clock, 6)
    queued = s.run('trigger', '1', '-o', 'json', check=0)
    assert json.loads(queued.stdout)[0]['status'] == 'queued' and 'runs after `resume --all`' in queued.stderr
    s.kill()
    # Nobody runs it while all is held.
    left = s.run('trigger', '2', check=1).stderr
    assert 'once `resume --all` has ended the hold' in left and s.lines == []
    s.start()
    s.wait_error('held since 2030-05-06T12:00:3')
    pass_minutes(s, clock, 4)
    assert s.lines == []
    assert 'made up for' in s.run('resume', '--all', check=0).stderr
    s.wait_lines(1 + 10 + 1 + 1 + 2)
    s.stop()
    assert Counter(line.command for line in s.lines) == Counter(each=11, merged=2, new=2)
    assert accounted(s, 1) == Counter(delivered=11) and accounted(s, 3) == Counter(delivered=2, missed=8)
    assert accounted(s, 2) == Counter(delivered=2, merged=9)
    notes = [entry['reason'] for entry in s.history() if entry['status'] == 'note']
    assert any(note.startswith('held: a new database') for note in notes)
    assert any('is over' in note for note in notes)
    assert 'nothing is held' in s.run('resume', '--all', '--skip', check=0).stderr


def test_what_was_due_is_dropped_with_skip(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=ACTIONS)
    s.start()
    assert ask(s, {'command': 'hold'}).keys() == {'ok', 'changed', 'held'}
    pass_minutes(s, clock, 10)
    answer = ask(s, {'command': 'release', 'skip': True})
    assert answer == {'ok': True, 'changed': True, 'held': None}
    s.wait_for(lambda: accounted(s, 3).total() == 10, 10, 'ten fires in the history')
    # Where no scheduler runs it is written down, and the start finds what is dropped.
    s.stop()
    assert 'all is held' in s.run('pause', '--all', '--reason', 'restore', check=0).stderr
    clock.advance(60 * 5)
    assert 'is dropped' in s.run('resume', '--all', '--skip', check=0).stderr
    assert 'nothing is held' in s.run('resume', '--all', check=0).stderr
    assert 'start the scheduler first' in s.run('pause', '--all', check=1).stderr
    clock.advance(60 * 2)
    s.start()
    s.wait_lines(2 + 1 + 2)
    s.stop()
    assert accounted(s, 1) == Counter(skipped=15, delivered=2)
    assert accounted(s, 2) == Counter(skipped=15, merged=1, delivered=1)
    reasons = {entry['reason'] for entry in s.history('--status', 'skipped')}
    assert reasons == {'due while everything was held, dropped by resume --all --skip'}


def test_without_internal_db_it_lasts_as_long_as_the_scheduler(scheduler):
    s = scheduler(config={'internal_db': None}, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    for verb in ('pause', 'resume'):
        assert 'none is configured' in s.run(verb, '--all', check=1).stderr
    s.start()
    s.run('pause', '--all', check=0)
    count = len(s.lines)
    answer = ask(s, {'command': 'trigger', 'ids': [1]})
    assert answer['fires'][0]['status'] == 'queued' and answer['held'].keys() == {'since'}
    assert len(s.lines) == count
    s.restart()
    s.wait_lines(count + 1)


def test_what_is_refused(scheduler):
    s = scheduler(actions=[{'command': 'a', 'cron': MINUTE}])
    for arguments in (['pause', '--all', '1'], ['pause', '--reason', 'x', '1'], ['resume', '--skip', '1'],
                      ['pause', '--all', '--reason', 'x' * 1001], ['resume', '1', '--all']):
        assert s.run(*arguments, check=2).stdout == ''
    assert 'no scheduler has used it yet' in s.run('pause', '--all', check=1).stderr
    s.start()
    for request, reason in (({'skip': 1}, '"skip" must be'), ({'reason': 'x'}, 'release has no key')):
        answer = ask(s, {'command': 'release'} | request)
        assert answer['ok'] is False and reason in answer['error']
    assert '"reason" must be' in ask(s, {'command': 'hold', 'reason': 7})['error']
    elsewhere = {'SERVER__SOCKET': 'other.sock'}
    assert 'does not answer on' in s.run('pause', '--all', environment=elsewhere, check=1).stderr
    s.stop()


@pytest.mark.parametrize('edit', [{'cron': unix('0 * * * *')}, None])
def test_an_action_that_changes_or_goes_while_held(scheduler, clock, edit):
    clock.set_now(START)
    s = scheduler(clock=clock, config={'track_changes_period': 1}, actions=[{'command': 'a', 'cron': MINUTE}])
    s.start()
    s.run('pause', '--all', check=0)
    pass_minutes(s, clock, 5)
    if edit:
        s.actions.update(1, **edit)
    else:
        s.actions.remove(1)
    s.wait_error('changed 1' if edit else 'removed 1')
    pass_minutes(s, clock, 10)
    s.run('resume', '--all', check=0)
    if edit:
        s.wait_lines(5)
        assert [line.command for line in s.lines] == ['a'] * 5
    s.stop()
    assert accounted(s, 1) == (Counter(delivered=5) if edit else Counter(skipped=5))
    assert s.clock.now() < START + timedelta(minutes=20)
