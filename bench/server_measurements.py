"""The measurements of databases that are servers: loading, looking, hearing of changes, durable fires. As those of
measurements.py: each takes the bench, and the dialect, and returns figures by name."""

import random
import time
from contextlib import closing
from statistics import mean

from measurements import subject
from subject import due_at, far_off

# --- the table of actions ---


def table(bench, dialect, period):
    """A program with a table of many rows on the server, made once; its looks are so many seconds apart."""
    server = bench.servers.get(dialect)
    directory = bench.scratch / f'actions-{dialect}'
    name = directory / 'database'
    made = name.exists()
    database = name.read_text(encoding='ascii') if made else server.database()
    program = subject(bench, f'actions-{dialect}',
                      {'actions_db': server.config(database), 'track_changes_period': period})
    if not made:
        program.init()
        server.write_actions(database, bench.sizes.actions, far_off())
        name.write_text(database, encoding='ascii')
    program.forget()
    return server, database, program


def bare_ms(bench, server, database):
    """The floor of a load."""
    bare, = bench.tool(server.floor, 'select', server.place(database))
    return bare['ms']


def load(bench, dialect):
    """The table loaded by a scheduler that knows nothing; internal_db is a file."""
    server, database, program = table(bench, dialect, 3600)
    # One read to warm the caches of the server.
    floors = [bare_ms(bench, server, database) for _ in range(2)][1:]
    try:
        load_s = program.start('none')
        cpu, _ = program.activity()
        program.settle()
        program.stop()
    finally:
        program.kill()
    floors.append(bare_ms(bench, server, database))
    return {'bare_ms': mean(floors), 'load_ms': load_s * 1e3, 'cpu_s': cpu}


# --- looks ---


def look(bench, dialect, period, trigger=True):
    """What a look at the unchanged table costs, here and on the server. Something else is committed before each, and
    its own cost on the server taken off."""
    server, database, program = table(bench, dialect, period)
    count = max(3, int(bench.sizes.server_s / period))

    def spent(own):
        begin = [server.cpu(), own()]
        for _ in range(count):
            with db.cursor() as cursor:
                cursor.execute('UPDATE elsewhere SET n = n + 1')
            time.sleep(period)
        return [(after - before) / count * 1e3 for before, after in zip(begin, [server.cpu(), own()])]

    with closing(server.connect(database)) as db, db.cursor() as cursor:
        cursor.execute('CREATE TABLE elsewhere (n INTEGER)')
        cursor.execute('INSERT INTO elsewhere VALUES (0)')
        if not trigger:
            cursor.execute('ALTER TABLE action DISABLE TRIGGER USER')
        alone, _ = spent(lambda: 0)
        try:
            program.start('none')
            # The digests keep it from coming to rest.
            time.sleep(max(2.0, bench.sizes.actions / 200_000))
            there, here = spent(lambda: program.activity()[0])
            program.stop()
        finally:
            program.kill()
            cursor.execute('DROP TABLE elsewhere')
            if not trigger:
                program.init()
    return {'here_ms': here, 'there_ms': there - alone}


# --- changes ---


def effect(bench, dialect):
    """From sending an UPDATE of one row among many until the engine has it, which the log then tells."""
    server, database, program = table(bench, dialect, 3600)
    edits, took = bench.sizes.edits, []
    rng = random.Random(1)
    try:
        program.start('none')
        program.settle()
        with closing(server.connect(database)) as db, db.cursor() as cursor, \
                open(program.directory / 'log', encoding='utf-8') as log:
            log.read()
            for _ in range(edits):
                # Apart from each other, and at no beat.
                time.sleep(rng.uniform(0.03, 0.09))
                begin = time.monotonic()
                cursor.execute('UPDATE action SET command = %s WHERE id = %s',
                               (f'edit {time.time_ns()}', rng.randrange(1, bench.sizes.actions)))
                wait_changes(log, begin + 10)
                took.append((time.monotonic() - begin) * 1e3)
        program.stop()
    finally:
        program.kill()
    took.sort()
    return {'p50_ms': took[edits // 2], 'p99_ms': took[edits * 99 // 100], 'max_ms': took[-1]}


def wait_changes(log, until):
    """Waits for the line of the log that tells of one changed row."""
    while time.monotonic() < until:
        line = log.readline()
        if 'changes: rows added 0, changed 1,' in line:
            return
        if not line:
            time.sleep(0.0002)
    raise RuntimeError('an edit was not seen')


# --- durable fires ---

META = 'SELECT commits FROM scheduler_meta'
HISTORY = 'SELECT coalesce(sum(fires), 0) FROM scheduler_history WHERE kind = 0'


def one(db, sql):
    """The value of a query."""
    with closing(db.cursor()) as cursor:
        cursor.execute(sql)
        value = cursor.fetchone()[0]
    db.commit()
    return value


def watch_commits(db, until, quiet=1.0):
    """Looks at the number of commits until it rests; when it last changed (Unix time), and the number."""
    last, changed = one(db, META), time.time()
    while time.time() < until and time.time() < changed + quiet:
        now = one(db, META)
        if now != last:
            last, changed = now, time.time()
        time.sleep(0.004)
    return changed, last


def durable(bench, dialect):
    """So many actions due in one second through `none`, until the last is durable in internal_db; beside it the rate of
    a client that makes one small commit after the other."""
    count = bench.sizes.bursts[-1]
    server = bench.servers.get(dialect)
    database = server.database()

    def bare():
        rate, = bench.tool(server.floor, 'commits', server.place(server.database()), bench.sizes.server_s / 4)
        return rate['per_s']

    program = subject(bench, f'durable-{dialect}', {'internal_db': server.config(database)})
    floors = [bare()]
    try:
        program.write_actions(count, far_off())
        second = int(time.time() + 6 + count / 80_000)
        program.set_schedules(due_at(second))
        program.start('none')
        program.settle(0.5)
        with closing(server.connect(database)) as db:
            before = one(db, META)
            if time.time() > second - 0.2:
                raise RuntimeError('loading ran past the due instant')
            time.sleep(second - time.time() + 0.001)
            last, commits = watch_commits(db, second + 60)
            fires = one(db, HISTORY)
        if fires != count:
            raise RuntimeError(f'{fires} of {count} fires in the history')
        program.stop()
    finally:
        program.kill()
    floors.append(bare())
    took = last - second
    return {'bare_per_s': mean(floors), 'fires_per_s': count / took, 'commits_per_s': (commits - before) / took,
            'durable_ms': took * 1e3, 'commits': commits - before}
