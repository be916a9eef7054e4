"""import crontab, import yaml, export yaml, export crontab: the table goes out and comes back the same, in all three
databases, and nothing is written where anything is wrong."""

import json

import pytest
import yaml

from lib.actions_db import ActionsDb, apscheduler, interval, once, unix
from lib.mariadb import MariaDbActions
from lib.postgresql import PostgreSqlActions
from lib.program import Program

CONFIG = 'timezone: UTC\naction: {callback: print}\n'
# What a text may be that is easily taken for something else, or broken.
ODD = ['null', '~', 'yes', '17', '1.5', '0x10', ' a ', '- x', 'a: b', 'a #b', '"', "'", '\\n', 'a\nb\n\n', '\t', '%', '{}', '*',
       '!x', '&x', '@x', 'ключ 日本 😀', '\u0085\u2028\ufeff\x7f\x01', '---', '', 'x' * 300_000]
COLUMNS = ['id', 'name', 'command', 'cron', 'merge_missed', 'actuality_time', 'enabled', 'timezone', 'callback',
           'max_instances', 'timeout', 'max_attempts', 'dst', 'catch_up_limit', 'topic']


def action(name, cron=None, **columns):
    return {'name': name, 'command': f'do {name}', 'cron': cron or unix('*/5 * * * *')} | columns


# Every column, as NULL and not; ids are not those that the database would give.
ACTIONS = [
    action('all of it', apscheduler(second='*/20', end_date='2050-05-05', jitter=1.5), id=5, merge_missed=True,
           actuality_time=-1, enabled=True, timezone='Europe/Berlin', callback='print', max_instances=2, timeout=60,
           max_attempts=4, dst='vixie', catch_up_limit=0, topic='t.1'),
    action('nothing of it', id=7),
    action('the other way', interval(days=1, start_date='2024-01-01'), id=70, merge_missed=False, enabled=False,
           actuality_time=0),
    action('once', once('2030-05-05T10:00:00+00:00'), id=2_000_000_000),
    *[action(f'odd {i}', id=100 + i) | {'command': text} for i, text in enumerate(ODD) if text],
    *[action(text[:250] or 'x', id=200 + i) for i, text in enumerate(ODD[:-1]) if text],
]


class Place:
    """A program with a database of its own."""

    def __init__(self, binary, directory, database=None, server=None):
        directory.mkdir()
        lines = {'dialect': 'sqlite', 'database': 'actions.db'} if not server else server | {'database': database}
        (directory / 'config.yaml').write_text(CONFIG + yaml.safe_dump({'actions_db': lines}))
        self.program = Program(binary, directory)
        self.run, self.failed, self.refused, self.json = (
            self.program.run, self.program.failed, self.program.refused, self.program.json)
        self.db = ActionsDb(directory / 'actions.db')
        self.run('init', status=0)

    def file(self, name, text):
        path = self.program.directory / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    def yaml(self, actions):
        return self.file('actions.yaml', yaml.safe_dump(actions, allow_unicode=True, sort_keys=False))

    def exported(self):
        return self.run('export', 'yaml', status=0).stdout


@pytest.fixture
def place(binary, tmp_path):
    return Place(binary, tmp_path / 'here')


def whole(actions):
    """With every column."""
    return [dict.fromkeys(COLUMNS) | action for action in sorted(actions, key=lambda each: each['id'])]


def comes_back(first, second, next_id):
    """From a file into one table, out of it into the other, and back."""
    first.run('import', 'yaml', first.yaml(ACTIONS), status=0)
    text = first.exported()
    assert yaml.safe_load(text) == whole(ACTIONS)
    said = second.run('import', 'yaml', '-', input=text, status=0)
    assert f'added {len(ACTIONS)}, changed 0, removed 0' in said.stderr
    assert second.exported() == text
    assert second.json('import', 'yaml', '-', '--prune', input=text) == []
    changed = [dict(each) for each in ACTIONS[1:]] + [action('new')]
    changed[0] |= {'timeout': 5, 'command': 'other'}
    rows = second.json('import', 'yaml', second.yaml(changed), '--prune')
    assert [(row['change'], row['id'], row['name'], row['line'] is None) for row in rows] == [
        ('changed', 7, 'nothing of it', False), ('added', next_id, 'new', False), ('removed', 5, 'all of it', True)]
    assert rows[0]['columns'] == [{'column': 'command', 'from': 'do nothing of it', 'to': 'other'},
                                  {'column': 'timeout', 'from': None, 'to': 5}]
    changed[-1]['id'] = next_id
    assert yaml.safe_load(second.exported()) == whole(changed)


