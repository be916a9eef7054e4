"""kill -9 and SIGTERM in the middle of a burst: nothing is lost, repeats are the same fires and stay in the window."""

import fcntl
import os
import random
import signal
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest

from lib.actions_db import EVERY_SECOND, once

START = datetime(2030, 5, 6, 12, 0, tzinfo=timezone.utc)
# The bound of fires that are handed out and not durable, and one commit group of the same size.
WINDOW = 8192 * 2


class SmallPipe:
    """A stdout that takes little at a time, so that a burst can be cut anywhere."""

    def __init__(self):
        self.read, self.write = os.pipe()
        fcntl.fcntl(self.write, fcntl.F_SETPIPE_SZ, 4096)
        self.data = b''

    def close_write(self):
        os.close(self.write)

    def take(self, size):
        """Reads about so many bytes; false at the end."""
        goal = len(self.data) + size
        while len(self.data) < goal:
            chunk = os.read(self.read, min(4096, goal - len(self.data)))
            if not chunk:
                return False
            self.data += chunk
        return True

    def finish(self):
        """All whole lines' commands, to the end."""
        while self.take(1 << 20):
            pass
        os.close(self.read)
        return [line.partition(b' | ')[2].decode() for line in self.data.split(b'\n')[:-1]]


@pytest.mark.timeout(400)
def test_20_kills_during_a_burst_of_10000(scheduler, clock):
    count = 10_000
    clock.set_now(START - timedelta(seconds=15))
    s = scheduler(clock=clock, actions=[{'command': f'c{i}', 'cron': once(START)} for i in range(count)])
    s.start()
    s.stop()
    clock.set_now(START - timedelta(seconds=2))
    chance = random.Random(20)
    seen = Counter()
    for _ in range(20):
        pipe = SmallPipe()
        s.start(stdout=pipe.write, ready=False)
        pipe.close_write()
        pipe.take(chance.randrange(1, 40_000))
        s.kill()
        life = Counter(pipe.finish())
        assert max(life.values(), default=0) <= 1, 'one life repeats nothing'
        assert sum(1 for command in life if seen[command]) <= WINDOW
        seen += life
    s.start()
    s.wait_for(lambda: len(seen) + len({line.command for line in s.lines} - set(seen)) == count, 60)
    s.stop()
    last = Counter(line.command for line in s.lines)
    assert max(last.values(), default=0) <= 1
    assert set(seen) | set(last) == {f'c{i}' for i in range(count)}
    history = s.history()
    assert Counter(entry['status'] for entry in history if entry['status'] != 'note') == Counter(delivered=count)
    assert len({entry['action_id'] for entry in history if entry['status'] == 'delivered'}) == count
    before = len(s.lines)
    s.start()
    s.stop()
    assert len(s.lines) == before


def test_kills_while_actions_fire_every_second(scheduler):
    count = 200
    s = scheduler(actions=[{'command': f'c{i}', 'cron': EVERY_SECOND} for i in range(count)])
    chance = random.Random(3)
    s.start()
    s.wait_lines(count)
    for _ in range(8):
        s.wait_lines(len(s.lines) + chance.randrange(1, 2 * count))
        s.kill()
        s.start()
    s.wait_lines(len(s.lines) + count)
    s.stop()
    times = {}
    for entry in s.history('--status', 'delivered'):
        times.setdefault(entry['action_id'], []).append(datetime.fromisoformat(entry['scheduled_at']))
    assert len(times) == count
    for action_id, scheduled in times.items():
        scheduled.sort()
        first, last = scheduled[0], scheduled[-1]
        assert scheduled == [first + timedelta(seconds=i) for i in range(int((last - first).total_seconds()) + 1)], \
            f'action {action_id}: each second once'
    printed = Counter(line.command for line in s.lines)
    assert all(printed[f'c{i - 1}'] >= len(scheduled) for i, scheduled in times.items())


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_a_burst(scheduler, clock, number):
    """What was handed out is finished, the rest is owed and comes once."""
    count = 10_000
    clock.set_now(START - timedelta(seconds=5))
    s = scheduler(clock=clock, actions=[{'command': f'c{i}', 'cron': once(START)} for i in range(count)])
    pipe = SmallPipe()
    s.start(stdout=pipe.write)
    pipe.close_write()
    pipe.take(20_000)
    s.send(number)
    first = pipe.finish()
    assert s.wait() == 0
    assert len(first) < count, 'the burst was cut'
    s.start()
    s.wait_lines(count - len(first), timeout=30)
    s.stop()
    assert Counter(first) + Counter(line.command for line in s.lines) == Counter(f'c{i}' for i in range(count))
