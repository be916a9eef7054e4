"""The program that is measured: its working directory with both databases, its process, and what /proc says of it."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

CONFIG = {
    'actions_db': {'dialect': 'sqlite', 'database': 'actions.db'},
    'internal_db': {'dialect': 'sqlite', 'database': 'internal.db'},
    'track_changes_period': 15,
    'action': {'defaults': {'merge_missed': False, 'actuality_time': -1}},
}

TABLE = """CREATE TABLE action (id INTEGER NOT NULL, name TEXT NOT NULL, command TEXT NOT NULL, cron JSON NOT NULL,
    merge_missed BOOLEAN, actuality_time INTEGER, PRIMARY KEY (id))"""

SCHEDULES = 500


def unix(value):
    """A schedule document of the format `unix`."""
    return json.dumps({'format': 'unix', 'params': {'value': value}})


def apscheduler(**params):
    """A schedule document of the format `apscheduler`."""
    return json.dumps({'format': 'apscheduler', 'params': {
        key: value if key == 'jitter' else str(value) for key, value in params.items()}})


def far_off():
    """500 distinct schedules in both formats of which none is due within the next months."""
    month = (time.gmtime().tm_mon + 5) % 12 + 1
    return [apscheduler(second=i % 60, minute=i * 7 % 60, hour=i % 24, day=1 + i % 28, month=month) if i % 2
            else unix(f'{i % 60} {i % 24} {1 + i % 28} {month} *') for i in range(SCHEDULES)]


def due_at(second):
    """500 distinct schedules that are all due at that second (Unix time), and not again soon."""
    t = time.gmtime(second)
    return [apscheduler(second=t.tm_sec, minute=t.tm_min, hour=t.tm_hour, day=t.tm_mday, month=t.tm_mon,
                        year=f'{t.tm_year}-{2100 + i}', timezone='UTC') for i in range(SCHEDULES)]


def each_minute(jitter_s=0):
    """500 distinct schedules that are due every minute, with a jitter if one is given."""
    more = {'jitter': jitter_s} if jitter_s else {}
    return [apscheduler(minute='*', second=i % 60, year=f'2000-{2100 + i}', timezone='UTC', **more)
            for i in range(SCHEDULES)]


class Subject:
    """A working directory and, between start and stop, the process in it. `config` has other sections than CONFIG."""

    def __init__(self, binary, directory, config=None):
        self.binary = str(binary)
        self.directory = Path(directory)
        self.config = CONFIG | (config or {})
        self.directory.mkdir(parents=True, exist_ok=True)
        self.process = None
        self._socket = None

    # --- databases ---

    @property
    def actions_path(self):
        """The file of actions_db."""
        return self.directory / 'actions.db'

    def write_actions(self, count, schedules):
        """A new table of so many rows; returns the bytes of name and command of all."""
        self.forget()
        self.actions_path.unlink(missing_ok=True)
        with sqlite3.connect(self.actions_path) as db:
            db.execute('PRAGMA synchronous = OFF')
            db.execute(TABLE)
            db.executemany('INSERT INTO action (id, name, command, cron) VALUES (?, ?, ?, ?)',
                           ((i, f'action {i}', f'command {i} --with arguments', schedules[i % len(schedules)])
                            for i in range(1, count + 1)))
        text, = db.execute('SELECT sum(length(name) + length(command)) FROM action').fetchone()
        db.close()
        self.sync()
        return text

    def set_schedules(self, schedules):
        """Gives each row another schedule."""
        with sqlite3.connect(self.actions_path) as db:
            db.execute('PRAGMA synchronous = OFF')
            db.execute('CREATE TEMP TABLE fresh (slot INTEGER PRIMARY KEY, cron TEXT)')
            db.executemany('INSERT INTO fresh VALUES (?, ?)', enumerate(schedules))
            db.execute(f'UPDATE action SET cron = (SELECT cron FROM fresh WHERE slot = action.id % {len(schedules)})')
        db.close()
        self.sync()

    def sync(self):
        """Lets the disk come to rest: the syncs of the program would wait for what is still being written."""
        with self.actions_path.open('rb') as file:
            os.fsync(file.fileno())

    def forget(self):
        """Removes internal_db."""
        for path in self.directory.glob('internal.db*'):
            path.unlink()

    def query(self, sql):
        """One row of internal_db."""
        with sqlite3.connect(f'file:{self.directory}/internal.db?mode=ro', uri=True) as db:
            row = db.execute(sql).fetchone()
        db.close()
        return row

    # --- commands ---

    def run(self, *arguments):
        """Runs a command and returns its seconds."""
        self.write_config('none')
        begin = time.monotonic()
        subprocess.run([self.binary, '-c', 'config.yaml', *arguments], cwd=self.directory, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.monotonic() - begin

    # --- life ---

    def write_config(self, callback):
        """JSON is YAML."""
        action = self.config['action'] | {'callback': callback}
        text = json.dumps(self.config | {'action': action})
        (self.directory / 'config.yaml').write_text(text, encoding='utf-8')

    def init(self, *options):
        """The tables, and what `init` adds to them."""
        self.write_config('none')
        subprocess.run([self.binary, '-c', 'config.yaml', 'init', *options], cwd=self.directory, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, callback, stdout=subprocess.DEVNULL, prefix=(), environment=None):
        """Starts it and returns after how many seconds it said READY."""
        self.write_config(callback)
        name = f'@action-scheduler-bench-{os.getpid()}-{time.monotonic_ns()}'
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind('\0' + name[1:])
        self._socket.settimeout(120)
        log = (self.directory / 'log').open('wb')
        begin = time.monotonic()
        self.process = subprocess.Popen([*prefix, self.binary, '-c', 'config.yaml', '-v', 'run'], cwd=self.directory,
                                        stdin=subprocess.DEVNULL, stdout=stdout, stderr=log,
                                        env=os.environ | {'NOTIFY_SOCKET': name, 'TZ': 'UTC'} | (environment or {}))
        log.close()
        while b'READY=1' not in self._socket.recv(65536).split(b'\n'):
            pass
        return time.monotonic() - begin

    def stop(self):
        """Ends it in order."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise RuntimeError(f'the scheduler ended with status {self.process.returncode}; see {self.directory}/log')
        self._socket.close()
        self.process = None

    def kill(self):
        """Ends what may still run, after an error."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # --- what the system says of the process ---

    def memory(self):
        """Resident bytes now, and at most so far."""
        lines = Path(f'/proc/{self.process.pid}/status').read_text(encoding='ascii').splitlines()
        values = dict(line.split(':', 1) for line in lines)
        return tuple(int(values[key].split()[0]) * 1024 for key in ('VmRSS', 'VmHWM'))

    def activity(self):
        """CPU seconds of all threads, and how often they were given the CPU, since they started."""
        cpu_ns = turns = 0
        for path in Path(f'/proc/{self.process.pid}/task').glob('*/schedstat'):
            ran, _, count = path.read_text(encoding='ascii').split()
            cpu_ns += int(ran)
            turns += int(count)
        return cpu_ns / 1e9, turns

    def settle(self, quiet=1.0, most=60):
        """Waits until it has done next to nothing for a while."""
        end = time.monotonic() + most
        cpu, _ = self.activity()
        while time.monotonic() < end:
            time.sleep(quiet)
            before, (cpu, _) = cpu, self.activity()
            if cpu - before < 0.01 * quiet:
                return
        raise RuntimeError('the scheduler does not come to rest')
