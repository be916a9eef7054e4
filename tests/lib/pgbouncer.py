"""A PgBouncer of the tests' own before a PostgreSQL server."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from lib.wait import wait_for

PROGRAM = shutil.which('pgbouncer', path=os.environ.get('PATH', '') + ':/usr/sbin')

CONFIG = """\
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
logfile = {directory}/log
pidfile = {directory}/pid
{more}
"""


class PgBouncer:
    """`port` on loopback leads to the server; everybody is `postgres` there. `more` is lines of the configuration."""

    def __init__(self, server, mode, more=''):
        self.directory = Path(tempfile.mkdtemp(prefix='pgbouncer-'))
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        path = self.directory / 'pgbouncer.ini'
        path.write_text(CONFIG.format(server=server.port, port=self.port, mode=mode, directory=self.directory,
                                      more=more))
        command = [PROGRAM, str(path)]
        if os.geteuid() == 0:
            # It refuses to be root's.
            command[1:1] = ['--user', 'nobody']
            shutil.chown(self.directory, 'nobody')
        self.directory.chmod(0o755)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        try:
            wait_for(self._listens, 20, 'PgBouncer listens')
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _listens(self):
        assert self.process.poll() is None, (self.directory / 'log').read_text()
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', self.port)) == 0

    def close(self):
        """Ends it."""
        self.process.kill()
        self.process.wait(20)
        shutil.rmtree(self.directory, ignore_errors=True)
