"""`trigger` and `retry`: fires asked for by hand are durable before that is said, whoever runs them."""

import json
import signal
import subprocess
from datetime import datetime, timedelta

import pytest

from lib.actions_db import EVERY_SECOND, once
from lib.wait import wait_for
from test_internal_db import MariaDbPlace, PostgreSqlPlace, mariadb_server  # noqa: F401

NEVER = once('2090-01-01T00:00:00')

# Notes each call; fails while there is a file `fail`, lasts while there is a file `hold`.
SEND = """
import json, os, time
from action_scheduler_fire import current_fire

def send(command: str):
    with open('calls', 'a') as file:
        file.write(json.dumps([command, current_fire().fire_id]) + '\\n')
    while os.path.exists('hold'):
        time.sleep(0.01)
    if os.path.exists('fail'):
        raise RuntimeError('no receiver for ' + command)
"""

PYTHON = {'action': {'callback': 'jobs:send'}, 'python': {'interpreter': '/usr/bin/python3', 'workers': 1}}


@pytest.fixture(params=['sqlite', 'postgresql', 'mariadb'])
def internal_db(request):
    """The configuration of an internal_db of each kind."""
    if request.param == 'sqlite':
        return {'dialect': 'sqlite', 'database': 'internal.db'}
    if request.param == 'postgresql':
        return PostgreSqlPlace(request.getfixturevalue('postgresql')).config
    return MariaDbPlace(request.getfixturevalue('mariadb_server')).config


@pytest.fixture
def made(scheduler):
    """A factory: a scheduler with two actions that never fire by themselves, whose callback is SEND."""
    def make(config=None, actions=None, **options):
        two = [{'id': i, 'name': f'n{i}', 'command': f'c{i}', 'cron': NEVER} for i in (1, 2)]
        result = scheduler(config={**PYTHON, **(config or {})}, actions=two if actions is None else actions, **options)
        (result.directory / 'jobs.py').write_text(SEND, encoding='utf-8')
        return result
    return make


def calls(s):
    """What was called so far: [command, fire id] each."""
    path = s.directory / 'calls'
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def entries(s, fire_id):
    """The entries of a fire in the history."""
    return [entry for entry in s.history() if entry['fire_id'] == fire_id]


def ended(s, fire_id, status, attempts):
    """Waits until the fire has one entry, of this status and so many attempts, and returns it."""
    def holds():
        found = entries(s, fire_id)
        return [[entry['status'], entry['attempts']] for entry in found] == [[status, attempts]] and found[0]
    return wait_for(holds, 20, f'{fire_id}: one entry, {status}, attempts {attempts}; there are {entries(s, fire_id)}')


def asked(s, *arguments, check=0):
    """What a verb that asks for fires shows, and its stderr."""
    done = s.run(*arguments, '-o', 'json', check=check)
    return json.loads(done.stdout), done.stderr


# --- through the running scheduler ---

def test_a_running_scheduler_is_asked(made, internal_db):
    s = made({'internal_db': internal_db}).start()
    rows, _ = asked(s, 'trigger', '1', '2', '1')
    assert [(row['action_id'], row['action_name'], row['status'], row['attempts']) for row in rows] == \
        [(1, 'n1', 'queued', 0), (2, 'n2', 'queued', 0), (1, 'n1', 'queued', 0)]
    ids = [row['fire_id'] for row in rows]
    assert len(set(ids)) == 3 and all(id.startswith(f'{row["action_id"]}!') for id, row in zip(ids, rows))
    for row in rows:
        entry = ended(s, row['fire_id'], 'delivered', 1)
        assert entry['scheduled_at'] == row['scheduled_at']
    assert sorted(calls(s)) == sorted([f'c{row["action_id"]}', row['fire_id']] for row in rows)


def test_what_it_said_runs_after_kill_9(made, internal_db):
    s = made({'internal_db': internal_db})
    (s.directory / 'hold').touch()
    s.start()
    first = asked(s, 'trigger', '1')[0][0]['fire_id']
    wait_for(lambda: calls(s), 20, 'the first call')
    # The only worker is busy with the first one: this one cannot have begun.
    second = asked(s, 'trigger', '2')[0][0]['fire_id']
    s.kill()
    assert calls(s) == [['c1', first]]
    (s.directory / 'hold').unlink()
    s.start()
    ended(s, first, 'delivered', 1)
    ended(s, second, 'delivered', 1)
    assert calls(s)[1:].count(['c2', second]) == 1