def test_yaml_there_and_back_in_sqlite(place, binary, tmp_path):
    comes_back(place, Place(binary, tmp_path / 'there'), 2_000_000_001)
    assert place.db.rows()[0]['cron'] == json.dumps(ACTIONS[0]['cron'])


def test_yaml_there_and_back_in_postgresql(binary, tmp_path, postgresql):
    server = {'dialect': 'postgresql', 'host': '127.0.0.1', 'port': postgresql.port, 'username': 'postgres'}
    here, there = (Place(binary, tmp_path / name, postgresql.database(), server) for name in ('here', 'there'))
    comes_back(here, there, 2_000_000_001)


def test_yaml_there_and_back_in_mariadb(binary, tmp_path, mariadb_server):
    server = {'dialect': 'mysql', 'host': '127.0.0.1', 'port': mariadb_server.port, 'username': 'root', 'password': ''}
    here, there = (Place(binary, tmp_path / name, MariaDbActions(mariadb_server).name, server) for name in ('here', 'there'))
    comes_back(here, there, 2_000_000_001)


def test_bad_rows_are_exported_as_they_are(place):
    place.db.execute('DROP TABLE action')
    place.db.execute('CREATE TABLE action (id integer PRIMARY KEY, name, command, cron, merge_missed, actuality_time)')
    crons = ['{"format": ', '[1]', '{"a": 1, "a": 2}', '{"a": 1e99}', '17', b'\xff', None, '{"a": {}, "b": null}']
    for i, cron in enumerate(crons):
        place.db.execute('INSERT INTO action VALUES (?, ?, ?, ?, ?, ?)', i, f'a{i}', b'\xfe\x00x', cron, 'maybe', 7)
    text = place.exported()
    rows = yaml.safe_load(text)
    assert [row['cron'] for row in rows] == [*crons[:-1], {'a': {}, 'b': None}]
    assert rows[0] == {'id': 0, 'name': 'a0', 'command': b'\xfe\x00x', 'cron': crons[0], 'merge_missed': 'maybe',
                       'actuality_time': 7}
    # What stays as it is, is not asked whether it can fire.
    assert place.json('import', 'yaml', '-', '--prune', input=text) == []
    said = place.failed('import', 'yaml', '-', input=text.replace('a3', 'b3'))
    assert 'stdin:19: ' in said and 'nothing was imported' in said


DIFF = """\
CHANGE   ID  NAME  COLUMN    FROM         TO
changed   1  a     cron      */5 * * * *  0 3 * * 1
changed   1  a     timezone               Asia/Tokyo
added        new   command                do new
added        new   cron                   */5 * * * *
added        new   enabled                false
removed   2  b     command   do b
removed   2  b     cron      */5 * * * *
"""


def test_a_dry_run_shows_the_difference_and_writes_nothing(place):
    place.run('import', 'yaml', place.yaml([action('a'), action('b')]), status=0)
    before = place.db.rows()
    new = place.yaml([action('a', unix('0 3 * * 1'), timezone='Asia/Tokyo'), action('new', enabled=False)])
    done = place.run('import', 'yaml', new, '--dry-run', '--prune', status=0)
    assert done.stdout == DIFF
    assert 'rows that would change: added 1, changed 1, removed 1; as they were: 0' in done.stderr
    rows = place.json('import', 'yaml', new, '--dry-run')
    assert rows == [
        {'change': 'changed', 'id': 1, 'name': 'a', 'line': 1, 'columns': [
            {'column': 'cron', 'from': unix('*/5 * * * *'), 'to': unix('0 3 * * 1')},
            {'column': 'timezone', 'from': None, 'to': 'Asia/Tokyo'}]},
        {'change': 'added', 'id': None, 'name': 'new', 'line': 8, 'columns': [
            {'column': 'name', 'from': None, 'to': 'new'}, {'column': 'command', 'from': None, 'to': 'do new'},
            {'column': 'cron', 'from': None, 'to': unix('*/5 * * * *')}, {'column': 'enabled', 'from': None, 'to': False}]}]
    assert place.db.rows() == before


