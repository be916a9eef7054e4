"""The callback exec: programs are run by a helper of the program."""

import json
import os
import signal
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from lib.actions_db import EVERY_SECOND, interval, once
from lib.wait import wait_for

# Notes what it was called with, and runs until there is a file `go`. It takes SIGTERM as a reason to end, unless it is
# called as `stubborn`.
JOB = """#!/bin/sh
cd "${0%/*}"
note() { echo "$1 $$ $FIRE_ID $ATTEMPT" >>notes; }
if [ "$1" = stubborn ]; then trap 'note term' TERM; else trap 'note term; exit 1' TERM; fi
note begun
echo "output of $ACTION_NAME"
until [ -e go ]; do sleep 0.02; done
note done
"""


@pytest.fixture
def programs(scheduler):
    """A factory: a scheduler whose default callback is exec, with a program `job` in its directory."""
    def make(exec_config=None, action=None, **options):
        config = {'action': {'callback': 'exec', **(action or {})}, 'exec': {'enabled': True, **(exec_config or {})},
                  **options.pop('config', {})}
        made = scheduler(config=config, **options)
        job = made.directory / 'job'
        job.write_text(JOB, encoding='utf-8')
        job.chmod(0o755)
        return made
    return make


def notes(running, what=None):
    """What the programs noted, each a tuple (what, pid, fire id, attempt)."""
    path = running.directory / 'notes'
    lines = path.read_text(encoding='utf-8').splitlines() if path.exists() else []
    found = [(name, int(pid), fire_id, int(attempt)) for name, pid, fire_id, attempt in map(str.split, lines)]
    return [each for each in found if what in (None, each[0])]


def stat(pid):
    """Name, state and parent of a process; None where there is none."""
    try:
        text = Path(f'/proc/{pid}/stat').read_text(encoding='utf-8', errors='replace')
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, rest = text[text.index('(') + 1:text.rindex(')')], text[text.rindex(')') + 2:].split()
    return name, rest[0], int(rest[1])


def lives(pid):
    """Whether the process is there and not dead."""
    found = stat(pid)
    return found is not None and found[1] not in 'ZX'


def children(parent, name):
    """The living processes of that name and parent."""
    found = ((int(each.name), stat(each.name)) for each in Path('/proc').iterdir() if each.name.isdigit())
    return [pid for pid, its in found if its and its[0] == name and its[2] == parent and its[1] not in 'ZX']


def helpers(running):
    """The keeper and the helper of a scheduler that runs."""
    keeper, = children(running.process.pid, 'as-exec-keeper')
    helper, = children(keeper, 'as-exec-helper')
    return keeper, helper


def delivered(running):
    """The entries of fires that were delivered."""
    return [entry for entry in running.history() if entry['status'] == 'delivered']


def job(running, *arguments):
    """The command that runs the job."""
    return ' '.join([str(running.directory / 'job'), *arguments])


def begin(running, *arguments):
    """Starts a scheduler with one action that comes due once, and waits until its program has begun."""
    running.run('init', check=0)
    running.actions.add(job(running, *arguments), EVERY_SECOND, name='report')
    running.start()
    first = running.wait_for(lambda: notes(running, 'begun'), what='the program has begun')[0]
    running.actions.execute('UPDATE action SET cron = ?', json.dumps(interval(weeks=100)))
    return first


def test_programs_run_and_their_output_is_in_log_and_history(programs):
    running = programs(actions=[
        {'id': 1, 'name': 'one', 'command': 'printf "%s\\n" "$HOME" \'a  b\'', 'cron': EVERY_SECOND},
        {'id': 2, 'name': 'two', 'command': 'sh -c "echo no; exit 3"', 'cron': EVERY_SECOND}])
    running.start()
    running.wait_for(lambda: {entry['action_id'] for entry in running.history()} == {1, 2}, 20)
    running.wait_error('a  b')
    running.stop()
    one, two = (next(entry for entry in running.history() if entry['action_id'] == i) for i in (1, 2))
    assert (one['status'], one['detail']) == ('delivered', '$HOME\na  b')
    assert (two['status'], two['detail'], two['attempts']) == ('failed', 'exit status 3\nno', 1)
    assert f'callback exec: {one["fire_id"]}: a  b' in running.stderr
    assert running.stdout == b''


