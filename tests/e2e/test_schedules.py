"""Schedules through `next --batch`: every public vector, and a comparison with APScheduler 3 in UTC."""

import datetime as dt
import json
import random
from pathlib import Path

import pytest

from lib.program import Program

VECTORS = Path(__file__).resolve().parents[1] / 'vectors'
SEED = 3112
UTC = dt.timezone.utc


@pytest.fixture
def batch(binary, tmp_path):
    """Runs lines (objects) through `next --batch -`; returns the answers by id."""
    def run(lines, errors=False, **environment):
        program = Program(binary, tmp_path, environment)
        done = program.run('next', '--batch', '-', input=''.join(json.dumps(line) + '\n' for line in lines),
                           status=1 if errors else 0)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert [answer['id'] for answer in answers] == [line['id'] for line in lines]
        return {answer['id']: answer for answer in answers}
    return run


def cases(name):
    return [json.loads(line) for line in (VECTORS / name).read_text(encoding='utf-8').splitlines()]


def line(case, **more):
    keys = ('id', 'schedule', 'timezone_default', 'after')
    return {key: case[key] for key in keys if key in case} | more


@pytest.mark.parametrize('name', ['apscheduler.jsonl', 'apscheduler_deviations.jsonl', 'unix.jsonl'])
def test_vectors(batch, name):
    wanted = cases(name)
    lines = [line(case, count=len(case.get('expect', '1')) + case.get('exhausted', False)) for case in wanted]
    answers = batch(lines, errors=any('expect_error' in case for case in wanted))
    wrong = []
    for case in wanted:
        answer = answers[case['id']]
        expected = {'id': case['id'], 'fires': case.get('expect'), 'exhausted': case.get('exhausted', False)}
        if ('error' not in answer) if case.get('expect_error') else answer != expected:
            wrong.append((case['schedule'], answer, expected))
    assert not wrong


@pytest.mark.parametrize('name', ['apscheduler_errors.jsonl', 'unix_errors.jsonl', 'document_errors.jsonl'])
def test_refused_vectors(batch, name):
    answers = batch([line(case) for case in cases(name)], errors=True)
    assert [id for id, answer in answers.items() if not answer.get('error')] == []


@pytest.mark.parametrize('policy, key', [('wall_clock', 'expect_wall_clock'), ('vixie', 'expect_vixie')])
def test_both_readings_of_a_change_of_clocks(batch, policy, key):
    wanted = cases('unix_dst_informative.jsonl')
    answers = batch([line(case, count=max(len(case[key]), 1)) for case in wanted], ACTION__DEFAULTS__DST=policy)
    assert [case['id'] for case in wanted if answers[case['id']]['fires'][:len(case[key])] != case[key]] == []


# --- against APScheduler ---

RANGES = {'year': (2020, 2045), 'month': (1, 12), 'day': (1, 31), 'week': (1, 53), 'day_of_week': (0, 6),
          'hour': (0, 23), 'minute': (0, 59), 'second': (0, 59)}
LARGEST_STEP = {'year': 8029}
MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split()
WEEKDAYS = 'mon tue wed thu fri sat sun'.split()


def draw_item(rng, field, blanks):
    low, high = RANGES[field]
    a = rng.randint(low, high)
    b = rng.randint(a, high)
    kind = rng.randrange(7)
    if field == 'day' and blanks and rng.random() < .25:
        place = rng.choice(['1st', '2nd', '3rd', '4th', '5th', 'last'])
        return rng.choice([f'{place} {rng.choice(WEEKDAYS)}', 'last'])
    if kind == 0:
        return f'*/{rng.randint(1, LARGEST_STEP.get(field, high - low))}'
    if kind == 1 and b > a:
        return f'{a}-{b}/{rng.randint(1, b - a)}'
    if kind == 2 and a < high:
        return f'{a}/{rng.randint(1, high - a)}'
    if kind == 3:
        return f'{a}-{b}'
    names = {'month': MONTHS, 'day_of_week': WEEKDAYS}.get(field)
    if names and kind == 4:  # without a step, which APScheduler leaves out of account
        first, last = names[a - low], names[b - low]
        return rng.choice([first, f'{first}-{last}', first.upper()])
    return str(a)


