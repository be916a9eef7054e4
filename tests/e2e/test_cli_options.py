"""The command line itself: help, options before and after the command, mistakes, streams, exit statuses."""

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from lib.actions_db import ActionsDb, unix
from lib.program import Program

# docs/cli.md is made from the table of verbs.
VERBS = re.findall(r'^## ([a-z]+)$', (Path(__file__).parents[2] / 'docs' / 'cli.md').read_text(), re.MULTILINE)
WITHOUT_JSON = {'run', 'init', 'export', 'completion'}


@pytest.fixture
def program(binary, tmp_path):
    return Program(binary, tmp_path)


@pytest.fixture
def ready(program):
    """With a configuration and a table of one action."""
    program.run('init', status=0)
    ActionsDb(program.directory / 'database.db').add('echo', unix('0 0 1 1 *'), name='new year')
    return program


@pytest.mark.parametrize('verb', VERBS)
@pytest.mark.parametrize('option', ['--help', '-h'])
def test_every_verb_has_help(program, verb, option):
    for arguments in ([verb, option], [option, verb]):
        done = program.run(*arguments, status=0)
        assert done.stderr == ''
        assert done.stdout.startswith(f'Usage: action-scheduler [GLOBAL OPTIONS] {verb} [OPTIONS]')
        assert f'\nExamples:\n  action-scheduler ' in done.stdout
        assert '-c, --config FILE' in done.stdout
        assert ('-o, --output' in done.stdout) == (verb not in WITHOUT_JSON)


def test_help_of_the_program_lists_the_verbs(program):
    text = program.run('--help', status=0).stdout
    assert re.findall(r'^  ([a-z]+)  ', text, re.MULTILINE) == VERBS


def test_help_needs_no_configuration_and_starts_nothing(program):
    (program.directory / 'config.yaml').write_text('debug: [')
    program.run('run', '--help', status=0)
    assert sorted(p.name for p in program.directory.iterdir()) == ['config.yaml']


def test_version(program):
    for arguments in (['--version'], ['list', '--version']):
        assert re.fullmatch(r'action-scheduler \d+\.\d+\.\d+\n', program.run(*arguments, status=0).stdout)


@pytest.mark.parametrize('typed, meant', [('lst', 'list'), ('hisotry', 'history'), ('chek', 'check'), ('nxt', 'next')])
def test_a_mistyped_command_is_recognised(program, typed, meant):
    assert f"there is no command '{typed}'; did you mean '{meant}'?" in program.refused(typed)


def test_an_unknown_command_is_refused(program):
    said = program.refused('frobnicate')
    assert "there is no command 'frobnicate'" in said and 'did you mean' not in said
    assert '--help lists the commands' in program.refused('help', 'status')
    assert "Try 'action-scheduler --help'." in said


@pytest.mark.parametrize('arguments, meant', [
    (['history', '--folow'], 'follow'), (['next', '--crn', '* * * * *'], 'cron'),
    (['list', '--ouput', 'json'], 'output'), (['list', '--verbos'], 'verbose'),
    (['--cathc-up', 'none'], 'catch-up'), (['next', '--crn=* * * * *'], 'cron')])
def test_a_mistyped_option_is_recognised(program, arguments, meant):
    assert f'did you mean --{meant}?' in program.refused(*arguments)


@pytest.mark.parametrize('arguments', [
    ['list', '--frobnicate'], ['list', '-x'], ['list', '-o'], ['list', '--output', 'xml'], ['list', 'extra'],
    ['--color', 'blue', 'list'], ['--log-format', 'xml', 'list'], ['-q', '-v', 'list'], ['run', 'extra'], ['init', 'x'],
    ['run', '--catch-up'], ['run', '--catch-up', 'some'], ['--catch-up', 'some'],
    ['show'], ['show', '1', '2'], ['show', 'one'], ['show', '+-1'],
    ['show', '99999999999999999999'],
    ['run', '-o', 'json'], ['--config'], ['history', 'x'], ['check', 'x'], ['list', ''], ['--cron', '* * * * *']])
def test_a_wrong_command_line_is_refused(ready, arguments):
    assert ready.refused(*arguments).startswith('action-scheduler: ')


@pytest.mark.parametrize('arguments', [
    ['-c', 'other.yaml', 'list', '-o', 'json'], ['list', '-o', 'json', '-c', 'other.yaml'],
    ['-o', 'json', 'list', '--config=other.yaml'], ['--config', 'other.yaml', '-o', 'json', 'list'],
    ['-qc', 'other.yaml', 'list', '--output=json'], ['list', '-o', 'json', '--config', 'other.yaml', '--']])
def test_options_stand_before_or_after_the_command(ready, arguments):
    (ready.directory / 'config.yaml').rename(ready.directory / 'other.yaml')
    assert [action['name'] for action in json.loads(ready.run(*arguments, status=0).stdout)] == ['new year']


def test_a_negative_id_can_be_given(ready):
    ActionsDb(ready.directory / 'database.db').add('x', unix('* * * * *'), id=-5)
    assert ready.json('show', '--', '-5')['id'] == -5


