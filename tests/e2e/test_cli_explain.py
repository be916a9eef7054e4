"""`explain`: a schedule in words, the next fires, and what changes of the clock do."""

import pytest

from lib.actions_db import apscheduler, unix
from lib.program import Program

SAMPLE = '{"format": "apscheduler", "params": {"second": "*/20", "end_date": "2050-05-05"}}'


@pytest.fixture
def program(binary, tmp_path):
    """The program in an empty directory."""
    return Program(binary, tmp_path)


def test_the_words_of_the_sample_in_both_languages(program):
    english = program.json('explain', '--schedule', SAMPLE)
    assert english[0]['words'] == 'every 20 seconds until 2050-05-05'
    assert english[0]['schedule']['params']['second'] == '*/20'
    assert len(english[0]['next_fires']) == 5
    russian = program.json('explain', '--schedule', SAMPLE, '--lang', 'ru')
    assert russian[0]['words'] == 'каждые 20 секунд до 2050-05-05'


def test_clock_changes_are_shown_for_each_policy(program):
    (answer,) = program.json('explain', '--cron', '30 2 * * *', '--timezone', 'Europe/Berlin')
    assert answer['words'].endswith(', Europe/Berlin time')
    first, second = answer['clock_changes']
    spring, autumn = sorted((first, second), key=lambda change: change['wall_clock']['count'])
    assert spring['wall_clock'] == {'count': 0, 'fires': []}
    assert spring['vixie']['count'] == 1
    assert autumn['wall_clock']['count'] == 2
    assert autumn['vixie']['count'] == 1


def test_text_has_words_fires_and_clock_changes(program):
    said = program.run('explain', '--cron', '30 2 * * *', '--timezone', 'Europe/Berlin', status=0).stdout
    assert 'IN WORDS    every day at 02:30, Europe/Berlin time\n' in said
    assert said.count('\nThe clock goes from ') == 2
    assert '  wall_clock  none\n' in said


def test_a_zone_without_changes_has_none(program):
    (answer,) = program.json('explain', '--cron', '* * * * *', '--timezone', 'UTC')
    assert answer['clock_changes'] == []
    assert answer['words'] == 'every minute, UTC time'


def test_actions_by_id(scheduler):
    running = scheduler(actions=[
        {'command': 'a', 'cron': unix('*/5 * * * *')},
        {'command': 'b', 'cron': apscheduler(day='last fri', hour=3, timezone='Europe/Moscow')}])
    one, two = running.jsonl('explain', '1', '2')
    assert (one['id'], one['words']) == (1, 'every 5 minutes')
    assert two['words'] == 'at 03:00 on the last Friday of the month, Europe/Moscow time'
    done = running.run('explain', '1', '99')
    assert done.returncode == 1
    assert 'there is no action 99' in done.stderr


def test_wrong_command_lines(program):
    assert 'explain takes one of' in program.refused('explain')
    assert 'explain takes one of' in program.refused('explain', '1', '--cron', '* * * * *')
    assert '--lang must be en or ru' in program.refused('explain', '--cron', '* * * * *', '--lang', 'de')
    assert '61 is above 59' in program.refused('explain', '--cron', '61 * * * *')
    assert 'Nowhere' in program.refused('explain', '--cron', '* * * * *', '--timezone', 'Europe/Nowhere')
