"""add, edit, remove, pause and resume: rows of the table changed from the command line, all of them or none."""

import pytest

from lib.actions_db import ActionsDb, unix
from lib.program import Program

WITHOUT_OPTIONAL = 'actions_db: {dialect: sqlite, database: database.db}\naction: {callback: print}\n'


@pytest.fixture
def program(binary, tmp_path):
    """With a table that has every column."""
    program = Program(binary, tmp_path)
    program.run('init', status=0)
    return program


@pytest.fixture
def db(tmp_path):
    return ActionsDb(tmp_path / 'database.db')


@pytest.fixture
def plain(binary, tmp_path):
    """With the table of the Python program."""
    (tmp_path / 'config.yaml').write_text(WITHOUT_OPTIONAL)
    ActionsDb(tmp_path / 'database.db').create()
    return Program(binary, tmp_path)


# --- pause, resume ---

def test_pause_and_resume(program, db):
    db.add_many([{'command': name, 'cron': unix('* * * * *')} for name in 'abc'])
    paused = program.json('pause', 3, 1, 3)
    assert [(action['id'], action['state'], action['enabled']) for action in paused] == [
        (1, 'paused', False), (3, 'paused', False)]
    assert [row['enabled'] for row in db.rows()] == [0, None, 0]
    again = program.run('pause', 1, 2, status=0)
    assert 'action 1 is paused already' in again.stderr and 'action 2' not in again.stderr
    assert [action['state'] for action in program.json('list')] == ['paused'] * 3
    resumed = program.run('resume', 1, 2, 3, '-o', 'jsonl', status=0)
    assert resumed.stdout.count('"state":"active"') == 3 and resumed.stderr == ''
    assert 'action 1 is not paused' in program.run('resume', 1, status=0).stderr
    assert [row['enabled'] for row in db.rows()] == [1, 1, 1]


@pytest.mark.parametrize('verb', ['pause', 'resume'])
def test_pause_and_resume_that_cannot_be(program, db, verb):
    db.add_many([{'command': name, 'cron': unix('* * * * *'), 'enabled': verb == 'resume'} for name in 'ab'])
    before = db.rows()
    assert f'{verb} takes one id or more' in program.refused(verb)
    assert "'x' is not an id" in program.refused(verb, 1, 'x')
    said = program.failed(verb, 1, 77, 78)
    assert 'there is no action 77' in said and 'there is no action 78' in said
    assert db.rows() == before


def test_pause_needs_its_column(plain, db):
    db.add('a', unix('* * * * *'))
    for verb in 'pause', 'resume':
        said = plain.failed(verb, 1)
        assert 'no column “enabled”' in said and '`action-scheduler check --fix`' in said
    plain.run('check', '--fix', status=0)
    assert plain.json('pause', 1)[0]['state'] == 'paused'