def test_no_command_means_run(program):
    """Which says that there is no configuration."""
    assert 'config.yaml' in program.failed()
    assert 'config.yaml' in program.failed('--catch-up', 'none')


@pytest.mark.parametrize('arguments', [['list'], ['show', '1'], ['history'], ['run'], ['next', '1']])
def test_without_configuration_verbs_say_how_to_get_one(program, arguments):
    said = program.failed(*arguments)
    assert 'config.yaml' in said and '`action-scheduler init`' in said


@pytest.mark.parametrize('arguments', [['list'], ['show', '1'], ['history'], ['run'], ['next', '1'],
                                       ['next', '--cron', '* * * * *']])
def test_all_errors_of_a_configuration_are_said(program, arguments):
    (program.directory / 'config.yaml').write_text('debug: maybe\nkafka:\n  sever: x\n')
    said = program.failed(*arguments)
    assert 'config.yaml:1:8: debug:' in said and 'kafka.sever' in said and 'actions_db' in said


def test_a_configuration_that_is_asked_for_must_be_there(program):
    assert 'nosuch.yaml' in program.failed('-c', 'nosuch.yaml', 'next', '--cron', '* * * * *')
    assert 'nosuch.env' in program.failed('--env-file', 'nosuch.env', 'next', '--cron', '* * * * *')


def test_the_environment_file_counts(ready):
    (ready.directory / 'a.env').write_text('TIMEZONE=Asia/Tokyo\n')
    assert ready.json('--env-file', 'a.env', 'list')[0]['timezone'] == 'Asia/Tokyo'


def test_messages_can_be_json(program):
    said = program.run('--log-format', 'json', 'lst', status=2).stderr
    assert said.startswith('action-scheduler: ')  # the command is not known yet, nor are its options
    said = program.run('--log-format', 'json', 'list', status=1).stderr
    assert all({'time', 'level', 'message'} <= json.loads(line).keys() for line in said.splitlines())


def test_messages_are_one_line_each(program):
    said = program.refused('li\nst\033[31m')
    assert 'li\\nst\\x1b[31m' in said


# --- results on terminals, pipes and full devices ---

def on_terminal(program, *arguments, columns=200, environment=None):
    """What a terminal of so many columns gets."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [program.binary, *arguments], cwd=program.directory, stdin=subprocess.DEVNULL, stdout=slave,
        env=program.environment | {'COLUMNS': str(columns), 'TERM': 'xterm'} | (environment or {}))
    os.close(slave)
    data = b''
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        data += chunk
    os.close(master)
    assert process.wait(60) == 0
    return data.decode().replace('\r\n', '\n')


def test_colours_only_on_a_terminal_and_where_wanted(ready):
    assert '\033[32mactive\033[0m' in on_terminal(ready, 'list')
    assert '\033[' not in on_terminal(ready, 'list', environment={'NO_COLOR': '1'})
    assert '\033[' not in on_terminal(ready, 'list', environment={'TERM': 'dumb'})
    assert '\033[' not in on_terminal(ready, '--color', 'never', 'list')
    assert '\033[' in on_terminal(ready, '--color', 'always', 'list', environment={'NO_COLOR': '1'})
    assert '\033[' not in ready.run('list', status=0).stdout
    assert '\033[32mactive' in ready.run('--color', 'always', 'list', status=0).stdout


def test_a_table_fits_the_terminal(ready):
    db = ActionsDb(ready.directory / 'database.db')
    db.update(1, command='x' * 300)
    lines = on_terminal(ready, '--color', 'never', 'list', columns=100).splitlines()
    assert len(lines) == 2 and all(len(line) <= 100 for line in lines) and '…' in lines[1]
    assert 'x' * 300 in ready.run('list', status=0).stdout


def test_a_reader_that_goes_ends_it_quietly(ready):
    ActionsDb(ready.directory / 'database.db').add_many(
        [{'command': 'x' * 100, 'cron': unix('0 0 1 1 *')} for _ in range(5000)])
    for output in ('table', 'json', 'jsonl'):
        process = subprocess.Popen([ready.binary, 'list', '-o', output], cwd=ready.directory, env=ready.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b''
        process.wait(60)
        process.stderr.close()


@pytest.mark.parametrize('arguments', [['list'], ['list', '-o', 'json'], ['--help'], ['next', '--cron', '* * * * *']])
def test_a_full_device_is_an_error(ready, arguments):
    with open('/dev/full', 'w') as full:
        done = ready.run(*arguments, status=1, stdout=full)
    assert 'cannot write to stdout' in done.stderr


def test_bytes_that_are_no_text_do_no_harm(ready):
    argument = b'\xff\xfe'.decode(errors='surrogateescape')
    ready.refused(argument)
    ready.refused('show', argument)
    ready.refused('next', '--cron', argument)
    ready.refused('next', '--timezone', argument, '--cron', '* * * * *')
    ready.refused('next', '--after', argument, '--cron', '* * * * *')
    ready.refused('list', '-o', argument)
    ready.refused('next', '--cron', 'Ж * * * *', environment={'LANG': 'C'})
