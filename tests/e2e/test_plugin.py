"""Plugins: what is installed for them, the examples built against it, and the program that loads them."""

import os
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lib.actions_db import EVERY_SECOND

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments, cwd=None, env=None):
    """Runs a command and returns what it printed."""
    done = subprocess.run([str(each) for each in arguments], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == 0, f'{arguments}: {done.stdout}'
    return done.stdout.strip()


@pytest.fixture(scope='module')
def installed(binary, tmp_path_factory):
    """The environment in which pkg-config finds what `meson install` put into a directory of its own."""
    root = tmp_path_factory.mktemp('installed')
    run('meson', 'install', '-C', binary.parent, '--no-rebuild', '--tags', 'devel', '--destdir', root)
    pc = next(root.rglob('action-scheduler-plugin.pc'))
    return os.environ | {'PKG_CONFIG_PATH': str(pc.parent), 'PKG_CONFIG_SYSROOT_DIR': str(root)}


@pytest.fixture(scope='module')
def example(installed, tmp_path_factory):
    """The example, built by its Makefile outside of the source."""
    place = tmp_path_factory.mktemp('example')
    place.chmod(0o755)
    for name in ('append_file.c', 'Makefile'):
        shutil.copy(ROOT / 'examples' / 'plugin' / name, place)
    run('make', 'CC=gcc', 'CFLAGS=-O2 -Wpedantic -Werror', cwd=place, env=installed)
    library = place / 'append_file.so'
    library.chmod(0o755)
    return library


@pytest.fixture(scope='module')
def cpp_example(installed, tmp_path_factory):
    """The plugin in C++ that docs/plugin.md has."""
    place = tmp_path_factory.mktemp('cpp')
    place.chmod(0o755)
    text = re.search(r'```cpp\n(.*?)```', (ROOT / 'docs' / 'plugin.md').read_text(encoding='utf-8'), re.DOTALL)[1]
    (place / 'speak.cc').write_text(text, encoding='utf-8')
    flags = run('pkg-config', '--cflags', 'action-scheduler-plugin', env=installed).split()
    run('g++', '-std=c++11', '-Wall', '-Wextra', '-Wpedantic', '-Werror', *flags, '-fPIC', '-shared', '-pthread',
        '-o', place / 'speak.so', place / 'speak.cc')
    (place / 'speak.so').chmod(0o755)
    return place / 'speak.so'


def with_plugin(library, symbol, **options):
    """A configuration with the plugin as callback."""
    return {'action': {'callback': f'plugin:{library}:{symbol}'},
            'plugin': {'options': {f'{symbol}.{name}': value for name, value in options.items()}}}


def lines_of(path):
    """(fire id, command) of each line that the example has written."""
    return [tuple(line.split('\t')) for line in path.read_text(encoding='utf-8').splitlines()] if path.exists() else []


def missing(path, actions, last):
    """The fires after the first whole second, up to `last`, that no line stands for."""
    fired = {fire_id for fire_id, _ in lines_of(path)}
    seconds = sorted({fire_id.split('@')[1] for fire_id in fired})
    at, end = (datetime.strptime(text, '%Y-%m-%dT%H:%M:%S%z') for text in (seconds[1], last))
    absent = []
    while at <= end:
        absent += [f'{i}@{at:%Y-%m-%dT%H:%M:%SZ}' for i in range(1, actions + 1)]
        at += timedelta(seconds=1)
    return [fire_id for fire_id in absent if fire_id not in fired]


def test_the_header_stands_for_itself(installed, tmp_path):
    flags = run('pkg-config', '--cflags', 'action-scheduler-plugin', env=installed).split()
    for compiler, standard, name in (('gcc', 'c11', 'a.c'), ('g++', 'c++11', 'a.cc'), ('clang', 'c11', 'b.c')):
        (tmp_path / name).write_text('#include <action_scheduler/plugin.h>\n#include <action_scheduler/plugin.h>\n'
                                     'ACTION_SCHEDULER_PLUGIN(none) = {ACTION_SCHEDULER_PLUGIN_ABI, 0, 0, 0, 0, 0};\n')
        run(compiler, f'-std={standard}', '-Wall', '-Wextra', '-Wpedantic', '-Werror', *flags, '-c',
            '-o', tmp_path / 'out.o', tmp_path / name)


def test_pkg_config_says_where_plugins_go_and_which_abi(installed):
    assert run('pkg-config', '--variable=plugindir', 'action-scheduler-plugin', env=installed).endswith(
        '/action-scheduler')
    header = (ROOT / 'include/action_scheduler/plugin.h').read_text(encoding='utf-8')
    abi = re.search(r'#define ACTION_SCHEDULER_PLUGIN_ABI (\d+)', header)[1]
    assert run('pkg-config', '--variable=abi', 'action-scheduler-plugin', env=installed) == abi


def test_fires_reach_a_plugin(scheduler, example, tmp_path):
    out = tmp_path / 'fires.log'
    s = scheduler(with_plugin(example, 'append_file', path=str(out)),
                  actions=[{'id': 17, 'command': 'say hello', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_for(lambda: len(lines_of(out)) >= 2, what='two lines')
    s.stop()
    lines = lines_of(out)
    assert all(re.fullmatch(r'17@\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', fire_id) for fire_id, _ in lines)
    assert {command for _, command in lines} == {'say hello'}
    history = s.history('--status', 'delivered')
    assert sorted(entry['fire_id'] for entry in history) == sorted(fire_id for fire_id, _ in lines)


def test_a_plugin_in_cpp_refuses_and_speaks(scheduler, cpp_example):
    s = scheduler(with_plugin(cpp_example, 'speak'), actions=[
        {'id': 1, 'command': 'good morning', 'cron': EVERY_SECOND},
        {'id': 2, 'command': 'fail', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_error('good morning')
    s.wait_for(lambda: s.history('--status', 'failed', '--action', '2'), what='a failed fire')
    s.stop()
    assert s.history('--status', 'failed')[0]['detail'] == 'as it was told to'
    assert not s.history('--status', 'failed', '--action', '1')


def with_callback(s, action_id, callback):
    """Names the callback of a row."""
    if 'callback' not in {column[1] for column in s.actions.execute('PRAGMA table_info(action)')}:
        s.actions.execute('ALTER TABLE action ADD COLUMN callback TEXT')
    s.actions.execute('UPDATE action SET callback = ? WHERE id = ?', callback, action_id)


def test_a_plugin_that_cannot_start_holds_up_its_own_lane_only(scheduler, example, tmp_path):
    out = tmp_path / 'later' / 'fires.log'
    s = scheduler({'plugin': {'options': {'append_file.path': str(out)}}}, actions=[
        {'id': 1, 'command': 'appended', 'cron': EVERY_SECOND}, {'id': 2, 'command': 'printed', 'cron': EVERY_SECOND}])
    with_callback(s, 1, f'plugin:{example}:append_file')
    s.start()
    s.wait_error('No such file or directory')
    s.wait_lines(3, 'printed')
    out.parent.mkdir()
    # What was due meanwhile is made up for.
    due = {line.time.strftime('1@%Y-%m-%dT%H:%M:%SZ') for line in s.fired('printed')}
    s.wait_for(lambda: due <= {fire_id for fire_id, _ in lines_of(out)}, timeout=90, what='the lines of all fires')
    s.stop()
    assert len(lines_of(out)) == len(set(lines_of(out)))


def test_kill_while_busy_loses_nothing(scheduler, example, tmp_path):
    out = tmp_path / 'fires.log'
    s = scheduler(with_plugin(example, 'append_file', path=str(out)),
                  actions=[{'id': i, 'command': 'x', 'cron': EVERY_SECOND} for i in range(1, 201)])
    for count in (300, 600, 900):
        s.start()
        s.wait_for(lambda count=count: len(lines_of(out)) >= count, timeout=30, what=f'{count} lines')
        s.kill()
    s.start()
    last = max(fire_id.split('@')[1] for fire_id, _ in lines_of(out))
    s.wait_for(lambda: not missing(out, 200, last), timeout=30, what='every fire from the first to the last second')
    s.stop()


def test_an_untrusted_file_is_a_bad_row_with_the_way_out(scheduler, example, tmp_path):
    shutil.copy(example, tmp_path / 'append_file.so')
    (tmp_path / 'append_file.so').chmod(0o666)
    s = scheduler(actions=[{'id': 1, 'command': 'x', 'cron': EVERY_SECOND}])
    with_callback(s, 1, f'plugin:{tmp_path}/append_file.so:append_file')
    s.start()
    s.wait_error(f'chmod go-w {tmp_path}/append_file.so')
    s.stop()


def test_a_wrong_option_ends_the_start(scheduler, example):
    s = scheduler(with_plugin(example, 'append_file', path='/tmp/x', colour='red'))
    s.start(ready=False)
    assert s.wait() == 1
    assert 'there is no option colour, only path' in s.stderr
