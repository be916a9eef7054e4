"""Waiting for a condition, never for luck."""

import time


def wait_for(condition, timeout=10.0, what=None, interval=0.01):
    """Polls `condition` until it is true and returns what it gave; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f'not within {timeout} s: {what or getattr(condition, "__name__", condition)}')
        time.sleep(interval)
