"""action.on_failure: rows that cannot be understood, and fires that fail, are told to a callback."""

from lib.actions_db import EVERY_SECOND

HOOK = {'callback': 'print', 'command': 'TOLD {status} {action_id} {name}: {error}'}


def told(running):
    """The commands that the hook printed."""
    return [line.command for line in running.lines if line.command.startswith('TOLD')]


def test_a_bad_row_is_told_once_and_again_when_it_changes(scheduler):
    running = scheduler(
        config={'action': {'on_failure': HOOK}, 'track_changes_period': 0.1},
        actions=[{'id': 7, 'name': 'broken {name}', 'command': 'x', 'cron': '{"format": "unix", "params": {"value": "61 * * * *"}}'}])
    running.start()
    running.wait_for(lambda: told(running))
    assert told(running)[0].startswith('TOLD bad_row 7 broken {name}: ')
    assert '61' in told(running)[0]
    running.actions.execute('UPDATE action SET command = \'y\' WHERE id = 7')
    running.wait_for(lambda: len(told(running)) == 2)
    running.stop()
    assert len(told(running)) == 2


def test_more_than_the_rate_is_counted_not_told(scheduler):
    bad = [{'id': i, 'name': f'bad{i}', 'command': 'x', 'cron': '[]'} for i in range(1, 31)]
    running = scheduler(config={'action': {'on_failure': {**HOOK, 'rate': '5/m'}}, 'track_changes_period': 0.1},
                        actions=bad)
    running.start()
    running.wait_for(lambda: len(told(running)) == 5)
    running.stop()
    assert len(told(running)) == 5


def test_a_hook_that_is_no_callback_is_an_error_at_the_start(scheduler):
    running = scheduler(config={'action': {'on_failure': {'callback': 'pager'}}})
    done = running.run('run')
    assert done.returncode == 1
    assert 'action.on_failure.callback: callback "pager" is not in this build' in done.stderr


CALLBACKS = """
def refuse(command):
    raise ValueError('no such thing as ' + command)
"""


def test_a_fire_that_fails_is_told_and_logged_once(scheduler):
    command = 'TOLD {status} {fire_id} {action_id} {name} at {scheduled_at}'
    running = scheduler(
        config={'action': {'callback': 'callbacks_of_test:refuse', 'on_failure': {**HOOK, 'command': command}}},
        actions=[{'id': 3, 'name': 'one', 'command': 'x; rm -rf {name}', 'cron': EVERY_SECOND}])
    (running.directory / 'callbacks_of_test.py').write_text(CALLBACKS, encoding='utf-8')
    running.start()
    running.wait_for(lambda: told(running))
    running.stop()
    failed = [entry for entry in running.history() if entry['status'] == 'failed']
    assert {f"TOLD failed {entry['fire_id']} 3 one at {entry['scheduled_at']}" for entry in failed} >= set(told(running))
    assert len(set(told(running))) == len(told(running))
    for entry in failed:
        assert running.stderr.count(f"fire {entry['fire_id']} of action \"one\" failed") == 1
    assert 'ValueError: no such thing as x; rm -rf {name}' in running.stderr
