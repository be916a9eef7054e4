"""Callbacks in Python: a user's functions are called by worker processes of the program."""

import json
import os
import signal
from datetime import datetime, timedelta, timezone

import pytest

from lib.actions_db import EVERY_SECOND, interval, once
from lib.wait import wait_for

# What the functions of the tests share: each call is a line of JSON in a file.
HELPERS = """
import json, os, time
from action_scheduler_fire import current_fire

def note(command, **more):
    fire = current_fire()
    line = {'pid': os.getpid(), 'command': command, 'fire_id': fire.fire_id, 'attempt': fire.attempt, **more}
    with open('calls', 'a') as file:
        file.write(json.dumps(line) + '\\n')
"""

SEND = HELPERS + """
def send(command: str):
    print('sending', command)
    note(command)
"""

# A call that takes until there is a file `go`.
SLOW = HELPERS + """
def send(command: str):
    note(command)
    while not os.path.exists('go'):
        time.sleep(0.01)
    note(command, done=True)
"""


@pytest.fixture
def python(scheduler):
    """A factory: a scheduler whose default callback is `jobs:send` of this text, run with Debian's Python."""
    def make(module, config=None, **options):
        config = {'action': {'callback': 'jobs:send'}, 'python': {'interpreter': '/usr/bin/python3'}, **(config or {})}
        made = scheduler(config=config, **options)
        if module:
            (made.directory / 'jobs.py').write_text(module, encoding='utf-8')
        return made
    return make


def calls(running, count=0, timeout=20):
    """What the functions noted, once that are so many."""
    path = running.directory / 'calls'

    def read():
        lines = path.read_text(encoding='utf-8').splitlines() if path.exists() else []
        return lines if len(lines) >= count else None
    lines = read() if count == 0 else running.wait_for(read, timeout, f'{count} calls')
    return [json.loads(line) for line in lines or []]


def lives(pid):
    """Whether the process is there and not dead."""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as file:
            return file.read().rpartition(')')[2].split()[0] not in 'ZX'
    except FileNotFoundError:
        return False


def test_a_function_of_the_python_program_works_unchanged(python):
    running = python(None, config={'action': {'callback': 'my_callbacks:send'}},
                     actions=[{'id': 1, 'command': 'command1', 'cron': EVERY_SECOND}])
    # It may even import that program, or what it has of it.
    package = running.directory / 'action_scheduler'
    package.mkdir()
    (package / '__init__.py').write_text('')
    (package / 'config.py').write_text("topic = 'some_topic'\n")
    (running.directory / 'my_callbacks.py').write_text(
        'from action_scheduler.config import topic\n\n'
        'def send(command: str):\n'
        "    with open('sent', 'a') as file:\n"
        "        file.write(f'{topic}: {command}\\n')\n")
    running.start()
    running.wait_for(lambda: (running.directory / 'sent').exists()
                     and len((running.directory / 'sent').read_text().splitlines()) >= 2)
    running.stop()
    sent = (running.directory / 'sent').read_text().splitlines()
    assert set(sent) == {'some_topic: command1'}
    history = running.history()
    assert {entry['status'] for entry in history} == {'delivered'}
    assert sum(entry.get('count', 1) for entry in history) == len(sent)


def test_what_it_prints_is_in_the_log(python):
    running = python(SEND, actions=[{'command': 'hello', 'cron': EVERY_SECOND}])
    running.start()
    running.wait_error('callback python:jobs:send: sending hello')
    running.stop()
    assert running.stdout == b''


def test_the_variables_of_the_databases_are_withheld(python):
    module = HELPERS + 'def send(command): note(command, names=list(os.environ))\n'
    running = python(module, actions=[{'command': 'c', 'cron': EVERY_SECOND}],
                     environment={'ACTIONS_DB__PASSWORD': 'secret', 'KAFKA__TOPIC': 'topic', 'MINE': '1'})
    running.start()
    names = calls(running, 1)[0]['names']
    running.stop()
    assert {'KAFKA__TOPIC', 'MINE', 'PATH'} <= set(names)
    assert not {'ACTIONS_DB__PASSWORD', 'NOTIFY_SOCKET'} & set(names)


def test_an_exception_fails_the_fire_with_its_traceback(python):
    module = HELPERS + 'def send(command):\n    note(command)\n    raise ValueError("no such thing: " + command)\n'
    running = python(module, config={'action': {'callback': 'jobs:send', 'defaults': {'max_attempts': 2}}},
                     actions=[{'id': 5, 'command': 'c', 'cron': interval(weeks=100)}])
    running.run('init', check=0)
    running.actions.update(5, cron=EVERY_SECOND)
    running.start()
    running.wait_for(lambda: any(entry['status'] == 'failed' for entry in running.history()), 20)
    running.stop()
    failed = [entry for entry in running.history() if entry['status'] == 'failed'][-1]
    assert failed['attempts'] == 2
    assert failed['detail'].startswith('Traceback (most recent call last):\n')
    assert 'jobs.py", line ' in failed['detail']
    assert failed['detail'].endswith('ValueError: no such thing: c')
    attempts = [call['attempt'] for call in calls(running) if call['fire_id'] == failed['fire_id']]
    assert attempts == [1, 2]