BAD_YAML = """\
- {name: a, command: x, cron: {format: unix, params: {value: "61 * * * *"}}}
- {name: b, command: x}
- {name: c, command: [x], cron: nonsense, frobnicate: 1}
- c
- {name: d, id: x}
- {name: e, command: x, cron: {format: unix, params: {value: "* * * * *"}}, timezone: Nowhere/Land}
- {name: f, command: !!binary "%", cron: {}}
- {name: same, command: x, cron: {format: unix, params: {value: "* * * * *"}}}
- {name: good, command: x, cron: {format: unix, params: {value: "* * * * *"}}}
"""


def test_nothing_is_imported_where_a_row_is_bad(place):
    place.db.add_many([{'name': 'same', 'command': 'x', 'cron': unix('* * * * *')}] * 2)
    before = place.db.rows()
    said = place.failed('import', 'yaml', place.file('bad.yaml', BAD_YAML)).splitlines()
    assert [line.split(': ')[1].rpartition('bad.yaml:')[2].split(':')[0] for line in said[:-1]] == [
        '1', '2', '3', '3', '4', '5', '6', '7', '8']
    for line, part in zip(said, ['61', 'cron: is missing', 'command: must be a single value', 'frobnicate: unknown key',
                                 'keys with their values', 'id: must be a whole number', 'Nowhere/Land',
                                 'command: is not base64', "several rows of the table are named 'same': 1, 2",
                                 'nothing was imported']):
        assert part in line
    assert place.db.rows() == before


@pytest.mark.parametrize('text, part', [
    ('a: 1', 'must be a list'), ('- [', 'not YAML'), ('- {a: *x}', 'anchor'),
    ('- &x {name: a, id: 1, command: a, cron: {}}\n- *x', 'id: 1 stands in line 1 already')])
def test_what_is_no_list_of_actions(place, text, part):
    assert part in place.failed('import', 'yaml', '-', input=text)


def test_a_file_without_rows(place):
    place.run('import', 'yaml', '-', input='', status=0)
    place.db.add('x', unix('* * * * *'))
    place.run('import', 'yaml', '-', input=place.exported().replace(': x\n', ': z\n'), status=0)
    assert '--prune would remove all 1 of the table' in place.failed('import', 'crontab', '-', '--prune', input='# x\n')
    assert [row['command'] for row in place.db.rows()] == ['z']


def test_the_command_line(place):
    place.file('x', '')
    for arguments, part in [
            (['import'], 'import crontab, import yaml, import apscheduler'), (['import', 'yml', 'x'], "mean 'import yaml'"),
            (['import', 'yaml'], 'needs a file'), (['import', 'yaml', 'x', 'y'], "no argument 'y'"),
            (['import', 'yaml', 'x', '--system'], 'no option --system'),
            (['import', 'crontab', 'x', '--from', 'y'], 'no option --from'),
            (['import', 'apscheduler', '--prune'], 'no option --prune'), (['export'], 'export yaml, export crontab'),
            (['export', 'yml'], "mean 'export yaml'"), (['export', 'yaml', 'x'], "no argument 'x'"),
            (['export', 'yaml', '-o', 'json'], 'no option')]:
        assert part in place.refused(*arguments)
    assert 'nosuch: cannot be read: No such file' in place.failed('import', 'yaml', 'nosuch')
    (place.program.directory / 'actions.db').unlink()
    assert 'actions_db' in place.failed('import', 'yaml', 'x')
    assert 'actions_db' in place.failed('export', 'yaml')


