"""A PostgreSQL server of the tests' own, and the table `action` in it."""

import os
import shutil
import signal
import subprocess
from contextlib import closing, suppress
from pathlib import Path

from lib.actions_db import _values

PROGRAM = Path(__file__).with_name('postgresql-server')
SKIPPED = 77


def installed():
    """Whether a server can be started here."""
    return any(Path('/usr/lib/postgresql').glob('*/bin/initdb'))


class PostgreSql:
    """One server on loopback and a Unix socket; `postgres` may do everything, without a password. Settings are lines
    of postgresql.conf. Without `start` it is made and not up yet."""

    def __init__(self, *settings, directory=None, start=True):
        self._make('start' if start else 'make', *settings, directory=directory)

    def _make(self, verb, *arguments, directory=None):
        done = subprocess.run([PROGRAM, verb, str(os.getpid()), *arguments], stdout=subprocess.PIPE, text=True,
                              timeout=120, env=os.environ | ({'TMPDIR': str(directory)} if directory else {}))
        self.missing = done.returncode == SKIPPED
        if self.missing:
            return
        done.check_returncode()
        directory, port = done.stdout.split()
        self.directory, self.port = Path(directory), int(port)
        self._count = 0

    def connect(self, database='postgres', **kwargs):
        """A connection of psycopg2 that commits each statement; the caller closes it."""
        import psycopg2
        connection = psycopg2.connect(host='127.0.0.1', port=self.port, user='postgres', dbname=database, **kwargs)
        connection.autocommit = True
        return connection

    def execute(self, sql, *parameters, database='postgres'):
        """Runs one statement and returns its rows."""
        with closing(self.connect(database)) as db, db.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def database(self):
        """The name of a new database."""
        self._count += 1
        name = f'test{self._count}'
        self.execute(f'CREATE DATABASE {name}')
        return name

    def _control(self, *arguments):
        subprocess.run([PROGRAM, *arguments, self.directory], check=True, timeout=60)

    def stop(self):
        """The server goes, with all connections."""
        self._control('down')

    def start(self):
        """It comes back on the port that it had."""
        self._control('up')

    def pids(self):
        """Of the server: the first is the one that the others are children of."""
        first = int((self.directory / 'data' / 'postmaster.pid').read_text().split()[0])
        rest = subprocess.run(['ps', '-o', 'pid=', '--ppid', str(first)], stdout=subprocess.PIPE, text=True).stdout
        return [first, *map(int, rest.split())]

    def pause(self):
        """The server hangs: what is sent to it is taken by the kernel and never answered."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def resume(self):
        """It goes on after a pause."""
        for pid in reversed(self.pids()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def close(self):
        """Ends it and removes its directory."""
        if self.missing:
            return
        if (self.directory / 'data' / 'postmaster.pid').exists():
            self.resume()
        self._control('stop')
        shutil.rmtree(self.directory, ignore_errors=True)


class Standby(PostgreSql):
    """One that follows another server, until it takes its place."""

    def __init__(self, primary):
        self._make('standby', str(primary.port))

    def promote(self):
        """It is a server in its own right from now on."""
        self._control('promote')


class PostgreSqlActions:
    """The table `action` of a database, with the calls of lib.actions_db.ActionsDb."""

    def __init__(self, server, database):
        self.server, self.name = server, database

    def execute(self, sql, *parameters):
        return self.server.execute(sql, *parameters, database=self.name)

    def add(self, command, cron, name=None, **columns):
        """Adds a row and returns its id."""
        values = _values({'name': name or command, 'command': command, 'cron': cron, **columns})
        marks = ', '.join(['%s'] * len(values))
        return self.execute(f'INSERT INTO action ({", ".join(values)}) VALUES ({marks}) RETURNING id',
                            *values.values())[0][0]

    def update(self, action_id, **columns):
        """Sets columns of a row."""
        values = _values(columns)
        names = ', '.join(f'{name} = %s' for name in values)
        self.execute(f'UPDATE action SET {names} WHERE id = %s', *values.values(), action_id)

    def remove(self, action_id):
        """Deletes a row."""
        self.execute('DELETE FROM action WHERE id = %s', action_id)
