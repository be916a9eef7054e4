"""The database servers of the measurements: started as the tests start theirs, on loopback, with the settings of a small
server that keeps what it has committed, and ended with them. Their files lie in the scratch directory, on the disk."""

import shutil
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tests'))

from lib import mariadb, postgresql  # noqa: E402


def cpu_of(pids):
    """CPU seconds of all threads of processes."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            for path in Path(f'/proc/{pid}/task').glob('*/schedstat'):
                total += int(path.read_text(encoding='ascii').split()[0])
    return total / 1e9


class Sqlite:
    """No server: a file beside the others."""

    floor = 'bare_sqlite'

    def __init__(self, directory):
        self.directory, self.count = directory, 0

    def database(self):
        """The path of a new one."""
        self.count += 1
        return str(self.directory / f'database{self.count}.db')

    def config(self, database):
        """A section of the configuration."""
        return {'dialect': 'sqlite', 'database': database}

    def place(self, database):
        """What the floors take."""
        return database

    def connect(self, database):
        """A connection of the DB API."""
        import sqlite3
        return sqlite3.connect(database)

    def close(self):
        """Nothing runs."""


class PostgreSql:
    """PostgreSQL."""

    floor = 'bare_postgresql'

    def __init__(self, directory):
        self.server = postgresql.PostgreSql('fsync = on', 'shared_buffers = 256MB', 'max_wal_size = 4GB',
                                            'autovacuum = off', directory=directory)

    def database(self):
        """The name of a new database."""
        return self.server.database()

    def config(self, database):
        """A section of the configuration."""
        return {'dialect': 'postgresql', 'host': '127.0.0.1', 'port': self.server.port, 'username': 'postgres',
                'database': database}

    def place(self, database):
        """What the floors take."""
        return f'host=127.0.0.1 port={self.server.port} user=postgres dbname={database}'

    def connect(self, database):
        """A connection of the DB API that commits each statement."""
        return self.server.connect(database)

    def write_actions(self, database, count, schedules):
        """So many rows into the table that the program has made."""
        with closing(self.connect(database)) as db, db.cursor() as cursor:
            cursor.execute('CREATE TEMP TABLE fresh (slot INTEGER PRIMARY KEY, cron JSON)')
            cursor.executemany('INSERT INTO fresh VALUES (%s, %s)', list(enumerate(schedules)))
            cursor.execute('INSERT INTO action (id, name, command, cron) '
                           "SELECT i, 'action ' || i, 'command ' || i || ' --with arguments', cron "
                           f'FROM generate_series(1, {count}) AS i JOIN fresh ON slot = i % {len(schedules)} ORDER BY i')
            cursor.execute('VACUUM ANALYZE action')
            cursor.execute('CHECKPOINT')

    def cpu(self):
        """CPU seconds of the server since it started, those of connections that are gone apart."""
        return cpu_of(self.server.pids())

    def close(self):
        """Ends it."""
        self.server.close()


class MariaDb:
    """MariaDB."""

    floor = 'bare_mariadb'

    def __init__(self, directory):
        self.count = 0
        self.server = mariadb.MariaDb('--innodb-buffer-pool-size=512M', '--innodb-log-file-size=512M',
                                      '--innodb-flush-log-at-trx-commit=1', directory=directory)

    def database(self):
        """The name of a new database."""
        self.count += 1
        self.server.execute(f'CREATE DATABASE bench{self.count} CHARACTER SET utf8mb4')
        return f'bench{self.count}'

    def config(self, database):
        """A section of the configuration."""
        return {'dialect': 'mariadb', 'host': '127.0.0.1', 'port': self.server.port, 'username': 'root',
                'password': '', 'database': database}

    def place(self, database):
        """What the floors take."""
        return f'127.0.0.1:{self.server.port}/{database}'

    def connect(self, database):
        """A connection of the DB API that commits each statement."""
        import pymysql
        return pymysql.connect(host='127.0.0.1', port=self.server.port, user='root', database=database,
                               autocommit=True)

    def write_actions(self, database, count, schedules):
        """So many rows into the table that the program has made."""
        with closing(self.connect(database)) as db, db.cursor() as cursor:
            cursor.execute('CREATE TEMPORARY TABLE fresh (slot INTEGER PRIMARY KEY, cron LONGTEXT)')
            cursor.executemany('INSERT INTO fresh VALUES (%s, %s)', list(enumerate(schedules)))
            cursor.execute('INSERT INTO action (id, name, command, cron) '
                           "SELECT seq, CONCAT('action ', seq), CONCAT('command ', seq, ' --with arguments'), cron "
                           f'FROM seq_1_to_{count} JOIN fresh ON slot = seq % {len(schedules)} ORDER BY seq')
            cursor.execute('ANALYZE TABLE action')

    def cpu(self):
        """CPU seconds of the server since it started."""
        return cpu_of([self.server.process.pid])

    def close(self):
        """Ends it."""
        self.server.close()


class Servers:
    """Each is started when it is first asked for."""

    kinds = {'sqlite': Sqlite, 'postgresql': PostgreSql, 'mariadb': MariaDb}

    def __init__(self, scratch):
        self.scratch, self.directory, self.running = scratch, None, {}

    def get(self, dialect):
        """The server."""
        if not self.directory:
            self.directory = self._make_directory()
        if dialect not in self.running:
            self.running[dialect] = self.kinds[dialect](self.directory)
        return self.running[dialect]

    @staticmethod
    def missing():
        """Those that are not installed."""
        installed = {'postgresql': postgresql.installed(), 'mariadb': mariadb.installed()}
        return [dialect for dialect, there in installed.items() if not there]

    def _make_directory(self):
        """On the same disk, but where servers under users of their own may go."""
        self.scratch.chmod(0o755)
        above = None if all(each.stat().st_mode & 0o001 for each in self.scratch.parents) else '/var/tmp'
        made = Path(tempfile.mkdtemp(prefix='servers-', dir=above or self.scratch))
        made.chmod(0o755)
        return made

    def close(self):
        """Ends all of them."""
        for each in self.running.values():
            each.close()
        self.running.clear()
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)
