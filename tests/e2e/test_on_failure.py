"""action.on_failure: rows that cannot be understood, and fires that fail, are told to a callback."""

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
