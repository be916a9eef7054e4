"""Missed fires after a downtime: merged, unmerged and too old, exactly as the contract says."""

from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest

from lib.actions_db import interval, once, unix

START = datetime(2030, 5, 6, 12, 0, 30, tzinfo=timezone.utc)
MINUTE = unix('* * * * *')


def accounted(history, action_id):
    """How often each status stands in the history of an action, ranges counted by their fires."""
    counts = Counter()
    for entry in history:
        if entry['action_id'] == action_id:
            counts[entry['status']] += entry.get('count', 1)
    return counts


def go_down(s, clock, seconds, *arguments):
    """One life that sees the table, a downtime, and the start after it."""
    s.start()
    s.stop()
    assert s.lines == []
    clock.set_now(START + timedelta(seconds=seconds))
    s.start(*arguments)


def settled(s, **fires):
    """Ends it once so many fires of each action (`a1=10`) are accounted for in the history."""
    def are():
        history = s.history()
        return all(accounted(history, int(name[1:])).total() >= count for name, count in fires.items())
    s.wait_for(are, 20, f'{fires} in the history')
    s.stop()


@pytest.mark.parametrize('minutes', [10, 3 * 24 * 60])
def test_minutes_and_days(scheduler, clock, minutes):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[
        {'command': 'merged', 'cron': MINUTE, 'merge_missed': True},
        {'command': 'unmerged', 'cron': MINUTE, 'merge_missed': False},
        {'command': 'two minutes', 'cron': MINUTE, 'merge_missed': False, 'actuality_time': 120},
        {'command': 'merged but old', 'cron': MINUTE, 'merge_missed': True, 'actuality_time': 20},
        {'command': 'merged and new', 'cron': MINUTE, 'merge_missed': True, 'actuality_time': 40},
        {'command': 'none', 'cron': MINUTE, 'actuality_time': 0},
    ])
    go_down(s, clock, minutes * 60)
    # At hh:mm:30 the last missed minute is 30 s old, the one before 90 s.
    expected = Counter({'merged': 1, 'unmerged': minutes, 'two minutes': 2, 'merged and new': 1})
    s.wait_lines(sum(expected.values()), timeout=25)
    s.stop()
    assert Counter(line.command for line in s.lines) == expected
    history = s.history()
    assert accounted(history, 1) == Counter(delivered=1, merged=minutes - 1)
    assert accounted(history, 2) == Counter(delivered=minutes)
    assert accounted(history, 3) == Counter(delivered=2, missed=minutes - 2)
    assert accounted(history, 4) == Counter(missed=1, merged=minutes - 1)
    assert accounted(history, 5) == Counter(delivered=1, merged=minutes - 1)
    assert accounted(history, 6) == Counter(missed=minutes)
    last = max(entry['scheduled_at'] for entry in history if entry['action_id'] == 1 and entry['status'] == 'delivered')
    assert last == (START + timedelta(minutes=minutes, seconds=-30)).strftime('%Y-%m-%dT%H:%M:%SZ')


def test_a_year(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[
        {'command': 'merged', 'cron': MINUTE, 'merge_missed': True},
        {'command': 'hourly', 'cron': unix('0 * * * *')},
        {'command': 'an hour', 'cron': MINUTE, 'actuality_time': 3600},
    ])
    go_down(s, clock, 365 * 86400)
    s.wait_lines(365 * 24 + 60 + 1, timeout=60)
    s.stop()
    assert Counter(line.command for line in s.lines) == Counter({'merged': 1, 'hourly': 365 * 24, 'an hour': 60})
    history = s.history()
    assert accounted(history, 1) == Counter(delivered=1, merged=365 * 1440 - 1)
    assert accounted(history, 3) == Counter(delivered=60, missed=365 * 1440 - 60)