def test_a_large_table(place):
    actions = ''.join(f'- {{id: {i}, name: a{i}, command: x, cron: {{format: unix, params: {{value: "* * * * *"}}}}}}\n'
                      for i in range(1, 100_001))
    place.run('import', 'yaml', '-', input=actions, status=0, stdout=None)
    text = place.exported()
    assert len(place.db.rows()) == text.count('- id: ') == 100_000
    assert place.json('import', 'yaml', '-', '--prune', input=text) == []


# --- crontab ---

CRONTAB = """\
# a comment
MAILTO=root
DIR = "/a b"
*/5 * * * *\tls "$DIR" | wc  # no comment
# name: Nightly
@daily nightly 50\\% done
CRON_TZ=Asia/Tokyo
0 3 1,15 * fri mail me%Dear 'me',%%bye
0 3 * * * twice
0 4 * * * twice
0 4 * * * """ + 'long ' * 20 + '\n'


def test_a_crontab_comes_in(place):
    done = place.run('import', 'crontab', '-', input=CRONTAB, status=0)
    rows = [(row['name'], row['command'], json.loads(row['cron'])['params']['value'], row['timezone'])
            for row in place.db.rows()]
    assert rows[:3] == [
        ('ls "$DIR" | wc  # no comment', 'ls "$DIR" | wc  # no comment', '*/5 * * * *', None),
        ('Nightly', 'nightly 50% done', '0 0 * * *', None),
        ('mail me', "printf '%s\\n' 'Dear '\\''me'\\'',' '' 'bye' | /bin/sh -c 'mail me'", '0 3 1,15 * fri', 'Asia/Tokyo')]
    assert [row[0] for row in rows[3:5]] == ['twice', 'twice (2)']
    assert rows[5][0].startswith('long long') and len(rows[5][0]) == 60
    assert {row['dst'] for row in place.db.rows()} == {'vixie'}
    assert 'not carried over: MAILTO (line 2), DIR (line 3)' in done.stderr
    assert 'stdin:4: the command uses $DIR' in done.stderr and 'root' not in done.stderr
    # Another time it is the same rows; what a crontab does not say stays.
    place.db.update(1, timeout=7)
    changed = place.json('import', 'crontab', '-', '--prune', input=CRONTAB.replace('@daily', '@weekly'))
    assert [(row['id'], [each['column'] for each in row['columns']]) for row in changed] == [(2, ['cron'])]
    assert place.db.rows()[0]['timeout'] == 7


def test_a_crontab_goes_out_and_comes_back(place, binary, tmp_path):
    place.run('import', 'crontab', '-', input=CRONTAB, status=0)
    place.db.add('a%b\\%c', unix(' 0\t0 * * * '), name=' "odd"\n', timeout=5, merge_missed=1)
    text = place.run('export', 'crontab', status=0).stdout
    assert place.json('import', 'crontab', '-', '--prune', input=text) == [
        {'change': 'changed', 'id': 7, 'name': ' "odd"\n', 'line': text.count('\n'), 'columns': [
            {'column': 'cron', 'from': unix(' 0\t0 * * * '), 'to': unix('0 0 * * *')}]}]
    there = Place(binary, tmp_path / 'there')
    there.run('import', 'crontab', there.file('x', text), status=0)
    assert there.exported() == place.exported()


