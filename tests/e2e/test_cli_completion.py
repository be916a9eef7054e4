"""`completion`: the scripts are valid, and complete verbs, options and values."""

import shutil
import subprocess

import pytest

from lib.program import Program


@pytest.fixture
def program(binary, tmp_path):
    """The program in an empty directory."""
    return Program(binary, tmp_path)


def script(program, shell):
    """The script of a shell, in a file."""
    path = program.directory / f'completion.{shell}'
    path.write_text(program.run('completion', shell, status=0).stdout, encoding='utf-8')
    return path


def shell(name, *arguments):
    """Runs a shell, which has to be installed, and returns its stdout."""
    if not shutil.which(name):
        pytest.skip(f'no {name} here')
    done = subprocess.run([name, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
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
])
def test_bash(program, words, expected):
    path = script(program, 'bash')
    line = ' '.join(f"'{word}'" for word in ['action-scheduler', *words])
    found = shell('bash', '-c', f'source {path}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _action_scheduler; '
                                'printf "%s\\n" "${COMPREPLY[@]}"')
    assert set(found.split()) == expected


def test_fish(program):
    path = script(program, 'fish')
    assert shell('fish', '--no-config', '-n', path) == ''
    found = shell('fish', '--no-config', '-c', f"source {path}; complete -C 'action-scheduler ne'")
    assert found.split('\t')[0] == 'next'
    found = shell('fish', '--no-config', '-c', f"source {path}; complete -C 'action-scheduler list -o j'")
    assert {line.split('\t')[0] for line in found.splitlines()} == {'json', 'jsonl'}


def test_zsh_takes_the_script(program):
    path = script(program, 'zsh')
    assert path.read_text(encoding='utf-8').startswith('#compdef action-scheduler\n')
    shell('zsh', '-f', '-n', path)
    assert shell('zsh', '-f', '-c', f'autoload -U compinit; compinit -D -u; source {path}; '
                                    'print -r -- ${_comps[action-scheduler]}') == '_action_scheduler\n'


def test_another_shell_is_refused(program):
    assert 'bash, zsh and fish' in program.refused('completion', 'tcsh')
    assert 'bash, zsh or fish' in program.refused('completion')
