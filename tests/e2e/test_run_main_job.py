"""The main job: rows of the table fire on time, and what is done to the table takes effect."""

import signal
from collections import Counter
from datetime import datetime, timedelta, timezone

from lib.actions_db import EVERY_SECOND, apscheduler, interval, once, unix

NOON = datetime(2030, 5, 6, 12, 0, tzinfo=timezone.utc)


def test_trivial_sample_prints_both_commands_at_the_right_seconds(scheduler, clock):
    clock.set_now(NOON - timedelta(seconds=4))
    s = scheduler(config={'test': {'write_sample_actions_to_db': True}}, actions=None, clock=clock)
    s.start()
    s.wait_lines(3, timeout=30)
    printed = [(line.command, line.time.replace(microsecond=0)) for line in s.lines]
    assert sorted(printed) == sorted([('command1', NOON), ('command2', NOON),
                                      ('command2', NOON + timedelta(seconds=20))])
    assert all(line.time.microsecond < 500_000 for line in s.lines)
    s.stop()
    names = [(row['name'], row['command']) for row in s.actions.rows()]
    assert names == [('Action1', 'command1'), ('Action2', 'command2')]
    s.start()
    s.stop()
    assert len(s.actions.rows()) == 2, 'samples are written once'


def test_rows_added_changed_and_removed_take_effect_at_once(scheduler):
    s = scheduler(config={'track_changes_period': 3600}, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1, 'a')
    b = s.actions.add('b', EVERY_SECOND)
    s.wait_lines(1, 'b', timeout=5)
    s.actions.update(b, command='c')
    s.wait_lines(1, 'c', timeout=5)
    count = len(s.fired('b'))
    s.wait_lines(3, 'c', timeout=8)
    assert len(s.fired('b')) == count
    s.actions.remove(b)
    s.wait_error('removed 1;', timeout=5)
    count, others = len(s.fired('c')), len(s.fired('a'))
    s.wait_lines(others + 3, 'a', timeout=8)
    assert len(s.fired('c')) <= count + 1
    s.stop()


def test_changes_are_seen_each_period_where_nothing_tells(scheduler):
    """SIGHUP looks now, whatever the period."""
    s = scheduler(config={'track_changes_period': 3600}, actions=[])
    s.start()
    s.actions.add('late', EVERY_SECOND)
    s.hangup()
    s.wait_lines(1, 'late', timeout=5)
    s.wait_for(lambda: s.notify.seen('RELOADING', '1'))
    s.stop()


