"""The clock of a build with -Dtest_clock=true: the system clock plus the seconds in a file."""

import os
import time
from datetime import datetime, timezone


class TestClock:
    """Moves the time of every scheduler that was started with it. A change is seen within 50 ms."""

    __test__ = False

    def __init__(self, path, offset=0.0):
        self.path = str(path)
        self.set(offset)

    def set(self, offset):
        """Sets the offset from the system clock, in seconds."""
        self.offset = offset
        fresh = self.path + '.new'
        with open(fresh, 'w', encoding='ascii') as out:
            out.write(f'{offset:.6f}\n')
        os.replace(fresh, self.path)

    def advance(self, seconds):
        """A step: forward, or back where negative."""
        self.set(self.offset + seconds)

    def set_now(self, when):
        """Makes the clock show `when` (an aware datetime or seconds since 1970) at this moment."""
        seconds = when.timestamp() if isinstance(when, datetime) else when
        self.set(seconds - time.time())

    def time(self):
        """Seconds since 1970 as the scheduler sees them."""
        return time.time() + self.offset

    def now(self):
        """The same as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.time(), timezone.utc)
