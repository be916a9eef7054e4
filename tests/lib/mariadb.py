"""A MariaDB server of the tests' own: in a temporary directory, on loopback and a Unix socket, under an unprivileged user.

As a program (for the contract suites in C) it starts one, prints `SOCKET PORT`, obeys the lines `stop`, `start`,
`pause`, `resume` (each answered by `ok`), and takes everything away at the end of its input: the server does not
outlive whoever started it. Exit status 77 where the server is not installed.
"""

import itertools
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PATH = os.environ.get('PATH', '') + ':/usr/sbin:/usr/local/sbin'
SERVER = shutil.which('mariadbd', path=PATH)
INSTALL = shutil.which('mariadb-install-db', path=PATH)
CLIENT = shutil.which('mariadb', path=PATH)
SKIPPED = 77


def installed():
    """Whether a server can be started here."""
    return bool(SERVER and INSTALL and CLIENT)


def _free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class MariaDb:
    """One server; `root` with an empty password may do everything through the socket and 127.0.0.1."""

    def __init__(self, *arguments, directory=None):
        self.directory = Path(tempfile.mkdtemp(prefix='mariadb-', dir=directory))
        self.socket = self.directory / 's'
        self.port = _free_port()
        self.arguments = list(arguments)
        self.process = None
        self.user = 'nobody' if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            os.chown(self.directory, pwd.getpwnam(self.user).pw_uid, -1)
        self.directory.chmod(0o755)
        # A server that starts clears the temporary tables in its TMPDIR, whosever they are.
        self.environment = os.environ | {'TMPDIR': str(self.directory)}
        try:
            self._install()
            self.start()
        except BaseException:
            self.close()
            raise

    def _as_user(self):
        return ['runuser', '-u', self.user, '--'] if os.geteuid() == 0 else []

    def _install(self):
        """Makes its data directory. The helper of the server's package may fail on a busy machine: once more then."""
        for last in (False, True):
            done = subprocess.run(
                [*self._as_user(), INSTALL, '--no-defaults', f'--datadir={self.directory}/data', '--skip-test-db',
                 '--auth-root-authentication-method=normal', '--innodb-log-file-size=4M'],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                env=self.environment)
            if done.returncode == 0:
                return
            text = done.stdout.decode(errors='replace')[-4000:]
            if last:
                raise RuntimeError(f'mariadb-install-db ended with {done.returncode}:\n{text}')
            print(f'mariadb-install-db ended with {done.returncode}, tried once more:\n{text}', file=sys.stderr)
            shutil.rmtree(self.directory / 'data', ignore_errors=True)

    def start(self, timeout=60):
        """Starts it on the port and socket that it had, and waits until it answers."""
        with open(self.directory / 'log', 'ab') as log:
            self.process = subprocess.Popen(
                [SERVER, '--no-defaults', f'--datadir={self.directory}/data', f'--socket={self.socket}',
                 f'--pid-file={self.directory}/pid', f'--port={self.port}', '--bind-address=127.0.0.1',
                 f'--user={self.user}', '--innodb-buffer-pool-size=64M', '--innodb-log-file-size=4M',
                 '--innodb-flush-log-at-trx-commit=2', '--skip-name-resolve',
                 '--max-allowed-packet=64M', *self.arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        deadline = time.monotonic() + timeout
        while self._try('SELECT 1') is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.directory / 'log').read_text(errors='replace')[-4000:])
            time.sleep(0.02)

    def _try(self, sql, database=''):
        done = subprocess.run(
            [CLIENT, '--no-defaults', f'--socket={self.socket}', '-uroot', '--batch', '--raw', '--skip-column-names',
             '--default-character-set=utf8mb4', '--connect-timeout=5', database],
            input=sql.encode(), capture_output=True, timeout=120)
        self.error = done.stderr.decode(errors='replace')
        return done.stdout.decode(errors='replace') if done.returncode == 0 else None

    def execute(self, sql, database=''):
        """Runs statements as root and returns what they print, a line a row."""
        out = self._try(sql, database)
        if out is None:
            raise RuntimeError(f'{sql[:200]}: {self.error}')
        return out

    def stop(self):
        """An orderly end of the server."""
        self.resume()
        self.process.terminate()
        self.process.wait(60)

    def kill(self):
        """The server is gone at once."""
        self.process.kill()
        self.process.wait(60)

    def pause(self):
        """The server hangs: connections are taken by the kernel and never answered."""
        self.process.send_signal(signal.SIGSTOP)
        # The signal stops one thread, and that one the others: until then some may still answer.
        while not self._is_stopped():
            time.sleep(0.001)

    def _is_stopped(self):
        try:
            tasks = [task.read_text() for task in Path(f'/proc/{self.process.pid}/task').glob('*/stat')]
        except OSError:
            return False  # a thread ended while we looked
        return all(task.rpartition(')')[2].split()[0] == 'T' for task in tasks)

    def resume(self):
        """It goes on after a pause."""
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        """Ends it and removes its directory."""
        if self.process and self.process.poll() is None:
            self.resume()
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def quoted(value):
    """A value in SQL."""
    if value is None or isinstance(value, int):
        return 'NULL' if value is None else str(int(value))
    text = value if isinstance(value, str) else json.dumps(value)
    return "'" + text.replace('\\', '\\\\').replace("'", "\\'") + "'"


class MariaDbActions:
    """A database of its own with the table `action` in it, edited as people do."""

    _numbers = itertools.count(1)

    def __init__(self, server):
        self.server = server
        self.name = f'scheduler{next(self._numbers)}'
        server.execute(f'CREATE DATABASE {self.name} CHARACTER SET utf8mb4')

    def sql(self, sql):
        """Runs statements and returns what they print."""
        return self.server.execute(sql, self.name).strip()

    def add(self, command, cron, action_id=None):
        """Adds a row."""
        self.sql(f'INSERT INTO action (id, name, command, cron) VALUES ({quoted(action_id)}, {quoted(command)}, '
                 f'{quoted(command)}, {quoted(cron)})')

    def update(self, action_id, **columns):
        """Sets columns of a row."""
        changes = ', '.join(f'{name} = {quoted(value)}' for name, value in columns.items())
        self.sql(f'UPDATE action SET {changes} WHERE id = {action_id}')


def main():
    if not installed():
        print('SKIPPED: no MariaDB server here (install mariadb-server)', file=sys.stderr)
        return SKIPPED
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = MariaDb(*sys.argv[1:])
    try:
        print(server.socket, server.port, flush=True)
        for line in sys.stdin:
            getattr(server, {'stop': 'stop', 'start': 'start', 'pause': 'pause', 'resume': 'resume'}[line.strip()])()
            print('ok', flush=True)
    finally:
        server.close()
    return 0


if __name__ == '__main__':
    sys.exit(main())
