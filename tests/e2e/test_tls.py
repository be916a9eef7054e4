"""TLS to PostgreSQL, for both databases: the server's certificate and its name are checked where that is asked for, and
what is wrong is said."""

import os
import shutil

import pytest

from lib.actions_db import EVERY_SECOND
from lib.postgresql import PostgreSql, PostgreSqlActions


@pytest.fixture(scope='module')
def server(certificates):
    """A server that `secure` can reach with TLS only."""
    made = PostgreSql('ssl = on', f"ssl_cert_file = '{certificates}/server.pem'", "ssl_key_file = 'server.key'",
                      start=False)
    if made.missing:
        pytest.skip('no PostgreSQL server here (install postgresql-15)')
    try:
        key = made.directory / 'data' / 'server.key'
        shutil.copy(certificates / 'server.key', key)
        key.chmod(0o600)
        owner = (made.directory / 'data').stat()
        os.chown(key, owner.st_uid, owner.st_gid)
        rules = made.directory / 'data' / 'pg_hba.conf'
        rules.write_text('hostnossl all secure all reject\n' + rules.read_text())
        made.start()
        made.execute('CREATE ROLE secure LOGIN SUPERUSER')
        yield made
    finally:
        made.close()


@pytest.fixture
def secure(scheduler, server):
    """A factory: both databases with these options of libpq; `init` has made the table where it could."""
    name = server.database()

    def make(host='localhost', internal=True, /, **options):
        where = {'dialect': 'postgresql', 'host': host, 'port': server.port, 'username': 'secure', 'database': name,
                 'options': options}
        s = scheduler(actions=None, config={'actions_db': where, 'track_changes_period': 60,
                                            'internal_db': where if internal else {'database': 'internal.db'}})
        s.actions = PostgreSqlActions(server, name)
        return s

    return make


def test_both_databases_over_tls_that_is_checked(secure, server, certificates):
    s = secure(sslmode='verify-full', sslrootcert=f'{certificates}/ca.pem')
    s.run('init', check=0)
    s.actions.add('a', EVERY_SECOND)
    s.start()
    s.wait_lines(2, 'a')
    used = server.execute("SELECT a.application_name, s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) "
                          "WHERE usename = 'secure'")
    assert len(used) >= 2 and all(ssl for _, ssl in used), used
    s.stop()
    assert s.history('--status', 'delivered')


@pytest.mark.parametrize('host, options, says', [
    ('localhost', {'sslmode': 'verify-full', 'sslrootcert': 'other.pem'},
     'certificate verify failed'),
    ('127.0.0.1', {'sslmode': 'verify-full', 'sslrootcert': 'ca.pem'},
     'does not match host name "127.0.0.1"'),
    ('localhost', {'sslmode': 'verify-full', 'sslrootcert': 'nowhere.pem'}, 'nowhere.pem'),
    ('localhost', {'sslmode': 'disable'}, 'no encryption'),
], ids=['another-authority', 'another-name', 'no-authority', 'no-TLS'])
def test_what_is_wrong_is_refused_and_said(secure, certificates, host, options, says):
    if 'sslrootcert' in options:
        options = options | {'sslrootcert': f'{certificates}/{options["sslrootcert"]}'}
    # actions_db
    done = secure(host, False, **options).run('list', check=1)
    assert 'actions_db' in done.stderr and says in done.stderr, done.stderr
    # internal_db, of a scheduler that runs: nothing fires until it can be opened.
    s = secure(host, **options)
    s.start(ready=False)
    s.wait_error('error: internal_db')
    s.wait_error(says)
    assert not s.notify.seen('READY', '1')
    s.stop()
