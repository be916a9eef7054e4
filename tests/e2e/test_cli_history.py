"""history: what became of the fires."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from lib.actions_db import EVERY_SECOND, apscheduler, unix
from lib.program import Program
from lib.wait import wait_for

RUN_KEYS = {'fire_id', 'action_id', 'action_name', 'status', 'reason', 'merged_into', 'started_at', 'finished_at',
            'attempts'}


@pytest.fixture
def program(binary, tmp_path):
    program = Program(binary, tmp_path)
    program.run('init', status=0)
    return program


def test_there_is_none_at_first(program):
    assert program.json('history') == []
    assert program.run('history', '-o', 'jsonl', status=0).stdout == ''


def test_a_file_that_is_not_there_yet_holds_none(program):
    done = program.run('history', '-o', 'json', environment={'INTERNAL_DB__DATABASE': 'new.db'}, status=0)
    assert json.loads(done.stdout) == [] and 'new.db' in done.stderr
    assert not (program.directory / 'new.db').exists()


@pytest.mark.parametrize('arguments', [
    ['--status', 'late'], ['--action', 'x'], ['--since', 'someday'], ['--limit', '-1'], ['--limit', 'x'],
    ['--follow', '-o', 'json']])
def test_wrong_arguments_are_refused(program, arguments):
    assert program.refused('history', *arguments).startswith('action-scheduler: ')


def test_a_mistyped_status_is_recognised(program):
    assert "did you mean 'delivered'?" in program.refused('history', '--status', 'deliverd')


def test_delivered_fires(scheduler):
    s = scheduler(actions=[{'command': 'a', 'name': 'A', 'cron': EVERY_SECOND}, {'command': 'b', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(6)
    s.stop()
    runs = [run for run in s.history() if run['status'] != 'note']
    assert len(runs) == len(s.lines)
    for run in runs:
        assert run.keys() >= RUN_KEYS | {'scheduled_at'} and not run.keys() & {'first', 'last', 'count'}
        assert run['fire_id'] == f'{run["action_id"]}@{run["scheduled_at"]}' and run['scheduled_at'].endswith('Z')
        assert run['status'] == 'delivered' and run['attempts'] == 1 and run['reason'] is run['merged_into'] is None
        assert run['action_name'] == {1: 'A', 2: 'b'}[run['action_id']]
    ends = [run['finished_at'] for run in runs]
    assert ends == sorted(ends, reverse=True)
    assert {run['action_id'] for run in s.history('--action', '1')} == {1}
    assert s.history('--status', 'failed') == []
    assert s.history('--since', 'tomorrow') == []
    assert len(s.history('--since', '-1h')) == len(runs)
    assert len(s.jsonl('history', '--limit', '3')) == 3
    assert s.jsonl('history', '--limit', '0') == s.history()
    s.actions.remove(1)
    assert {run['action_name'] for run in s.history('--action', '1')} == {None}
    table = s.run('history', '--limit', '1', check=0).stdout
    assert re.fullmatch(r'FIRE +NAME +STATUS +FINISHED +FROM NOW +ATTEMPTS +REASON\n2@\S+Z +b +delivered +\S+ +(now|\d+s ago) +1\n', table)


def test_missed_fires_are_a_range_with_its_count(scheduler, clock):
    s = scheduler(clock=clock, actions=[{'command': 'a', 'cron': unix('* * * * *'), 'actuality_time': 0}])
    s.start()
    s.stop()
    clock.advance(3600)
    s.start()
    wait_for(lambda: s.history('--status', 'missed'), what='the missed range')
    s.stop()
    ranges = [entry for entry in s.history('--status', 'missed') if 'count' in entry]
    assert sum(entry['count'] for entry in ranges) in (59, 60)
    for entry in ranges:
        assert entry.keys() >= RUN_KEYS | {'first', 'last', 'count'} and 'scheduled_at' not in entry
        assert entry['fire_id'] is None and entry['action_id'] == 1 and entry['started_at'] is None
        assert 'actuality_time' in entry['reason'] and entry['first'] < entry['last']
    assert f'({ranges[0]["count"]})' in s.run('history', '--status', 'missed', check=0).stdout


def test_merged_fires_say_into_which(scheduler, clock):
    s = scheduler(clock=clock, actions=[{'command': 'a', 'cron': unix('* * * * *'), 'merge_missed': 1}])
    s.start()
    s.stop()
    clock.advance(3600)
    s.start()
    s.wait_lines(1)
    s.wait_for(lambda: s.history('--status', 'merged'), what='the merged range')
    s.stop()
    delivered = {run['fire_id'] for run in s.history('--status', 'delivered')}
    for entry in s.history('--status', 'merged'):
        assert entry['merged_into'] in delivered


@pytest.mark.parametrize('choice, skipped', [('none', (59, 60)), ('-30min', (29, 30, 31)), ('all', (0,))])
def test_catch_up_is_chosen_at_the_start(scheduler, clock, choice, skipped):
    s = scheduler(clock=clock, actions=[{'command': 'a', 'cron': unix('* * * * *')}])
    s.start()
    s.stop()
    clock.advance(3600)
    s.start('--catch-up', choice)
    s.wait_for(lambda: sum(entry.get('count', 1) for entry in s.history('--action', '1')) >= 59, what='the missed hour')
    s.stop()
    entries = s.history('--status', 'skipped')
    assert sum(entry.get('count', 1) for entry in entries) in skipped
    assert all('--catch-up' in entry['reason'] for entry in entries)


def test_notes_are_there_and_can_be_left_out(scheduler, clock):
    s = scheduler(clock=clock, actions=[{'command': 'a', 'cron': unix('* * * * *')}])
    s.start()
    s.stop()
    clock.advance(86400)
    s.start()
    notes = s.wait_for(lambda: [entry for entry in s.history() if entry['status'] == 'note'], what='a note')
    s.stop()
    for note in notes:
        assert note['reason'] and note['finished_at'] and note['fire_id'] is None and note['action_id'] is None
    assert all(entry['status'] != 'note' for entry in s.history('--action', '1'))


def test_follow_shows_what_comes(scheduler):
    s = scheduler(actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    follower = subprocess.Popen([s.binary, 'history', '--follow', '-o', 'jsonl'], cwd=s.directory,
                                stdout=subprocess.PIPE, env={**os.environ, 'G_DEBUG': 'fatal-warnings'})
    s.start()
    seen = [json.loads(follower.stdout.readline()) for _ in range(4)]
    s.stop()
    follower.send_signal(signal.SIGINT)
    rest = [json.loads(line) for line in follower.stdout.read().splitlines()]
    follower.stdout.close()
    assert follower.wait(20) == -signal.SIGINT
    ids = [entry['fire_id'] for entry in seen + rest if entry['status'] == 'delivered']
    assert ids == sorted(set(ids)) and len(ids) >= 3
    every = [entry['fire_id'] for entry in s.history('--status', 'delivered')]
    assert ids == every[::-1][:len(ids)]


def test_follow_goes_on_over_the_scheduler_s_end(scheduler):
    s = scheduler(actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    follower = subprocess.Popen([s.binary, 'history', '--follow', '--status', 'delivered', '-o', 'jsonl'], cwd=s.directory,
                                env=s._environment(None), stdout=subprocess.PIPE, text=True)
    seen = [json.loads(follower.stdout.readline())['fire_id'] for _ in range(2)]
    s.kill()
    s.start()
    seen += [json.loads(follower.stdout.readline())['fire_id'] for _ in range(3)]
    # It is connected again: told by the scheduler, it need not look by itself.
    path = os.path.realpath(s.directory / 'control.sock')
    wait_for(lambda: Path('/proc/net/unix').read_text().count(path) >= 2, what='the follower on the socket')
    follower.send_signal(signal.SIGINT)
    follower.stdout.close()
    follower.wait(20)
    s.stop()
    delivered = [run['fire_id'] for run in reversed(s.history('--status', 'delivered'))]
    at = delivered.index(seen[0])
    assert seen == delivered[at:at + len(seen)]


def test_follow_ends_when_its_reader_goes(program):
    follower = subprocess.Popen([program.binary, 'history', '--follow'], cwd=program.directory, env=program.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    follower.stdout.readline()
    follower.stdout.close()
    assert follower.wait(20) in (0, -signal.SIGPIPE)
    assert follower.stderr.read() == b''
    follower.stderr.close()


def test_history_beside_a_running_scheduler(scheduler):
    s = scheduler(actions=[{'command': 'a', 'cron': apscheduler(second='*')}])
    s.start()
    s.wait_for(lambda: len(s.history('--status', 'delivered')) >= 2, what='two delivered fires')
    s.stop()
