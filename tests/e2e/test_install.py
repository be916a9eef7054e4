"""`meson install`: everything has its place, and the man pages are sound."""

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope='module')
def root(binary, tmp_path_factory):
    """A directory that all was installed into."""
    where = tmp_path_factory.mktemp('install')
    subprocess.run(['meson', 'install', '-C', Path(binary).parent, '--no-rebuild', '--destdir', where], check=True,
                   capture_output=True, timeout=120)
    return where / 'usr/local'


@pytest.mark.parametrize('path', [
    'bin/action-scheduler',
    'include/action_scheduler/plugin.h',
    'share/man/man1/action-scheduler.1',
    'share/man/man5/action-scheduler.yaml.5',
    'share/bash-completion/completions/action-scheduler',
    'share/zsh/site-functions/_action-scheduler',
    'share/fish/vendor_completions.d/action-scheduler.fish',
    'lib/systemd/system/action-scheduler.service',
    'lib/sysusers.d/action-scheduler.conf',
    'share/action-scheduler/sql/postgresql-roles.sql',
    'share/doc/action-scheduler/README.md',
])
def test_it_is_there(root, path):
    assert (root / path).stat().st_size > 0


def test_the_installed_program_runs(root):
    said = subprocess.run([root / 'bin/action-scheduler', '--version'], capture_output=True, text=True, check=True)
    assert said.stdout.startswith('action-scheduler ')


def test_the_unit_names_the_installed_program(root):
    unit = (root / 'lib/systemd/system/action-scheduler.service').read_text(encoding='utf-8')
    assert 'ExecStart=/usr/local/bin/action-scheduler --config' in unit
    # Programs of exec are under it, too: nice(1) works, and what is forbidden fails instead of being killed.
    assert '\nSystemCallFilter=~@privileged\nSystemCallErrorNumber=EPERM\n' in unit


@pytest.mark.parametrize('page,texts', [
    ('man1/action-scheduler.1', ['explain', '--catch-up', 'EXIT STATUS']),
    ('man5/action-scheduler.yaml.5', ['actions_db.dialect', 'kafka.exactly_once', 'exec.enabled'])])
def test_man_pages(root, page, texts):
    if not shutil.which('groff'):
        pytest.skip('no groff here')
    done = subprocess.run(['groff', '-man', '-Tutf8', '-Kutf8', '-ww', '-P-cbou', root / 'share/man' / page],
                          capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ''
    for text in texts:
        assert text in done.stdout.replace('\u2010', '-').replace('\u2212', '-')
