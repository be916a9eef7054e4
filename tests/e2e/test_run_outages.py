"""Databases that are locked, gone, damaged, replaced or full: the last definitions go on firing, nothing is lost."""

import os
import resource
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from lib.actions_db import EVERY_SECOND, ActionsDb

APART = {'actions_db': {'database': 'actions.db'}, 'internal_db': {'database': 'internal.db'},
         'track_changes_period': 1}


def goes_on(s, command='a', count=3):
    """It fires on."""
    s.wait_lines(len(s.fired(command)) + count, command)


def each_second_once(s, action_id=1):
    """Every second of an action from its first to its last is in the history, once."""
    scheduled = sorted(datetime.fromisoformat(entry['scheduled_at'])
                       for entry in s.history('--status', 'delivered', '--action', str(action_id)))
    span = int((scheduled[-1] - scheduled[0]).total_seconds())
    assert scheduled == [scheduled[0] + timedelta(seconds=i) for i in range(span + 1)]
    return scheduled


@pytest.mark.parametrize('config', [{}, APART], ids=['one file', 'two files'])
@pytest.mark.parametrize('lock', ['IMMEDIATE', 'EXCLUSIVE'])
def test_an_editor_holds_a_lock(scheduler, lock, config):
    s = scheduler(config=config, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1)
    with closing(s.actions.connect(isolation_level=None)) as editor:
        editor.execute(f'BEGIN {lock}')
        editor.execute("UPDATE action SET command = 'b'")
        before = len(s.lines)
        s.wait_lines(before + 9, timeout=20)
        assert s.fired('b') == []
        editor.execute('COMMIT')
    s.wait_lines(2, 'b', timeout=8)
    s.stop()
    errors = [line for line in s.stderr.splitlines() if ' error: ' in line]
    assert len(errors) <= 2, errors
    assert len(each_second_once(s)) == len(s.lines)


def test_a_locked_database_at_the_start(scheduler):
    """Known definitions fire without waiting for actions_db."""
    s = scheduler(config=APART, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1)
    s.stop()
    with closing(s.actions.connect(isolation_level=None)) as editor:
        editor.execute('BEGIN EXCLUSIVE')
        s.start(timeout=10)
        goes_on(s)
        editor.execute('ROLLBACK')
    s.actions.update(1, command='b')
    s.wait_lines(1, 'b')
    s.stop()


def test_a_locked_internal_db_at_the_start(scheduler):
    s = scheduler(config=APART, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.stop()
    with closing(sqlite3.connect(s.directory / 'internal.db', isolation_level=None)) as holder:
        holder.execute('BEGIN IMMEDIATE')
        s.start(ready=False)
        s.wait_error('nothing fires until it can be opened', timeout=15)
        holder.execute('ROLLBACK')
    s.wait_ready()
    s.wait_lines(1)
    s.stop()


def test_a_missing_file_is_an_outage_and_no_empty_table(scheduler):
    s = scheduler(config=APART, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1)
    os.rename(s.directory / 'actions.db', s.directory / 'away.db')
    s.wait_error('actions_db: ')
    goes_on(s)
    s.restart()
    goes_on(s)
    assert not (s.directory / 'actions.db').exists()
    ActionsDb(s.directory / 'away.db').update(1, command='b')
    os.rename(s.directory / 'away.db', s.directory / 'actions.db')
    s.wait_lines(1, 'b')
    s.wait_error('actions_db: works again')
    s.stop()
    assert len(each_second_once(s)) == len(s.lines)


def test_a_missing_table_is_an_outage(scheduler):
    s = scheduler(config=APART, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1)
    s.actions.execute('ALTER TABLE action RENAME TO away')
    s.wait_error('actions_db: ')
    goes_on(s)
    s.actions.execute('ALTER TABLE away RENAME TO action')
    s.actions.update(1, command='b')
    s.wait_lines(1, 'b')
    s.stop()


def test_a_damaged_file(scheduler):
    s = scheduler(config=APART, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1)
    path = s.directory / 'actions.db'
    good = path.read_bytes()
    path.write_bytes(b'this is no database, it only sits where one was' * 100)
    s.wait_error('actions_db: ')
    goes_on(s)
    assert s.stderr.count(' error: actions_db') <= 2
    path.write_bytes(good)
    s.wait_error('works again')
    goes_on(s)
    s.stop()


def test_a_replaced_file(scheduler):
    s = scheduler(config=APART, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1)
    other = ActionsDb(s.directory / 'other.db')
    shutil.copy(s.directory / 'actions.db', other.path)
    other.update(1, command='b')
    other.add('c', EVERY_SECOND)
    os.replace(other.path, s.directory / 'actions.db')
    s.wait_lines(1, 'b')
    s.wait_lines(1, 'c')
    s.actions.add('d', EVERY_SECOND)
    s.wait_lines(1, 'd')
    s.stop()


def test_a_damaged_internal_db_ends_it(scheduler):
    s = scheduler(config=APART, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    (s.directory / 'internal.db').write_bytes(b'this is no database, it only sits where one was' * 100)
    done = s.run('run', timeout=20)
    assert done.returncode == 1 and done.stdout == ''
    assert 'internal.db' in done.stderr


def full(s):
    """From now on a write beyond what is there fails, as on a full disk."""
    resource.prlimit(s.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))


def roomy(s):
    """There is room again."""
    resource.prlimit(s.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_internal_db_on_a_full_disk(scheduler):
    s = scheduler(config=APART, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1)
    full(s)
    s.wait_error('error: internal_db: ')
    goes_on(s, count=4)
    assert s.stderr.count('error: internal_db: ') == 1, 'said once'
    roomy(s)
    s.wait_error('internal_db: works again', timeout=20)
    s.stop()
    assert len(each_second_once(s)) == len(s.lines)


def test_progress_that_cannot_be_written_down_is_an_error_at_the_end(scheduler):
    s = scheduler(config={**APART, 'shutdown_timeout': 1}, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1)
    full(s)
    s.wait_error('error: internal_db: ')
    s.send(15)
    assert s.wait(20) == 1
    assert 'internal_db has not taken the last progress' in s.stderr
    printed = len(s.lines)
    s.start()
    s.wait_lines(printed + 2)
    s.stop()
    each_second_once(s)


def test_a_real_full_disk(scheduler, tmp_path):
    """A small file system of its own, where the machine lets us mount one."""
    disk = tmp_path / 'disk'
    disk.mkdir()
    if os.system(f'mount -t tmpfs -o size=400k tmpfs {disk} 2>/dev/null') != 0:
        disk.rmdir()
        pytest.skip('no tmpfs can be mounted here: the limit on file sizes stands for a full disk')
    try:
        s = scheduler(config={**APART, 'internal_db': {'database': str(disk / 'internal.db')}},
                      actions=[{'command': 'a', 'cron': EVERY_SECOND}])
        s.start()
        s.wait_lines(1)
        with open(disk / 'filler', 'wb', buffering=0) as filler:
            try:
                while True:
                    filler.write(b'x' * 512)
            except OSError:
                pass
        s.actions.add_many([{'command': f'f{i}' * 200, 'cron': {
            'format': 'date', 'params': {'run_date': '2099-01-01'}}} for i in range(2000)])
        s.wait_error('error: internal_db: ', timeout=20)
        goes_on(s)
        os.remove(disk / 'filler')
        os.system(f'mount -o remount,size=64m {disk}')
        s.wait_error('internal_db: works again', timeout=20)
        s.stop()
        assert len(each_second_once(s)) == len(s.lines)
    finally:
        os.system(f'umount -l {disk}')