def test_own_commits_into_the_shared_file_cause_no_reading(scheduler):
    s = scheduler(config={'test': {'echo_actions_db_engine': True}, 'track_changes_period': 1},
                  actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(2, 'a')
    reads = sum('main.action ORDER BY id' in line for line in s.stderr.splitlines())
    assert reads
    s.wait_lines(6, 'a')
    assert sum('main.action ORDER BY id' in line for line in s.stderr.splitlines()) == reads
    s.stop()


def test_all_formats_fire(scheduler, clock):
    clock.set_now(NOON - timedelta(seconds=5))
    s = scheduler(clock=clock, actions=[
        {'command': 'unix', 'cron': unix('0 12 * * 1')},
        {'command': 'apscheduler', 'cron': apscheduler(hour=12, timezone='UTC')},
        {'command': 'date', 'cron': once(NOON)},
        {'command': 'interval', 'cron': interval(days=1, start_date='2030-05-01T12:00:00+00:00')},
    ])
    s.start()
    s.wait_lines(4, timeout=15)
    assert Counter(line.command for line in s.lines) == Counter(['unix', 'apscheduler', 'date', 'interval'])
    s.stop()


def test_bad_rows_are_named_and_stop_nothing_else(scheduler):
    s = scheduler(actions=[
        {'command': 'good', 'cron': EVERY_SECOND},
        {'command': 'bad json', 'cron': '{"format": '},
        {'command': 'bad field', 'cron': unix('61 * * * *')},
        {'command': 'bad format', 'cron': {'format': 'sundial', 'params': {}}},
        {'command': 'also good', 'cron': EVERY_SECOND},
    ])
    s.start()
    s.wait_lines(2, 'good')
    s.wait_lines(2, 'also good')
    log = s.stderr.splitlines()
    for action_id, part in ((2, 'column'), (3, '61'), (4, 'sundial')):
        named = [line for line in log if f'action {action_id} ' in line]
        assert len(named) == 1 and part in named[0] and 'does not fire' in named[0], log
    assert any('bad rows 3' in line for line in log)
    assert {line.command for line in s.lines} == {'good', 'also good'}
    s.actions.update(2, cron=EVERY_SECOND)
    s.wait_lines(1, 'bad json', timeout=5)
    s.actions.update(1, cron='nonsense')
    s.wait_error('action 1 "good" does not fire')
    count = len(s.fired('good'))
    s.wait_lines(len(s.fired('also good')) + 3, 'also good')
    assert len(s.fired('good')) <= count + 1
    s.stop()


def test_column_error_tells_why_a_row_does_not_fire(scheduler):
    s = scheduler(config={'track_changes_period': 3600}, actions=[])
    s.actions.execute('ALTER TABLE action ADD COLUMN error TEXT')
    s.actions.execute('ALTER TABLE action ADD COLUMN enabled BOOLEAN')
    bad = s.actions.add('bad', unix('99 * * * *'), error='stale')
    good = s.actions.add('good', EVERY_SECOND, error='stale')
    off = s.actions.add('off', EVERY_SECOND, enabled=0)
    s.start()
    s.wait_lines(1, 'good')
    rows = {row['id']: row['error'] for row in s.actions.rows()}
    assert '99' in rows[bad] and rows[good] is None and rows[off] is None
    s.actions.update(bad, cron=EVERY_SECOND)
    s.wait_lines(1, 'bad', timeout=5)
    s.wait_for(lambda: all(row['error'] is None for row in s.actions.rows()), 5)
    s.actions.update(off, enabled=1)
    s.wait_lines(1, 'off', timeout=5)
    s.stop()


def test_a_database_made_by_sqlalchemy(scheduler):
    from sqlalchemy import JSON, Boolean, Column, Integer, String, create_engine
    from sqlalchemy.orm import Session, declarative_base

    base = declarative_base()

    class Action(base):
        __tablename__ = 'action'
        id = Column(Integer, primary_key=True)
        name = Column(String, nullable=False)
        command = Column(String, nullable=False)
        cron = Column(JSON, nullable=False)
        merge_missed = Column(Boolean)
        actuality_time = Column(Integer)

    s = scheduler(actions=None)
    engine = create_engine(f'sqlite:///{s.actions.path}')
    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Action(name='Проба', command='команда', cron=EVERY_SECOND, merge_missed=False, actuality_time=5))
        session.add(Action(name='x', command='none set', cron=EVERY_SECOND))
        session.commit()
    s.start()
    s.wait_lines(1, 'команда')
    s.wait_lines(1, 'none set')
    assert 'does not fire' not in s.stderr
    with Session(engine) as session:
        session.get(Action, 2).command = 'changed'
        session.commit()
    s.wait_lines(1, 'changed', timeout=5)
    engine.dispose()
    s.stop()


def test_print_jobs_tells_every_next_fire(scheduler):
    s = scheduler(config={'test': {'print_apscheduler_jobs': True}, 'track_changes_period': 1}, actions=[
        {'command': 'x', 'name': 'New Year', 'cron': once('2099-01-01T00:00:00+00:00')},
        {'command': 'y', 'name': 'gone', 'cron': once('2001-01-01T00:00:00+00:00')},
    ])
    s.start()
    s.wait_for(lambda: s.stderr.count('"New Year": next fire 2099-01-01T00:00:00+00:00') >= 2)
    assert '"gone": next fire never' in s.stderr
    assert s.stdout == b''
    s.stop(signal.SIGINT)