def test_what_a_crontab_cannot_express(place):
    cron_can = [unix('0 0 * * sun'), apscheduler(day_of_week='mon-fri', hour=9, minute=30), apscheduler(minute='*/5'),
                apscheduler(day_of_week='sun'), apscheduler(hour=3, timezone='Asia/Tokyo')]
    cron_cannot = {
        'cron has no seconds': apscheduler(second='*/20'), 'cron has no end date': apscheduler(hour=1, end_date='2050-05-05'),
        'cron has no years': apscheduler(year=2050), 'cron has no intervals': interval(minutes=5),
        'cron has no single dates': once('2050-05-05'), 'cron has no jitter': apscheduler(hour=1, jitter=5),
        'cron has no weeks': apscheduler(week=5), 'cron has no days like': apscheduler(day='last'),
        'no five fields of cron mean the same': apscheduler(day=13, day_of_week='fri'), '61': unix('61 * * * *')}
    place.db.add_many([{'name': f'a{i}', 'command': f'a{i}', 'cron': cron}
                       for i, cron in enumerate([*cron_can, *cron_cannot.values()])])
    for command in 'a\nb', ' a', '*a', 'a\r':
        place.db.add(command, unix('* * * * *'))
    place.db.add('paused', unix('* * * * *'), enabled=0)
    done = place.run('export', 'crontab', status=1)
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith('#')]
    assert lines == ['CRON_TZ=UTC', '0 0 * * sun a0', '30 9 * * 1,2,3,4,5 a1', '*/5 * * * * a2', '0 0 * * 0 a3', 'CRON_TZ=Asia/Tokyo',
                     '0 3 * * * a4']
    assert done.stdout.count('# Left out: ') == 15 and 'cannot express: 15 of 20' in done.stderr
    for reason, line in zip([*cron_cannot, 'several lines', 'first character', 'first character', 'carriage return', 'paused'],
                            done.stderr.splitlines()):
        assert reason in line and 'row ' in line
    # What cron can do comes back as cron has it.
    changed = place.json('import', 'crontab', '-', input=done.stdout)
    assert [(row['id'], row['columns'][0]['to']['format']) for row in changed] == [(i, 'unix') for i in (2, 3, 4, 5)]


def test_nothing_is_imported_where_a_line_is_bad(place):
    text = b'@reboot x\n* * * * * fine\n0 0 * * ? x\n* * *\n\xff\n# columns: {"x": 1}\n* * * * * x\n# name: "x\n* * * * * x\n' \
           b'# name: fine\n* * * * * x\n# name: fine\n* * * * * x\n'
    said = place.failed('import', 'crontab', place.file('t', text)).splitlines()
    for line, part in zip(said, [
            't:1: @reboot is no time', 't:3: cron: ', 't:4: 3 fields', 't:5: the text is not UTF-8', 't:6: x: unknown key',
            't:9: name: ', "t:13: name: 'fine' stands in line 11 already", 'nothing was imported']):
        assert part in line
    assert place.db.rows() == []


def test_a_system_crontab(place):
    path = place.file('crontab', 'PATH=/bin\n17 * * * * root cd / && run-parts\n@daily www x\n')
    done = place.run('import', 'crontab', '--system', path, status=0)
    assert [row['command'] for row in place.db.rows()] == ['cd / && run-parts', 'x']
    assert 'the users root, www' in done.stderr and 'PATH (line 1)' in done.stderr
    said = place.run('import', 'crontab', '-', '--dry-run', input='* * * * * root x\n', status=0).stderr
    assert 'with --system' in said


def test_a_crontab_and_what_is_configured(place):
    config = (place.program.directory / 'config.yaml')
    exec_config = config.read_text().replace('callback: print', 'callback: exec') + 'exec: {enabled: true}\n'
    config.write_text(exec_config + 'unix_dialect: apscheduler\n')
    said = place.failed('import', 'crontab', '-', input='0 0 * * 1 x\n0 0 * * * x\n0 0 1 * fri x\n')
    assert 'stdin:1: cron: it would mean something else' in said and 'stdin:3' in said and 'stdin:2' not in said
    config.write_text(exec_config)
    said = place.run('import', 'crontab', '-', input='* * * * * a b\n* * * * * a | b\n', status=0).stderr
    assert 'need a shell: 1, the first in line 2' in said
    # A table of the Python program.
    place.db.execute('DROP TABLE action')
    place.db.create()
    said = place.run('import', 'crontab', '-', input='CRON_TZ=UTC\n* * * * * a\n', status=0).stderr
    assert 'no column dst' in said
    assert 'no such column; `check --fix` adds it' in place.failed(
        'import', 'crontab', '-', input='CRON_TZ=Asia/Tokyo\n* * * * * a\n')
