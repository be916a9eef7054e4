"""The table `action` in SQLite, made and edited as a user or the Python program does it."""

import json
import sqlite3
from contextlib import closing

# Word for word (with its blanks at the ends of lines) what SQLAlchemy 1.4 and 2.0 issue for the model of the Python
# program: Mapped[str] is VARCHAR, Mapped[dict] is JSON.
CREATE_TABLE = (
    'CREATE TABLE action (\n'
    '\tid INTEGER NOT NULL, \n'
    '\tname VARCHAR NOT NULL, \n'
    '\tcommand VARCHAR NOT NULL, \n'
    '\tcron JSON NOT NULL, \n'
    '\tmerge_missed BOOLEAN, \n'
    '\tactuality_time INTEGER, \n'
    '\tPRIMARY KEY (id)\n'
    ')'
)


def unix(value):
    """A `cron` document of the format unix."""
    return {'format': 'unix', 'params': {'value': value}}


def apscheduler(**params):
    """A `cron` document of the format apscheduler."""
    return {'format': 'apscheduler', 'params': params}


def once(when):
    """A `cron` document that fires once, at an aware datetime or a text."""
    text = when if isinstance(when, str) else when.isoformat()
    return {'format': 'date', 'params': {'run_date': text}}


def interval(**params):
    """A `cron` document of the format interval."""
    return {'format': 'interval', 'params': params}


EVERY_SECOND = apscheduler(second='*')


class ActionsDb:
    """Each call is a connection and a transaction of its own, as an editor beside the scheduler would be."""

    def __init__(self, path):
        self.path = str(path)

    def connect(self, **kwargs):
        """A connection to do anything with; the caller closes it."""
        return sqlite3.connect(self.path, timeout=30, **kwargs)

    def execute(self, sql, *parameters):
        """Runs one statement and returns its rows."""
        with closing(self.connect()) as db, db:
            return db.execute(sql, parameters).fetchall()

    def create(self):
        """Creates the table as the Python program would, where it is not there."""
        if not self.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'action'"):
            self.execute(CREATE_TABLE)

    def add(self, command, cron, name=None, **columns):
        """Adds a row and returns its id. `cron` is a document, or a text that goes in as it is."""
        return self.add_many([{'command': command, 'cron': cron, 'name': name or command, **columns}])[0]

    def add_many(self, rows):
        """Adds rows, each a dict of columns, in one transaction and returns their ids."""
        ids = []
        with closing(self.connect()) as db, db:
            for row in rows:
                values = _values({'name': row['command'], **row})
                names = ', '.join(values)
                marks = ', '.join('?' * len(values))
                ids.append(db.execute(f'INSERT INTO action ({names}) VALUES ({marks})', [*values.values()]).lastrowid)
        return ids

    def update(self, action_id, **columns):
        """Sets columns of a row."""
        values = _values(columns)
        names = ', '.join(f'{name} = ?' for name in values)
        self.execute(f'UPDATE action SET {names} WHERE id = ?', *values.values(), action_id)

    def remove(self, *action_ids):
        """Deletes rows."""
        with closing(self.connect()) as db, db:
            db.executemany('DELETE FROM action WHERE id = ?', [(action_id,) for action_id in action_ids])

    def rows(self):
        """All rows by id, each a dict."""
        with closing(self.connect()) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute('SELECT * FROM action ORDER BY id')]


def _values(columns):
    return {name: json.dumps(value) if name == 'cron' and not isinstance(value, (str, bytes, type(None))) else value
            for name, value in columns.items()}