def draw_field(rng, field, blanks=True):
    if rng.random() < .2:
        return '*'
    items = [draw_item(rng, field, blanks) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    return (rng.choice([',', ' , ', ', ']) if blanks else ',').join(items)


def draw_fields(rng):
    """Some of the eight; the days seldom restricted more than twice, as APScheduler then searches for seconds."""
    fields = [field for field in RANGES if rng.random() < .4]
    days = [field for field in ('month', 'day', 'week', 'day_of_week') if field in fields]
    for field in rng.sample(days, max(len(days) - 2, 0)):
        fields.remove(field)
    params = {field: draw_field(rng, field) for field in fields}
    if 'year' not in params and ('day' in params or 'week' in params):
        params['year'] = '2020-2045'
    if rng.random() < .2:
        params['start_date'] = f'2024-{rng.randint(1, 12)}-{rng.randint(1, 28)} {rng.randrange(24)}:00:00'
    if rng.random() < .2:
        params['end_date'] = f'{rng.randint(2024, 2030)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}T12:34:56'
    return params


def draw_after(rng):
    return dt.datetime(2024, 1, 1, tzinfo=UTC) + dt.timedelta(seconds=rng.randrange(3 * 365 * 86400),
                                                              microseconds=rng.choice([0, 0, 1, 999999]))


def fires_of(trigger, after, count):
    """As its scheduler asks: each next fire some milliseconds after the one before."""
    fires, previous, now = [], None, after + dt.timedelta(microseconds=1)
    while len(fires) < count:
        previous = trigger.get_next_fire_time(previous, now)
        if previous is None:
            break
        fires.append(previous.isoformat())
        now = previous + dt.timedelta(milliseconds=5)
    return fires


def compare(batch, drawn, **environment):
    """drawn: (document, trigger, after)."""
    count = 5
    lines = [{'id': i, 'schedule': document, 'timezone_default': 'UTC', 'after': after.isoformat(), 'count': count}
             for i, (document, _, after) in enumerate(drawn)]
    answers = batch(lines, **environment)
    wrong, fires = [], 0
    for i, (document, trigger, after) in enumerate(drawn):
        expected = fires_of(trigger, after, count)
        fires += len(expected)
        if answers[i] != {'id': i, 'fires': expected, 'exhausted': len(expected) < count}:
            wrong.append((document, after.isoformat(), answers[i], expected))
    assert not wrong, f'{len(wrong)} differ (seed {SEED}), the first: {wrong[0]}'
    return fires


def test_the_same_fires_as_apscheduler(batch):
    cron = pytest.importorskip('apscheduler.triggers.cron')
    rng = random.Random(SEED)
    drawn = []
    for _ in range(1600):
        params = draw_fields(rng)
        drawn.append(({'format': 'apscheduler', 'params': params}, cron.CronTrigger(timezone=UTC, **params),
                      draw_after(rng)))
    assert compare(batch, drawn) > 5000


def test_the_same_fires_as_from_crontab(batch):
    cron = pytest.importorskip('apscheduler.triggers.cron')
    rng = random.Random(SEED + 1)
    drawn = []
    while len(drawn) < 400:
        fields = {field: draw_field(rng, field, blanks=False)
                  for field in ('minute', 'hour', 'day', 'month', 'day_of_week')}
        days = [field for field in ('day', 'month', 'day_of_week') if fields[field] != '*']
        if len(days) > 2:
            fields[rng.choice(days)] = '*'
        text = ' '.join(fields.values())
        drawn.append(({'format': 'unix', 'params': {'value': text}}, cron.CronTrigger.from_crontab(text, timezone=UTC),
                      draw_after(rng)))
    assert compare(batch, drawn, UNIX_DIALECT='apscheduler') > 1500


def test_an_interval_counts_as_apscheduler_does(batch):
    interval = pytest.importorskip('apscheduler.triggers.interval')
    rng = random.Random(SEED + 2)
    drawn = []
    for _ in range(200):
        params = {key: rng.choice([rng.randint(0, 50), rng.randint(0, 9) / 4])
                  for key in ('weeks', 'days', 'hours', 'minutes', 'seconds') if rng.random() < .4}
        params['start_date'] = f'2024-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d} 01:02:03'
        if rng.random() < .3:
            params['end_date'] = '2026-06-01'
        drawn.append(({'format': 'interval', 'params': params}, interval.IntervalTrigger(timezone=UTC, **params),
                      draw_after(rng)))
    assert compare(batch, drawn) > 500


def test_a_date_fires_once(batch):
    document = {'format': 'date', 'params': {'run_date': '2024-03-31 02:30:00', 'timezone': 'Europe/Berlin'}}
    answers = batch([{'id': after, 'schedule': document, 'after': after}
                     for after in ('2024-03-31T01:29:59.999999+00:00', '2024-03-31T01:30:00+00:00')])
    assert [answer['fires'] for answer in answers.values()] == [['2024-03-31T03:30:00+02:00'], []]
