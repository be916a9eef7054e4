"""What a terminal shows: tables that fit it, colours, the pager, the progress bar, Ctrl-C."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
from datetime import datetime, timezone

import pytest

from lib.actions_db import apscheduler, interval, once, unix
from lib.clock import TestClock
from lib.golden import check_golden
from lib.scheduler import Scheduler
from lib.terminal import Terminal
from lib.wait import wait_for

LONG = 'rsync --archive --delete --compress /srv/data/warehouse/ backup.example.org:/srv/backup/warehouse/'
ACTIONS = [
    {'name': 'morning', 'command': 'report --daily', 'cron': unix('30 9 * * 1-5'), 'timezone': 'Europe/Berlin'},
    {'name': 'copy of the warehouse to another house', 'command': LONG, 'cron': unix('*/15 4 * * *')},
    {'name': '日本語の名前です、とても長い', 'command': 'echo 日本', 'cron': apscheduler(hour='5', minute=0, timezone='Asia/Tokyo')},
    {'name': 'emoji 🚀🚀🚀 and e\u0301\u0301', 'command': 'a\nb\x1b[31mc\u202e', 'cron': interval(weeks=2)},
    {'name': 'paused', 'command': 'no', 'cron': unix('0 5 * * *'), 'enabled': 0},
    {'name': 'over', 'command': 'old', 'cron': once('2020-05-05T10:00:00+00:00')},
    {'name': 'bad', 'command': 'never', 'cron': unix('61 * * * *')},
    {'name': 'late', 'command': 'late', 'cron': unix('*/10 * * * *'), 'merge_missed': 1, 'callback': 'print'},
    {'name': 'too late', 'command': 'too late', 'cron': unix('*/10 * * * *'), 'actuality_time': 0},
    {'name': 'fails', 'command': 'ls /nosuch', 'cron': unix('1 0 * * *'), 'callback': 'exec'},
]
YAML = '''\
- name: morning
  command: report --daily --long
  cron: {format: unix, params: {value: 30 10 * * 1-5}}
- name: 日本語の名前です、とても長い
  command: echo
  cron: {format: interval, params: {hours: 6}}
'''
ENVIRONMENT = {'LANG': 'C.UTF-8', 'TZ': 'UTC', 'TERM': 'xterm'}


class Console:
    """Runs the program in a terminal, in the directory of a scheduler that has made some history by 03:25."""

    def __init__(self, directory, binary):
        self.directory, self.binary = directory, binary
        self.opened = []
        self.clock = TestClock(directory / 'clock')
        self.set_now(0, 0, 20)
        scheduler = Scheduler(directory, binary, {'exec': {'enabled': True}}, self.clock)
        subprocess.run([binary, 'init'], cwd=directory, env=self.environment(), check=True, capture_output=True)
        scheduler.actions.add_many(ACTIONS)
        scheduler.start()
        scheduler.stop()
        self.set_now(3, 20, 30)
        scheduler.start()
        for status in ('delivered', 'failed'):
            scheduler.wait_for(lambda: scheduler.history('--status', status))
        scheduler.stop()
        scheduler.close()

    def set_now(self, hour, minute, second):
        """On the first day of 2024, half a second later."""
        self.clock.set_now(datetime(2024, 1, 1, hour, minute, second, 500000, timezone.utc))

    def environment(self, **more):
        """What the program gets."""
        names = {name: os.environ[name] for name in ('PATH', 'HOME') if name in os.environ}
        names |= {name: value for name, value in os.environ.items() if name.endswith('SAN_OPTIONS')}
        return names | ENVIRONMENT | {'ACTION_SCHEDULER_CLOCK': self.clock.path} | more

    def open(self, *arguments, columns=80, rows=24, environment=None, **streams):
        """The terminal in which it runs."""
        self.opened.append(Terminal([self.binary, *arguments], self.environment(**(environment or {})), self.directory,
                                    columns, rows, **streams))
        return self.opened[-1]

    def close(self):
        """Ends what a failed test has left."""
        for each in self.opened:
            each.close()

    def shown(self, *arguments, columns=80, status=0, environment=None):
        """What stdout shows of a command that runs to its end."""
        terminal = self.open('--no-pager', *arguments, columns=columns, environment=environment,
                             stderr=subprocess.DEVNULL)
        assert terminal.wait() == status, terminal.text
        return terminal.text


pytestmark = pytest.mark.xdist_group('terminal')


@pytest.fixture(scope='module')
def console(tmp_path_factory, test_clock_binary):
    made = Console(tmp_path_factory.mktemp('console'), test_clock_binary)
    yield made
    made.close()


@pytest.fixture(scope='module')
def many(console):
    """A directory whose table has more actions than a screen has lines."""
    with sqlite3.connect(console.directory / 'many.db') as db:
        db.execute('CREATE TABLE IF NOT EXISTS action (id INTEGER PRIMARY KEY, name TEXT NOT NULL, command TEXT NOT NULL, '
                   'cron JSON NOT NULL, merge_missed BOOLEAN, actuality_time INTEGER)')
        db.execute("INSERT OR IGNORE INTO action WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
                   """SELECT i, 'many ' || i, 'x', '{"format": "unix", "params": {"value": "0 0 * * *"}}', NULL, NULL FROM n""")
    return {'ACTIONS_DB__DATABASE': 'many.db'}


def settled(text, directory):
    """Without what differs from run to run: the place, seconds, ids made by hand."""
    text = text.replace(str(directory), '/srv/scheduler')
    text = re.sub(r'(T\d\d:)\d\d:\d\d\.\d{6}', r'\1MM:SS.ffffff', text)
    text = re.sub(r'(process|pid) \d+', r'\1 N', text).replace(socket.gethostname(), 'host')
    text = re.sub(r'schema version \d+', 'schema version N', text)
    text = re.sub(r'entries since .*', 'entries since TIME', text)
    text = re.sub(r'(\d+min) \d+s\b', r'\1 SSs', text)
    return re.sub(r'![0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '!' + 'x' * 8 + '-xxxx' * 3 + '-' + 'x' * 12, text)


# --- tables ---

GOLDEN = {
    'list': ['list'],
    'show': ['show', '2', '--timezone', 'Asia/Kolkata'],
    'show-late': ['show', '8'],
    'next': ['next', '1', '4', '6', '--count', '3'],
    'explain': ['explain', '1'],
    'history': ['history'],
    'check': ['check'],
    'import-apscheduler': ['import', 'apscheduler', '--dry-run', '--from', 'python.db'],
    'simulate': ['simulate', '--from', '2024-01-01T04:10:00Z', '--to', '2024-01-01T05:00:00Z', '--timezone', 'Asia/Tokyo'],
    'simulate-by': ['simulate', '--from', '2024-01-01', '--to', '2024-01-02', '--by', 'action'],
    'simulate-histogram': ['simulate', '--from', '2024-01-01', '--to', '2024-01-02', '--histogram'],
    'simulate-missed': ['simulate', '--missed'],
    'simulate-diff': ['simulate', '--diff', 'actions.yaml', '--from', '2024-01-01', '--to', '2024-01-02'],
    'status': ['status'],
    'progress-show': ['progress', 'show'],
    'progress-set': ['progress', 'set', '2024-01-01T03:22:00Z', '--dry-run'],
    'import-yaml': ['import', 'yaml', 'actions.yaml', '--dry-run'],
    'import-crontab': ['import', 'crontab', 'crontab', '--dry-run'],
    'trigger': ['trigger', '8'],
}


@pytest.mark.parametrize('columns', [80, 200])
@pytest.mark.parametrize('name', GOLDEN)
def test_tables_fit_the_terminal(console, name, columns):
    with sqlite3.connect(console.directory / 'python.db') as db:
        db.execute('CREATE TABLE IF NOT EXISTS apscheduler_jobs (id VARCHAR(191) PRIMARY KEY, next_run_time FLOAT, '
                   'job_state BLOB NOT NULL)')
        db.executemany("INSERT OR IGNORE INTO apscheduler_jobs VALUES (?, ?, 'x')", [
            ('2', 1703995200.0), ('5', None), ('99', 1704063600.25)])
    (console.directory / 'crontab').write_text(f'PATH=/bin\n0 5 * * 1 {LONG}\n@daily echo 日本\n', encoding='utf-8')
    (console.directory / 'actions.yaml').write_text(YAML, encoding='utf-8')
    console.set_now(4 if name == 'simulate-missed' else 3, 25, 0)
    status = {'check': 1, 'status': 1}.get(name, 0)
    text = settled(console.shown(*GOLDEN[name], columns=columns, status=status), console.directory)
    check_golden(f'{name}-{columns}.txt', text)


@pytest.mark.parametrize('columns', [80, 200])
def test_tables_of_edits_fit_the_terminal(console, columns):
    console.set_now(3, 25, 0)
    def kept(name, *arguments):
        check_golden(f'{name}-{columns}.txt', settled(console.shown(*arguments, columns=columns), console.directory))
    kept('add', 'add', '--name', 'nightly', '--command', LONG, '--cron', '0 1 * * *')
    kept('edit', 'edit', '11', '--timezone', 'Europe/Berlin', '--merge-missed', 'yes')
    kept('pause', 'pause', '11', '8')
    kept('resume', 'resume', '11', '8')
    kept('remove', 'remove', '11')


def test_wide_leaves_nothing_out(console):
    console.set_now(3, 25, 0)
    wide = console.shown('list', '--wide', '--color', 'never')
    assert LONG in wide and '…' not in wide and 'above 59' in wide
    assert wide == console.shown('list', columns=1000, environment={'NO_COLOR': '1'})
    piped = subprocess.run([console.binary, 'list'], cwd=console.directory, env=console.environment(), check=True,
                           capture_output=True, text=True).stdout
    assert piped == wide


@pytest.mark.parametrize('environment, arguments, colored', [
    ({}, [], True), ({'NO_COLOR': '1'}, [], False), ({'TERM': 'dumb'}, [], False), ({}, ['--color', 'never'], False),
    ({'NO_COLOR': '1'}, ['--color', 'always'], True)])
def test_states_are_coloured_on_a_terminal(console, environment, arguments, colored):
    text = console.shown('list', *arguments, environment=environment)
    assert ('\x1b[32mactive\x1b[0m' in text and '\x1b[31mbad\x1b[0m' in text) == colored
    assert ('\x1b' in text) == colored


def test_the_size_is_that_of_the_terminal_unless_columns_says_otherwise(console):
    for columns, environment in ((80, {}), (57, {}), (200, {'COLUMNS': '64'})):
        text = console.shown('list', columns=columns, environment={'NO_COLOR': '1', **environment})
        wanted = int(environment.get('COLUMNS', columns))
        plain = [line for line in text.splitlines() if line.isascii()]
        assert wanted - 25 < max(map(len, plain)) <= wanted


def test_times_are_shown_in_a_zone_of_choice(console):
    assert '2024-01-01T14:00:00+05:30' in console.shown('list', '--timezone', 'Asia/Kolkata')
    assert re.search(r'2024-01-01T08:5\d:\d\d', console.shown('history', '--timezone', 'Asia/Kolkata', '--wide'))
    for verb in (['list'], ['show', '1'], ['history']):
        done = subprocess.run([console.binary, *verb, '--timezone', 'Mars/Olympus'], cwd=console.directory,
                              env=console.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 2 and 'Mars/Olympus' in done.stderr and done.stdout == ''


# --- the pager ---

def test_a_long_table_goes_through_less(console, many):
    terminal = console.open('list', environment=many)
    terminal.wait_text(r'many 20\b')
    assert 'many 30 ' not in terminal.text and '\x1b[32mactive' in terminal.text
    terminal.send('q')
    assert terminal.wait() == 0


@pytest.mark.parametrize('pager', ['wc -l', 'wc -l | cat'])
def test_the_pager_gets_it_all(console, many, pager):
    terminal = console.open('list', environment=many | {'PAGER': pager})
    assert terminal.wait() == 0
    assert terminal.text == '3001\n'


@pytest.mark.parametrize('arguments, environment', [
    (['list'], {}), (['next', '8', '--count', '15'], {'LINES': '100'}), (['show', '8'], {'LINES': '100'})])
def test_a_short_table_is_shown_as_it_is(console, arguments, environment):
    terminal = console.open(*arguments, environment={'PAGER': 'nosuch', **environment})
    assert terminal.wait() == 0
    assert 'nosuch' not in terminal.text and '2024-01-0' in terminal.text


@pytest.mark.parametrize('arguments, environment', [
    (['--no-pager'], {}), ([], {'PAGER': ''}), ([], {'PAGER': 'cat'}), ([], {'TERM': 'dumb'}), (['-o', 'jsonl'], {})])
def test_no_pager_where_none_is_wanted(console, arguments, environment):
    terminal = console.open('next', '--cron', '* * * * *', '--count', '50', *arguments,
                            environment={'PAGER': 'false', **environment})
    assert terminal.wait() == 0
    assert '2024-01-01' in terminal.text


def test_a_pager_that_cannot_be_run_is_said(console):
    fires = ['next', '--cron', '* * * * *', '--count', '50']
    terminal = console.open(*fires, environment={'PAGER': 'nosuch -x'})
    assert terminal.wait() == 0
    assert terminal.text.count('2024-01-01') == 50
    assert terminal.text.splitlines()[-1].startswith("action-scheduler: warning: the pager 'nosuch -x' ($PAGER) cannot be run")
    terminal = console.open(*fires, environment={'PAGER': 'nosuch | cat >&2; exit 127'})
    assert terminal.wait() == 1
    assert '--no-pager does without' in terminal.text


def test_what_is_said_meanwhile_comes_after_the_pager(console):
    terminal = console.open('next', '8', '99', '--count', '50', environment={'PAGER': 'wc -l; echo seen'})
    assert terminal.wait() == 1
    assert re.fullmatch(r'\d+\nseen\naction-scheduler: .*99.*\n', terminal.text)


def test_history_that_is_followed_is_not_paged(console):
    terminal = console.open('history', '--follow', rows=3, environment={'PAGER': 'false'})
    terminal.wait_text('delivered')
    terminal.resize(200, 3)
    terminal.wait_text(r'(?s)FIRE .*FIRE .*ATTEMPTS  REASON')
    terminal.send('\x03')
    assert terminal.wait() == -signal.SIGINT


# --- Ctrl-C ---

def test_ctrl_c_ends_a_listing(console, many):
    terminal = console.open('--no-pager', 'list', environment=many)
    terminal.wait_text(r'many 20\b')
    terminal.send('\x03')
    assert terminal.wait() == -signal.SIGINT


def test_ctrl_c_is_the_pagers_as_long_as_it_runs(console, many):
    patient = "trap '' INT; head -n 1; read answer < /dev/tty; wc -l; echo $answer"
    terminal = console.open('list', environment=many | {'PAGER': patient})
    terminal.wait_text('FROM NOW')
    terminal.send('\x03')
    terminal.wait_text(r'\^C')
    terminal.send('seen\n')
    assert terminal.wait() == 0
    assert re.search(r'\d+\nseen\n$', terminal.text)
    terminal = console.open('list', environment=many | {'PAGER': 'sleep 100'})
    wait_for_child(terminal.process.pid)
    terminal.send('\x03')
    assert terminal.wait() == -signal.SIGINT


def wait_for_child(pid):
    """Until the process has started another one, which has begun."""
    def runs():
        children = open(f'/proc/{pid}/task/{pid}/children', encoding='ascii').read().split()
        return children and b'sleep' in open(f'/proc/{children[0]}/cmdline', 'rb').read()
    wait_for(runs, what='the pager')


# --- the progress bar ---

def test_long_work_shows_how_far_it_is(console, many):
    """Long, as nobody reads its stdout for a while."""
    ways = {(): {}, ('-q',): {}, ('--verbose',): {'TERM': 'dumb'}}
    opened = [console.open('list', '-o', 'jsonl', *arguments, columns=30, environment=many | environment,
                           stdout=subprocess.PIPE) for arguments, environment in ways.items()]
    for each in opened:
        assert each.process.stdout.read(1) == b'{'
    time.sleep(0.6)
    lines = [len(each.process.stdout.read().splitlines()) for each in opened]
    assert lines == [3000] * 3 and [each.wait() for each in opened] == [0] * 3
    bar, *others = [each.text for each in opened]
    assert re.fullmatch(r'(\r\x1b\[Kreading actions  \d+(  [\w./]+)*)+\r\x1b\[K', bar)
    assert max(map(len, bar.split('\r\x1b[K'))) < 30
    assert others == ['', '']
