"""Steps of the clock while it runs."""

from collections import Counter
from datetime import datetime, timedelta, timezone

from lib.actions_db import EVERY_SECOND, unix

START = datetime(2030, 5, 6, 12, 0, 30, tzinfo=timezone.utc)
MINUTE = unix('* * * * *')


def test_forward_by_minutes_is_made_up_for(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[
        {'command': 'all', 'cron': MINUTE}, {'command': 'merged', 'cron': MINUTE, 'merge_missed': True},
        {'command': 'old', 'cron': MINUTE, 'actuality_time': 60}])
    s.start()
    clock.set_now(START + timedelta(minutes=10))
    expected = Counter({'all': 10, 'merged': 1, 'old': 1})
    s.wait_lines(sum(expected.values()), timeout=10)
    assert Counter(line.command for line in s.lines) == expected
    assert 'clock' in s.stderr
    s.stop()


def test_forward_by_hours_is_held_for_a_minute_then_made_up_for(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[{'command': 'merged', 'cron': unix('30 * * * *'), 'merge_missed': True},
                                        {'command': 'all', 'cron': unix('30 * * * *')},
                                        {'command': 'live', 'cron': EVERY_SECOND, 'actuality_time': 0}])
    s.start()
    clock.set_now(START + timedelta(hours=2))
    count = len(s.fired('live'))
    s.wait_lines(count + 20, 'live', timeout=40)
    assert not s.fired('merged') and not s.fired('all'), 'the jump is not believed yet'
    s.wait_lines(2, 'all', timeout=60)
    s.wait_lines(1, 'merged')
    s.stop()
    assert len(s.fired('all')) == 2 and len(s.fired('merged')) == 1


def test_a_bogus_jump_that_is_taken_back_silences_nothing(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[{'command': 'all', 'cron': unix('30 * * * *')},
                                        {'command': 'live', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1, 'live')
    clock.advance(86400)
    s.wait_lines(len(s.fired('live')) + 5, 'live')
    clock.advance(-86400)
    count = len(s.fired('live'))
    s.wait_lines(count + 5, 'live', timeout=20)
    assert s.fired('all') == []
    s.stop()


def test_back_by_seconds_repeats_nothing(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(3)
    clock.advance(-4)
    s.wait_lines(8, timeout=20)
    s.stop()
    scheduled = [entry['scheduled_at'] for entry in s.history('--status', 'delivered')]
    assert len(scheduled) == len(set(scheduled)) == len(s.lines)


def test_back_by_hours_opens_an_epoch_and_fires_at_once(scheduler, clock):
    clock.set_now(START)
    s = scheduler(clock=clock, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(2)
    clock.advance(-2 * 3600)
    s.wait_lines(len(s.lines) + 3, timeout=10)
    assert s.lines[-1].time < START - timedelta(hours=1)
    s.restart()
    s.wait_lines(len(s.lines) + 2, timeout=10)
    s.stop()
