"""actions_db on MariaDB: the whole way from the table to the fire, edits, privileges, TLS, and outages of the server."""

import subprocess
import time
from datetime import datetime, timedelta

import pytest

from conftest import ROOT
from lib import mariadb
from lib.actions_db import EVERY_SECOND
from lib.edit import edits_take_effect
from lib.wait import wait_for

pytestmark = pytest.mark.skipif(not mariadb.installed(), reason='no MariaDB server here (install mariadb-server)')


@pytest.fixture(scope='module')
def server():
    """A server that a test leaves running."""
    made = mariadb.MariaDb()
    yield made
    made.close()


class Table(mariadb.MariaDbActions):
    """A table of its own."""

    def config(self, **more):
        """For scheduler(config=…)."""
        return {'actions_db': {'dialect': 'mysql', 'driver': 'pymysql', 'host': '127.0.0.1', 'port': self.server.port,
                               'username': 'root', 'password': '', 'database': self.name, **more},
                'internal_db': {'database': 'internal.db'}, 'track_changes_period': 1}

    def add(self, command, cron=EVERY_SECOND, action_id=None):
        super().add(command, cron, action_id)


@pytest.fixture
def table(server):
    return Table(server)


@pytest.fixture
def running(scheduler, table):
    """A scheduler that fires `a` each second."""
    s = scheduler(config=table.config(), actions=None)
    s.run('init', check=0)
    table.add('a', action_id=1)
    s.start()
    s.wait_lines(1, 'a')
    return s


def goes_on(s, command='a', count=3):
    """It fires on."""
    s.wait_lines(len(s.fired(command)) + count, command, timeout=count + 8)


def each_second_once(s, action_id=1):
    """Every second of an action from its first to its last is in the history, once."""
    scheduled = sorted(datetime.fromisoformat(entry['scheduled_at'])
                       for entry in s.history('--status', 'delivered', '--action', str(action_id)))
    assert scheduled == [scheduled[0] + timedelta(seconds=i) for i in range(len(scheduled))]


def errors(s):
    return [line for line in s.stderr.splitlines() if ' error: ' in line]


def test_edits_from_the_command_line(running):
    edits_take_effect(running)


def test_edits_are_seen_within_the_period(running, table):
    s = running
    for number, edit in enumerate((
            lambda: table.update(1, command='b "ü😀"'),
            lambda: table.add('c'),
            lambda: table.sql('UPDATE action SET id = 77 WHERE command = \'c\''))):
        before = time.time()
        edit()
        command = ('b "ü😀"', 'c', 'c')[number]
        count = len(s.fired(command))
        s.wait_lines(count + 1, command)
        assert time.time() - before < 3.5
    table.sql('DELETE FROM action WHERE id = 77')
    wait_for(lambda: '77' not in {str(row['id']) for row in s.jsonl('list')})
    count = len(s.fired('c'))
    goes_on(s, 'b "ü😀"', 4)
    assert len(s.fired('c')) <= count + 3
    s.stop()
    assert not errors(s)
    each_second_once(s)


def test_an_unchanged_table_is_only_asked_for_its_digest(scheduler, table):
    s = scheduler(config={**table.config(), 'test': {'echo_actions_db_engine': True}}, actions=None)
    s.run('init', check=0)
    table.add('a', action_id=1)
    s.start()
    s.wait_lines(5, 'a')
    reads = s.stderr.count('ORDER BY `id`')
    polls = s.stderr.count('BIT_XOR')
    s.wait_lines(9, 'a')
    assert s.stderr.count('ORDER BY `id`') == reads
    assert s.stderr.count('BIT_XOR') >= polls + 2
    s.stop()


def test_a_bad_row_is_told_in_the_table(running, table):
    s = running
    s.run('check', '--fix', check=0)
    assert 'error' in table.sql('SHOW COLUMNS FROM action')
    table.add('bad', {'format': 'unix', 'params': {'value': '61 * * * *'}}, 2)
    wait_for(lambda: '61' in table.sql('SELECT error FROM action WHERE id = 2'))
    table.update(2, cron=EVERY_SECOND)
    s.wait_lines(1, 'bad')
    wait_for(lambda: table.sql('SELECT COUNT(*) FROM action WHERE error IS NOT NULL') == '0')
    s.stop()


