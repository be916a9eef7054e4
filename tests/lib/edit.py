"""add, edit, pause, resume and remove beside a running scheduler, on whichever database it has."""

import json

from lib.actions_db import EVERY_SECOND


def _states(s):
    return {action['id']: (action['command'], action['state']) for action in s.jsonl('list')}


def edits_take_effect(s):
    """The scheduler runs and has a table with every column."""
    before = _states(s)
    document = json.dumps(EVERY_SECOND)
    added = s.jsonl('add', '--name', 'n “ü”', '--command', 'one', '--schedule', document, '--max-attempts', '2')[0]
    assert (added['state'], added['schedule'], added['max_attempts']) == ('active', EVERY_SECOND, 2)
    one = added['id']
    paused = s.jsonl('add', '--name', 'p', '--command', 'two', '--cron', '* * * * *', '--disabled')[0]
    two = paused['id']
    assert one != two and not {one, two} & set(before) and paused['state'] == 'paused'
    assert _states(s) == before | {one: ('one', 'active'), two: ('two', 'paused')}
    s.wait_lines(1, 'one')
    assert s.jsonl('edit', str(one), '--command', 'three', '--max-attempts', 'default')[0]['max_attempts'] == 1
    s.wait_lines(1, 'three')
    s.jsonl('edit', str(two), '--schedule', document, '--topic', 't', '--merge-missed', 'yes')
    assert [action['enabled'] for action in s.jsonl('resume', str(two), str(one))] == [True, True]
    s.wait_lines(1, 'two')
    assert [action['state'] for action in s.jsonl('pause', str(one))] == ['paused']
    refused = s.run('remove', str(one), str(two), '987654', check=1)
    assert 'there is no action 987654' in refused.stderr and _states(s).keys() == before.keys() | {one, two}
    assert [action['command'] for action in s.jsonl('remove', str(one), str(two))] == ['three', 'two']
    assert _states(s) == before