def test_a_module_that_is_missing_holds_up_its_own_fires_only(python):
    running = python(None, actions=[])
    running.run('init', check=0)
    running.actions.add('printed', EVERY_SECOND, callback='print')
    running.actions.add('called', EVERY_SECOND)
    running.start()
    running.wait_error("callback python:jobs:send: the function cannot be loaded: "
                       "ModuleNotFoundError: No module named 'jobs'; its fires wait")
    before = len(running.fired('printed'))
    running.wait_lines(before + 2, 'printed')
    assert not calls(running)
    (running.directory / 'jobs.py').write_text(SEND, encoding='utf-8')
    running.wait_error('callback python:jobs:send: works again', timeout=40)
    made = calls(running, 4, timeout=40)
    running.stop()
    assert {call['command'] for call in made} == {'called'}
    # What came due meanwhile was made up for, in its order.
    ids = [call['fire_id'] for call in calls(running)]
    assert len(set(ids)) == len(ids)
    assert not [entry for entry in running.history() if entry['status'] in ('failed', 'skipped')]


def test_a_call_that_takes_too_long_is_ended(python):
    running = python(SLOW, config={'action': {'callback': 'jobs:send', 'defaults': {'timeout': 1}}},
                     actions=[{'command': 'c', 'cron': EVERY_SECOND}])
    running.start()
    pid = calls(running, 1)[0]['pid']
    running.wait_for(lambda: any(entry['status'] == 'failed' for entry in running.history()), 20)
    running.wait_for(lambda: not lives(pid))
    (running.directory / 'go').touch()
    running.stop()
    assert 'timed out after 1 s' in [entry['detail'] for entry in running.history() if entry['status'] == 'failed']


def test_sigterm_waits_for_the_call(python):
    running = python(SLOW, actions=[{'command': 'c', 'cron': EVERY_SECOND}])
    running.start()
    first = calls(running, 1)[0]
    running.send(signal.SIGTERM)
    running.wait_error('SIGTERM')
    assert lives(first['pid'])
    (running.directory / 'go').touch()
    assert running.wait() == 0
    assert {'done': True, **first} in calls(running)
    assert not [call for call in calls(running) if lives(call['pid'])]
    delivered = [entry.get('fire_id') for entry in running.history() if entry['status'] == 'delivered']
    assert first['fire_id'] in delivered


def test_a_call_past_the_shutdown_timeout_is_ended_and_repeated(python):
    running = python(SLOW, config={'shutdown_timeout': 1, 'action': {'callback': 'jobs:send'}},
                     actions=[{'command': 'c', 'cron': EVERY_SECOND}])
    running.start()
    first = calls(running, 1)[0]
    running.send(signal.SIGTERM)
    assert running.wait() == 1
    assert not lives(first['pid'])
    (running.directory / 'go').touch()
    running.start()
    running.wait_for(lambda: [call for call in calls(running)
                              if call['fire_id'] == first['fire_id'] and call.get('done')], 20)
    running.stop()


def test_kill_9_of_the_scheduler_ends_the_workers_and_repeats_the_fire(python):
    running = python(SLOW, actions=[{'command': 'c', 'cron': EVERY_SECOND}])
    running.start()
    first = calls(running, 1)[0]
    assert lives(first['pid'])
    running.kill()
    wait_for(lambda: not [call for call in calls(running) if lives(call['pid'])], 20, 'the end of the workers')
    assert not [call for call in calls(running) if call.get('done')]
    (running.directory / 'go').touch()
    running.start()
    running.wait_for(lambda: [call for call in calls(running)
                              if call['fire_id'] == first['fire_id'] and call.get('done')], 20)
    running.stop()
    again = [call for call in calls(running) if call['fire_id'] == first['fire_id']]
    assert len(again) == 3 and again[-1]['pid'] != first['pid']


def test_kill_9_of_the_scheduler_ends_idle_workers(python):
    running = python(SEND, actions=[{'command': 'c', 'cron': EVERY_SECOND}])
    running.start()
    pid = calls(running, 1)[0]['pid']
    running.kill()
    wait_for(lambda: not lives(pid), 20, 'the end of the worker')


def test_kill_9_of_a_worker_repeats_its_fire(python):
    running = python(SLOW, actions=[{'command': 'c', 'cron': EVERY_SECOND}])
    running.start()
    first = calls(running, 1)[0]
    os.kill(first['pid'], signal.SIGKILL)
    running.wait_for(lambda: len([call for call in calls(running) if call['fire_id'] == first['fire_id']]) == 2)
    (running.directory / 'go').touch()
    running.wait_error(f"worker {first['pid']} was killed by signal 9 (Killed) while it called the function for "
                       f"{first['fire_id']}, which is repeated")
    running.stop()
    assert not [entry for entry in running.history() if entry['status'] == 'failed']


def test_names_that_are_no_functions_are_bad_rows(python):
    running = python(SEND, actions=[])
    running.run('init', check=0)
    running.actions.add('c', EVERY_SECOND, callback='python:jobs')
    running.actions.add('c', EVERY_SECOND, callback='no module:send')
    running.start()
    for name in ('jobs', 'no module:send'):
        running.wait_error(f'callback "python:{name}": a function is named as module:function, such as '
                           'python:my_callbacks:send')
    running.stop()


def test_an_interpreter_that_is_missing_is_an_error(python):
    running = python(SEND, config={'python': {'interpreter': '/nonexistent/python3'},
                                   'action': {'callback': 'jobs:send'}}, actions=[])
    done = running.run('run')
    assert done.returncode == 1
    assert 'there is no program /nonexistent/python3; install Python, or set python.interpreter' in done.stderr


def test_fires_due_at_once_are_each_called_once(python, clock):
    start = datetime(2030, 5, 6, 12, 0, tzinfo=timezone.utc)
    clock.set_now(start - timedelta(seconds=3))
    running = python(SEND.replace("    print('sending', command)\n", ''), clock=clock,
                     actions=[{'command': f'c{i}', 'cron': once(start)} for i in range(3000)])
    running.start()
    made = calls(running, 3000, timeout=60)
    running.stop()
    assert sorted(call['command'] for call in made) == sorted(f'c{i}' for i in range(3000))