def test_the_verbs_work(running, table):
    s = running
    assert [row['command'] for row in s.jsonl('list')] == ['a']
    assert s.run('check').returncode == 0
    assert 'a' in s.run('show', '1', check=0).stdout
    s.stop()


def test_a_killed_connection_is_not_even_an_outage(running, table):
    s = running
    for _ in range(3):
        ids = table.sql(f"SELECT id FROM information_schema.processlist WHERE db = '{table.name}' "
                        'AND id <> CONNECTION_ID()').split()
        for each in ids:
            table.server.execute(f'KILL {each}')
        goes_on(s, count=2)
    table.update(1, command='b')
    s.wait_lines(1, 'b')
    s.stop()
    assert not errors(s)
    each_second_once(s)


@pytest.mark.parametrize('way', ['stop', 'kill'])
def test_a_restarted_server(running, table, way):
    s = running
    getattr(table.server, way)()
    try:
        s.wait_error('actions_db: ')
        goes_on(s, count=4)
    finally:
        table.server.start()
    table.update(1, command='b')
    s.wait_lines(1, 'b', timeout=20)
    s.wait_error('actions_db: works again')
    s.stop()
    assert len(errors(s)) == 1, 'said once'
    each_second_once(s)


def test_a_hanging_server(running, table):
    s = running
    table.server.pause()
    try:
        goes_on(s, count=14)
        assert any('does not answer' in line for line in errors(s))
    finally:
        table.server.resume()
    table.update(1, command='b')
    s.wait_lines(1, 'b', timeout=30)
    s.stop()
    each_second_once(s)


def test_the_end_does_not_wait_for_a_hanging_server(running, table):
    s = running
    table.server.pause()
    try:
        goes_on(s, count=3)
        before = time.monotonic()
        s.stop()
        assert time.monotonic() - before < 3
    finally:
        table.server.resume()


@pytest.mark.parametrize('way', [('stop', 'start'), ('pause', 'resume')], ids=['down', 'hanging'])
def test_a_server_that_is_away_at_the_start(running, table, way):
    s = running
    s.stop()
    getattr(table.server, way[0])()
    try:
        s.start(timeout=8)
        goes_on(s)
    finally:
        getattr(table.server, way[1])()
    table.update(1, command='b')
    s.wait_lines(1, 'b', timeout=30)
    s.stop()
    each_second_once(s)


def test_a_table_that_vanishes_is_an_outage(running, table):
    s = running
    table.sql('RENAME TABLE action TO away')
    s.wait_error('there is no table')
    goes_on(s)
    table.sql("RENAME TABLE away TO action; UPDATE action SET command = 'b'")
    s.wait_lines(1, 'b')
    s.stop()


def test_an_editor_holds_locks(running, table):
    """Uncommitted changes keep nobody from reading, and are seen when they are committed."""
    s = running
    editor = subprocess.Popen(
        [mariadb.CLIENT, '--no-defaults', f'--socket={table.server.socket}', '-uroot', table.name],
        stdin=subprocess.PIPE, text=True)
    editor.stdin.write("BEGIN; UPDATE action SET command = 'b';\n")
    editor.stdin.flush()
    goes_on(s, count=4)
    assert not s.fired('b')
    editor.stdin.write('COMMIT;\n')
    editor.stdin.close()
    assert editor.wait(20) == 0
    s.wait_lines(1, 'b')
    s.stop()
    assert not errors(s)