def test_order_of_time_for_each_action(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[{'command': 'a', 'cron': MINUTE}, {'command': 'b', 'cron': MINUTE}])
    go_down(s, clock, 300 * 60)
    s.wait_lines(600)
    s.stop()
    for action_id in (1, 2):
        runs = [entry for entry in reversed(s.history('--action', str(action_id)))]
        times = [entry['scheduled_at'] for entry in runs]
        assert times == sorted(times) and len(set(times)) == 300


@pytest.mark.parametrize('option, delivered, skipped', [('none', 0, 10), ('all', 10, 0),
                                                        ('2030-05-06T12:06:00Z', 5, 5)])
def test_catch_up_decides_over_this_start(scheduler, clock, option, delivered, skipped):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[{'command': 'a', 'cron': MINUTE}])
    go_down(s, clock, 600, '--catch-up', option)
    settled(s, a1=10)
    assert len(s.lines) == delivered
    assert accounted(s.history(), 1) == Counter(delivered=delivered) + Counter(skipped=skipped)


def test_edits_made_while_it_was_down(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[
        {'command': 'removed', 'cron': MINUTE},
        {'command': 'old command', 'cron': MINUTE},
        {'command': 'schedule', 'cron': MINUTE},
        {'command': 'policy', 'cron': MINUTE},
    ])
    s.start()
    s.stop()
    s.actions.remove(1)
    s.actions.update(2, command='new command')
    s.actions.update(3, cron=unix('0 0 1 1 *'))
    s.actions.update(4, merge_missed=True)
    s.actions.add('added', MINUTE)
    clock.set_now(START + timedelta(minutes=10))
    s.start()
    expected = Counter({'new command': 10, 'schedule': 10, 'policy': 1})
    settled(s, a2=10, a3=10, a4=10)
    assert Counter(line.command for line in s.lines) == expected


def test_disabling_makes_up_for_nothing(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[])
    s.actions.execute('ALTER TABLE action ADD COLUMN enabled BOOLEAN')
    s.actions.execute('ALTER TABLE action ADD COLUMN catch_up_limit INTEGER')
    s.actions.add('off meanwhile', MINUTE)
    s.actions.add('at most three', MINUTE, catch_up_limit=3)
    s.start()
    s.actions.update(1, enabled=0)
    s.wait_error('disabled 1,')
    s.stop()
    clock.set_now(START + timedelta(minutes=10))
    s.start()
    s.wait_lines(3, 'at most three')
    s.actions.update(1, enabled=1)
    s.wait_for(lambda: s.stderr.count('changes:') >= 2)
    settled(s, a2=10)
    assert Counter(line.command for line in s.lines) == Counter({'at most three': 3})
    assert accounted(s.history(), 2) == Counter(delivered=3, skipped=7)


def test_without_internal_db_a_restart_forgets(scheduler, clock):
    clock.set_now(START)
    s = scheduler(config={'internal_db': None}, clock=clock, actions=[{'command': 'a', 'cron': MINUTE}])
    go_down(s, clock, 600)
    clock.advance(20)
    clock.set_now(START + timedelta(minutes=10, seconds=29))
    s.wait_lines(1, timeout=10)
    s.stop()
    assert len(s.lines) == 1


def test_a_fire_on_time_is_never_missed(scheduler, clock):
    """actuality_time 0 drops missed fires only."""
    clock.set_now(START + timedelta(seconds=26))
    s = scheduler(clock=clock, actions=[{'command': 'a', 'cron': MINUTE, 'actuality_time': 0}])
    s.start()
    s.wait_lines(1, timeout=15)
    s.stop()


def test_a_single_date_is_owed(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[
        {'command': 'once', 'cron': once(START + timedelta(minutes=5))},
        {'command': 'weekly', 'cron': interval(weeks=1, start_date='2030-05-06T12:05:00+00:00')},
        {'command': 'past', 'cron': once(START - timedelta(minutes=5))},
    ])
    go_down(s, clock, 15 * 86400)
    settled(s, a1=1, a2=3)
    assert Counter(line.command for line in s.lines) == Counter({'once': 1, 'weekly': 3})
    s.start()
    s.stop()
    assert len(s.lines) == 4, 'a restart repeats nothing'