def test_nothing_runs_unless_it_is_enabled(scheduler):
    running = scheduler(actions=[{'command': 'touch ran', 'cron': EVERY_SECOND}])
    running.run('init', check=0)
    running.actions.execute('UPDATE action SET callback = ?', 'exec')
    running.start()
    running.wait_error('exec is off; set exec.enabled: true to let rows run programs')
    running.stop()
    assert not (running.directory / 'ran').exists()
    assert not children(os.getpid(), 'as-exec-keeper')
    running.configure(action={'callback': 'exec'})
    done = running.run('run')
    assert done.returncode == 1
    assert 'exec is off; set exec.enabled: true to let rows run programs' in done.stderr


def test_rows_choose_it_beside_other_callbacks(programs):
    running = programs(action={'callback': 'print'}, exec_config={'programs': {'hello': 'echo hello'}}, actions=[])
    running.run('init', check=0)
    running.actions.add('printed', EVERY_SECOND)
    running.actions.add('hello you', EVERY_SECOND, name='run', callback='exec')
    running.actions.add('touch ran', EVERY_SECOND, name='not allowed', callback='exec')
    running.start()
    running.wait_lines(2, 'printed')
    running.wait_error('hello you')
    running.wait_for(lambda: any(entry['status'] == 'failed' for entry in running.history()), 20)
    running.stop()
    assert {entry['detail'] for entry in running.history() if entry['status'] == 'failed'} == {
        'exec: "touch" is not one of exec.programs'}


def test_sigterm_waits_for_the_program(programs):
    running = programs(actions=[])
    _, pid, fire_id, _ = begin(running)
    running.send(signal.SIGTERM)
    running.wait_error('SIGTERM')
    assert lives(pid)
    keeper, helper = helpers(running)
    (running.directory / 'go').touch()
    assert running.wait() == 0
    assert ('done', pid, fire_id, 1) in notes(running)
    assert not notes(running, 'term')
    assert fire_id in [entry.get('fire_id') for entry in running.history() if entry['status'] == 'delivered']
    wait_for(lambda: not lives(helper) and not lives(keeper), 20, 'the end of the helper')


def test_a_program_past_the_shutdown_timeout_is_ended_and_run_again(programs):
    running = programs(config={'shutdown_timeout': 1}, actions=[])
    _, pid, fire_id, _ = begin(running)
    running.send(signal.SIGTERM)
    assert running.wait() == 1
    wait_for(lambda: not lives(pid), 20, 'the end of the program')
    assert ('term', pid, fire_id, 1) in notes(running)
    (running.directory / 'go').touch()
    running.start()
    running.wait_for(lambda: [note for note in notes(running, 'done') if note[2] == fire_id], 20)
    running.stop()


def test_kill_9_of_the_scheduler_ends_the_program_and_runs_it_again(programs):
    running = programs(actions=[])
    _, pid, fire_id, _ = begin(running)
    keeper, helper = helpers(running)
    running.kill()
    wait_for(lambda: not lives(pid) and not lives(helper) and not lives(keeper), 20, 'the end of all')
    # It was asked to end before anything else.
    assert ('term', pid, fire_id, 1) in notes(running)
    assert not notes(running, 'done')
    (running.directory / 'go').touch()
    running.start()
    again = running.wait_for(lambda: [note for note in notes(running, 'done') if note[2] == fire_id], 20)
    running.wait_for(lambda: [entry for entry in running.history() if entry.get('fire_id') == fire_id], 20)
    running.stop()
    assert again[0][1] != pid
    entry = next(entry for entry in running.history() if entry.get('fire_id') == fire_id)
    assert entry['status'] == 'delivered'


def test_kill_9_of_the_scheduler_kills_the_program_that_does_not_end(programs):
    running = programs({'kill_after': 1}, actions=[])
    _, pid, fire_id, _ = begin(running, 'stubborn')
    _, helper = helpers(running)
    running.kill()
    wait_for(lambda: not lives(pid) and not lives(helper), 20, 'the end of the program')
    assert ('term', pid, fire_id, 1) in notes(running)
    assert not notes(running, 'done')


def test_at_most_once_what_was_running_at_a_kill_9_has_failed(programs):
    running = programs({'delivery': 'at_most_once'}, actions=[])
    _, pid, fire_id, _ = begin(running)
    running.kill()
    wait_for(lambda: not lives(pid), 20, 'the end of the program')
    (running.directory / 'go').touch()
    running.start()
    running.wait_for(lambda: [entry for entry in running.history() if entry.get('fire_id') == fire_id], 20)
    running.stop()
    entry = next(entry for entry in running.history() if entry.get('fire_id') == fire_id)
    assert entry['status'] == 'failed'
    assert [note for note in notes(running, 'begun') if note[2] == fire_id] == [('begun', pid, fire_id, 1)]