def test_the_documented_roles_suffice_and_may_no_more(scheduler, table):
    s = scheduler(config=table.config(), actions=None)
    s.run('init', check=0)
    s.run('check', '--fix', check=0)
    table.add('a', action_id=1)
    table.add('bad', {'format': 'unix', 'params': {'value': 'x'}}, 2)
    table.sql((ROOT / 'packaging/sql/mysql-roles.sql').read_text(encoding='utf-8'))
    s.configure(**table.config(username='action_scheduler', password='change me'))
    s.start()
    s.wait_lines(2, 'a')
    wait_for(lambda: table.sql('SELECT error FROM action WHERE id = 2') not in ('', 'NULL'))
    s.stop()
    assert not [line for line in errors(s) if 'action 2 ' not in line]

    def as_role(name, password, sql):
        return subprocess.run(
            [mariadb.CLIENT, '--no-defaults', f'--socket={table.server.socket}', f'-u{name}', f'-p{password}',
             table.name, '-e', sql], capture_output=True, text=True, timeout=30)
    for sql in ("UPDATE action SET command = 'x'", 'DELETE FROM action', 'DROP TABLE action',
                'CREATE TABLE t (x INT)'):
        assert 'denied' in as_role('action_scheduler', 'change me', sql).stderr
    assert as_role('action_editor', 'change me, too', "UPDATE action SET command = 'b' WHERE id = 1").returncode == 0
    assert 'denied' in as_role('action_editor', 'change me, too', 'DROP TABLE action').stderr
    # internal_db beside it, with the same role.
    s.configure(**table.config(username='action_scheduler', password='change me') | {'internal_db': {
        'dialect': 'mysql', 'host': '127.0.0.1', 'port': table.server.port, 'username': 'action_scheduler',
        'password': 'change me', 'database': 'action_scheduler'}})
    s.start()
    s.wait_lines(2, 'b')
    s.stop()
    assert s.history('--status', 'delivered', '--action', '1')
    s.configure(**table.config(username='action_scheduler', password='change me'))
    # Without the privilege on the column it is one warning that names it, and nothing else.
    table.sql("REVOKE UPDATE (error) ON action FROM 'action_scheduler'@'%'; UPDATE action SET error = NULL")
    s.start()
    s.wait_error('GRANT UPDATE')
    s.wait_lines(len(s.fired('b')) + 2, 'b')
    s.stop()
    table.sql("REVOKE SELECT ON action FROM 'action_scheduler'@'%'")
    done = s.run('list')
    assert done.returncode == 1
    assert 'GRANT' in done.stderr
    table.server.execute('DROP USER action_scheduler, action_editor')


def test_tls(scheduler, certificates):
    server = mariadb.MariaDb(f'--ssl-cert={certificates}/server.pem', f'--ssl-key={certificates}/server.key',
                             f'--ssl-ca={certificates}/ca.pem')
    try:
        table = Table(server)
        server.execute("CREATE USER secure IDENTIFIED BY 'pä:ss@/%#\\\\' REQUIRE SSL; "
                       'GRANT ALL ON *.* TO secure')

        def tried(host='localhost', **options):
            s = scheduler(config=table.config(username='secure', password='pä:ss@/%#\\', host=host, options=options),
                          actions=None)
            s.run('init')
            return s.run('list')
        assert tried(ssl_ca=f'{certificates}/ca.pem').returncode == 0
        assert tried(ssl_mode='REQUIRED').returncode == 0
        assert tried(ssl_mode='VERIFY_IDENTITY', ssl_ca=f'{certificates}/ca.pem').returncode == 0
        assert tried(ssl_mode='VERIFY_CA').returncode == 1, 'nothing to check it with'
        assert tried().returncode == 1, 'the account wants TLS'
        # The certificate is for localhost.
        named = tried('127.0.0.1', ssl_ca=f'{certificates}/ca.pem')
        assert named.returncode == 1, named
        assert tried('127.0.0.1', ssl_ca=f'{certificates}/ca.pem', ssl_verify_identity=False).returncode == 0
        wrong = tried(ssl_ca=f'{certificates}/other.pem')
        assert wrong.returncode == 1 and 'certificate' in wrong.stderr
        assert tried(ssl_ca=f'{certificates}/other.pem', ssl_verify_cert=False).returncode == 0
        unknown = tried(ssl_caa='x')
        assert unknown.returncode == 1 and 'ssl_ca,' in unknown.stderr
    finally:
        server.close()
