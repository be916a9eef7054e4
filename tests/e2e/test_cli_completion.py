"""`completion`: the scripts are valid, and complete verbs, options and values."""

import shutil
import subprocess

import pytest

from lib.program import Program
from lib.terminal import Terminal


@pytest.fixture
def program(binary, tmp_path):
    """The program in an empty directory."""
    return Program(binary, tmp_path)


def script(program, shell):
    """The script of a shell, in a file."""
    path = program.directory / f'completion.{shell}'
    path.write_text(program.run('completion', shell, status=0).stdout, encoding='utf-8')
    return path


def shell(name, *arguments, cwd=None):
    """Runs a shell, which has to be installed, and returns its stdout."""
    if not shutil.which(name):
        pytest.skip(f'no {name} here')
    done = subprocess.run([name, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False,
                          cwd=cwd)
    assert done.returncode == 0 and done.stderr == '', done.stderr
    return done.stdout


@pytest.mark.parametrize('words,expected', [
    (['li'], {'list'}),
    (['next', '--co'], {'--count', '--color', '--config'}),
    (['-o', 'js'], {'json', 'jsonl'}),
    (['list', '--output', 't'], {'table'}),
    (['explain', '--lang', ''], {'en', 'ru'}),
    (['completion', 'f'], {'fish'}),
    (['--log-format', ''], {'text', 'json'}),
    (['history', '--fo'], {'--follow'}),
    (['history', '--status', 'm'], {'merged', 'missed'}),
    (['history', '--status', '='], {'delivered', 'failed', 'merged', 'missed', 'skipped'}),
    (['-o', '=', 'jsonl'], {'jsonl'}),
    (['import', 'ap'], {'apscheduler'}),
    (['import', ''], {'crontab', 'yaml', 'apscheduler'}),
    (['import', 'crontab', 'comp'], {'completion.bash'}),
    (['export', ''], {'crontab', 'yaml'}),
    (['show', ''], set()),
    (['--config', 'completion.'], {'completion.bash'}),
])
def test_bash(program, words, expected):
    path = script(program, 'bash')
    line = ' '.join(f"'{word}'" for word in ['action-scheduler', *words])
    found = shell('bash', '-c', f'source {path}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _action_scheduler; '
                                'printf "%s\\n" "${COMPREPLY[@]}"', cwd=program.directory)
    assert set(found.split()) == expected


def test_fish(program):
    path = script(program, 'fish')
    assert shell('fish', '--no-config', '-n', path) == ''
    found = shell('fish', '--no-config', '-c', f"source {path}; complete -C 'action-scheduler ne'")
    assert found.split('\t')[0] == 'next'
    found = shell('fish', '--no-config', '-c', f"source {path}; complete -C 'action-scheduler list -o j'")
    assert {line.split('\t')[0] for line in found.splitlines()} == {'json', 'jsonl'}
    found = shell('fish', '--no-config', '-c', f"source {path}; complete -C 'action-scheduler import a'")
    assert found.split('\t')[0].strip() == 'apscheduler'
    found = shell('fish', '--no-config', '-c', f"source {path}; complete -C 'action-scheduler import yaml comp'",
                  cwd=program.directory)
    assert found.split('\t')[0].strip() == 'completion.fish'


def test_zsh_takes_the_script(program):
    path = script(program, 'zsh')
    assert path.read_text(encoding='utf-8').startswith('#compdef action-scheduler\n')
    shell('zsh', '-f', '-n', path)
    assert shell('zsh', '-f', '-c', f'autoload -U compinit; compinit -D -u; source {path}; '
                                    'print -r -- ${_comps[action-scheduler]}') == '_action_scheduler\n'


@pytest.mark.parametrize('name', ['bash', 'zsh'])
def test_a_tab_in_a_shell(program, name):
    path = script(program, name)
    load = 'autoload -U compinit; compinit -D -u; ' if name == 'zsh' else ''
    if not shutil.which(name):
        pytest.skip(f'no {name} here')
    terminal = Terminal([name, *{'bash': ['--norc', '--noprofile'], 'zsh': ['-f']}[name], '-i'],
                        program.environment | {'TERM': 'dumb', 'HISTFILE': ''}, program.directory, columns=120)
    try:
        terminal.send(f'PS1="ready> "; {load}source {path}\n')
        terminal.wait_text(r'[^"]ready> ')
        for typed, completed in (('action-scheduler che', 'action-scheduler check'),
                                 ('--si', '--since')):
            terminal.send(f'{typed}\t')
            terminal.wait_text(completed)
        terminal.send('\x15action-scheduler history --status de\t')
        terminal.wait_text('delivered')
    finally:
        terminal.close()


def test_another_shell_is_refused(program):
    assert 'bash, zsh and fish' in program.refused('completion', 'tcsh')
    assert 'bash, zsh or fish' in program.refused('completion')