def test_kill_9_of_the_helper_runs_what_it_ran_again(programs):
    running = programs(actions=[])
    _, pid, fire_id, _ = begin(running)
    keeper, helper = helpers(running)
    os.kill(helper, signal.SIGKILL)
    running.wait_error('the process that starts programs has died, and they with it')
    wait_for(lambda: not lives(pid), 20, 'the end of the program')
    (running.directory / 'go').touch()
    running.wait_for(lambda: [note for note in notes(running, 'done') if note[2] == fire_id], 40)
    running.wait_error('callback exec: works again')
    assert helpers(running)[0] == keeper
    running.stop()
    assert not [entry for entry in running.history() if entry['status'] == 'failed']


def test_without_keeper_and_helper_the_scheduler_ends_and_owes_the_fire(programs):
    running = programs(actions=[])
    _, pid, fire_id, _ = begin(running)
    keeper, helper = helpers(running)
    os.kill(keeper, signal.SIGKILL)
    wait_for(lambda: not lives(keeper), 20, 'the end of the keeper')
    os.kill(helper, signal.SIGKILL)
    assert running.wait() == 1
    assert 'programs cannot be started: the process that makes helpers is gone' in running.stderr
    (running.directory / 'go').touch()
    running.start()
    running.wait_for(lambda: [note for note in notes(running, 'done') if note[2] == fire_id], 20)
    running.stop()


def test_a_program_that_takes_too_long_is_ended(programs):
    running = programs(action={'defaults': {'timeout': 1}}, actions=[])
    _, pid, fire_id, _ = begin(running)
    running.wait_for(lambda: any(entry['status'] == 'failed' for entry in running.history()), 20)
    wait_for(lambda: not lives(pid), 20, 'the end of the program')
    running.stop()
    entry = next(entry for entry in running.history() if entry.get('fire_id') == fire_id)
    assert entry['detail'].startswith('timed out after 1 s\noutput of report')


def test_a_failed_run_is_tried_again(programs):
    running = programs(action={'defaults': {'max_attempts': 2}}, actions=[
        {'command': 'sh -c "echo $ATTEMPT; test $ATTEMPT = 2"', 'cron': EVERY_SECOND}])
    running.start()
    running.wait_for(lambda: any(entry['status'] == 'delivered' for entry in running.history()), 30)
    running.stop()
    entry = [entry for entry in running.history() if entry['status'] == 'delivered'][-1]
    assert (entry['attempts'], entry['detail']) == (2, '2')


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_the_user_is_another(programs):
    running = programs({'user': 'nobody'}, actions=[{'command': 'sh -c "id -un; id -Gn"', 'cron': EVERY_SECOND}])
    running.start()
    running.wait_for(lambda: any(entry['status'] == 'delivered' for entry in running.history()), 20)
    running.stop()
    assert running.history()[-1]['detail'] == 'nobody\nnogroup'


def test_what_cannot_be_is_an_error_at_the_start(programs):
    running = programs({'user': 'no-such-user'}, actions=[])
    done = running.run('run')
    assert done.returncode == 1
    assert 'exec.user: there is no user "no-such-user"' in done.stderr
    running.configure(action={'callback': 'exec'}, exec={'enabled': True, 'shell': True, 'programs': {'a': 'b'}})
    done = running.run('run')
    assert done.returncode == 1
    assert 'exec.shell and exec.programs do not go together' in done.stderr


def test_fires_due_at_once_are_each_run_once(programs, clock):
    start = datetime(2030, 5, 6, 12, 0, tzinfo=timezone.utc)
    clock.set_now(start - timedelta(seconds=3))
    running = programs({'log_output': False}, clock=clock,
                       actions=[{'command': f'echo c{i}', 'cron': once(start)} for i in range(1000)])
    running.start()
    running.wait_for(lambda: len(delivered(running)) == 1000, 40)
    running.stop()
    # Those that had to wait for more than a second are made up for, which is noted, too.
    assert {entry['status'] for entry in running.history()} <= {'delivered', 'note'}
    assert sorted(entry['detail'] for entry in delivered(running)) == sorted(f'c{i}' for i in range(1000))