def test_a_failed_fire_is_run_again_in_its_one_entry(made, internal_db):
    s = made({'internal_db': internal_db, 'action': {'callback': 'jobs:send', 'defaults': {'max_attempts': 2}}},
             actions=[{'id': 1, 'name': 'n1', 'command': 'c1', 'cron': EVERY_SECOND}])
    (s.directory / 'fail').touch()
    s.start()
    wait_for(lambda: s.history('--status', 'failed'), 20, 'a failure')
    s.actions.update(1, cron=NEVER)
    fire = s.history('--status', 'failed')[-1]['fire_id']
    assert '@' in fire
    ended(s, fire, 'failed', 2)
    for attempts in (4, 6):
        rows, _ = asked(s, 'retry', fire)
        assert [(row['fire_id'], row['status'], row['attempts']) for row in rows] == [(fire, 'queued', attempts - 2)]
        assert 'no receiver for c1' in ended(s, fire, 'failed', attempts)['detail']
    s.kill()
    (s.directory / 'fail').unlink()
    s.start()
    asked(s, 'retry', fire)
    ended(s, fire, 'delivered', 7)
    assert [id for _, id in calls(s)].count(fire) == 7


def test_attempts_of_a_retry_count_on_over_kill_9(made, internal_db):
    s = made({'internal_db': internal_db})
    (s.directory / 'fail').touch()
    s.start()
    fire = asked(s, 'trigger', '1')[0][0]['fire_id']
    ended(s, fire, 'failed', 1)
    (s.directory / 'hold').touch()
    (s.directory / 'fail').unlink()
    asked(s, 'retry', fire)
    wait_for(lambda: len(calls(s)) == 2, 20, 'the second call')
    s.kill()
    assert [entry['status'] for entry in entries(s, fire)] == ['failed']
    (s.directory / 'hold').unlink()
    s.start()
    ended(s, fire, 'delivered', 2)


def test_what_cannot_be_done_is_named_and_the_rest_is_done(made):
    s = made(actions=[])
    s.actions.execute('ALTER TABLE action ADD COLUMN enabled BOOLEAN')
    s.actions.add('c1', NEVER, name='n1', id=1)
    s.actions.add('c2', NEVER, name='n2', id=2, enabled=0)
    s.actions.add('c3', '{"format": "unix", "params": {"value": "x"}}', name='n3', id=3)
    for running in (True, False):
        if running:
            s.start()
        rows, said = asked(s, 'trigger', '1', '2', '3', '4', check=1)
        assert [row['action_id'] for row in rows] == [1]
        assert 'action 2: it is paused' in said and 'resume it' in said
        assert 'action 3: its row is bad: cron' in said
        assert 'action 4: there is no such action' in said
        wait_for(lambda: entries(s, rows[0]['fire_id']), 20, 'its end')
        if running:
            s.stop()


def test_what_cannot_be_run_again_says_why(made):
    s = made().start()
    (s.directory / 'hold').touch()
    running = asked(s, 'trigger', '1')[0][0]['fire_id']
    (s.directory / 'hold').unlink()
    ended(s, running, 'delivered', 1)
    (s.directory / 'fail').touch()
    gone, under_way = (row['fire_id'] for row in asked(s, 'trigger', '2', '1')[0])
    ended(s, gone, 'failed', 1)
    ended(s, under_way, 'failed', 1)
    s.actions.remove(2)
    s.wait_error('rows added 0, changed 0, removed 1')
    (s.directory / 'hold').touch()
    asked(s, 'retry', under_way)
    unknown = '1@2024-01-01T00:00:00Z'
    rows, said = asked(s, 'retry', running, gone, under_way, unknown, check=1)
    assert rows == []
    assert f'fire {running}: it has not failed, it is recorded as delivered' in said
    assert f'fire {gone}: its action: there is no such action' in said
    assert f'fire {under_way}: it is being run, or waits for its next attempt, already' in said
    assert f'fire {unknown}: there is no such fire in the history' in said
    (s.directory / 'hold').unlink()
    ended(s, under_way, 'failed', 2)


@pytest.mark.parametrize('arguments', [['trigger'], ['trigger', 'x'], ['retry'], ['retry', '17'],
                                       ['retry', '17@2024-01-01T00:05:00']])
def test_a_wrong_command_line_is_told(made, arguments):
    assert made().run(*arguments).returncode == 2


def test_more_than_one_request_can_hold_are_asked_for(made):
    s = made({'action': {'callback': 'print'}})
    s.start()
    rows, _ = asked(s, 'trigger', *['1'] * 1200)
    assert len({row['fire_id'] for row in rows}) == 1200
    s.wait_lines(1200, 'c1')


# --- by this process ---

def test_where_none_runs_this_process_runs_it_and_leaves_all_else_owed(made, internal_db):
    s = made({'internal_db': internal_db, 'action': {'callback': 'print'}},
             actions=[{'id': 1, 'name': 'n1', 'command': 'c1', 'cron': EVERY_SECOND},
                      {'id': 2, 'name': 'n2', 'command': 'c2', 'cron': NEVER}])
    s.start()
    s.wait_lines(2, 'c1')
    s.stop()
    last = datetime.fromisoformat(s.history('--action', '1')[0]['scheduled_at'])
    # Not for luck: the fires of some seconds are to be missed.
    wait_for(lambda: datetime.now(last.tzinfo) > last + timedelta(seconds=3), 10, 'missed time')
    done = s.run('trigger', '2', '1', '-o', 'json', check=0)
    rows = json.loads(done.stdout)
    assert sorted((row['action_id'], row['status'], row['attempts']) for row in rows) == \
        [(1, 'delivered', 1), (2, 'delivered', 1)]
    # stdout is the result alone; what the callback prints goes the way of the log.
    assert done.stderr.count('| c1') == 1 and done.stderr.count('| c2') == 1
    manual = {row['fire_id'] for row in rows}
    assert manual <= {entry['fire_id'] for entry in s.history()}
    s.start()
    s.wait_lines(len(s.fired('c1')) + 6, 'c1')
    s.stop()
    times = sorted(datetime.fromisoformat(entry['scheduled_at']) for entry in s.history('--action', '1')
                   if entry['fire_id'] not in manual)
    assert times == [times[0] + timedelta(seconds=i) for i in range(len(times))]


def test_where_none_runs_a_failure_is_its_exit_status_and_can_be_run_again(made, internal_db):
    s = made({'internal_db': internal_db})
    (s.directory / 'fail').touch()
    rows, _ = asked(s, 'trigger', '1', check=1)
    assert [(row['status'], row['attempts']) for row in rows] == [('failed', 1)]
    fire = rows[0]['fire_id']
    assert [row['status'] for row in asked(s, 'retry', fire, check=1)[0]] == ['failed']
    ended(s, fire, 'failed', 2)
    (s.directory / 'fail').unlink()
    assert [(row['status'], row['attempts']) for row in asked(s, 'retry', fire)[0]] == [('delivered', 3)]
    ended(s, fire, 'delivered', 3)
    s.start()
    s.stop()
    assert len(calls(s)) == 3


def test_without_internal_db_fires_are_run_all_the_same(made):
    s = made({'internal_db': None})
    assert [row['status'] for row in asked(s, 'trigger', '1')[0]] == ['delivered']
    _, said = asked(s, 'retry', '1@2024-01-01T00:00:00Z', check=1)
    assert 'there is no such fire in the history' in said
    s.start()
    assert [row['status'] for row in asked(s, 'trigger', '2')[0]] == ['queued']
    wait_for(lambda: len(calls(s)) == 2, 20, 'the second call')
    assert [command for command, _ in calls(s)] == ['c1', 'c2']


def test_what_was_begun_here_and_ended_by_a_signal_is_run_by_the_scheduler(made):
    s = made({'shutdown_timeout': 1})
    (s.directory / 'hold').touch()
    process = subprocess.Popen([s.binary, 'trigger', '1'], cwd=s.directory, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    wait_for(lambda: calls(s), 20, 'the call')
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=40)
    assert process.returncode == 1
    assert 'fires that have not ended: 1; internal_db has them' in said
    fire = calls(s)[0][1]
    # It is the scheduler's now, and nobody runs it a second time by hand.
    assert f'fire {fire}: it is being run, or waits' in asked(s, 'retry', fire, check=1)[1]
    (s.directory / 'hold').unlink()
    s.start()
    ended(s, fire, 'delivered', 1)


def test_other_open_fires_stay_open_while_this_process_runs_one(made):
    s = made()
    (s.directory / 'hold').touch()
    s.start()
    fire = asked(s, 'trigger', '1')[0][0]['fire_id']
    wait_for(lambda: calls(s), 20, 'the call')
    s.kill()
    (s.directory / 'hold').unlink()
    assert [row['status'] for row in asked(s, 'trigger', '2')[0]] == ['delivered']
    assert [command for command, _ in calls(s)] == ['c1', 'c2'] and entries(s, fire) == []
    s.start()
    ended(s, fire, 'delivered', 1)


def test_a_scheduler_that_cannot_be_asked_is_named(made):
    s = made()
    s.start()
    done = s.run('trigger', '1', environment={'SERVER__SOCKET': 'elsewhere.sock'}, check=1)
    assert f'pid {s.process.pid}' in done.stderr and f'{s.directory}/elsewhere.sock' in done.stderr
    assert calls(s) == [] and s.running()


def test_the_scheduler_of_another_internal_db_is_not_asked(made):
    s = made({'server': {'socket': 'shared.sock'}})
    s.start()
    done = s.run('trigger', '1', environment={'INTERNAL_DB__DATABASE': 'other.db'}, check=1)
    assert f'this is the scheduler of sqlite {s.directory}/database.db, not of sqlite {s.directory}/other.db' \
        in done.stderr
    assert calls(s) == []


def test_what_the_python_program_left_is_not_lost_by_a_fire_by_hand(made):
    s = made()
    s.actions.execute('CREATE TABLE apscheduler_jobs (id VARCHAR(191) NOT NULL PRIMARY KEY, next_run_time FLOAT(25), '
                      'job_state BLOB NOT NULL)')
    s.actions.execute("INSERT INTO apscheduler_jobs VALUES ('1', 1700000000.0, x'00')")
    done = s.run('trigger', '1', check=1)
    assert 'start the scheduler once' in done.stderr
    assert calls(s) == []
    s.start()
    s.wait_error('next run times taken over: 1')
