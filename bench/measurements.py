"""The measurements. Each is one function that takes the bench (where things are, how large) and returns figures by
name; a figure is a number, or a text that says why there is none."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from servers import Servers
from subject import SCHEDULES, Subject, due_at, each_minute, far_off

HERE = Path(__file__).resolve().parent
PYTHON = '/usr/bin/python3'
GOPATH = Path('/usr/share/gocode')


class Sizes(NamedTuple):
    """How much of everything."""

    actions: int = 1_000_000
    bursts: tuple = (100_000, 1_000_000)
    sustained_s: int = 20
    idle_s: int = 30
    peer_actions: int = 20_000
    peer_durable: int = 300
    peer_burst: int = 10_000
    peer_seconds: int = 10
    server_s: int = 10
    edits: int = 300


QUICK = Sizes(actions=100_000, bursts=(100_000,), sustained_s=5, idle_s=5, peer_actions=5_000, peer_durable=50,
              peer_burst=2_000, peer_seconds=5, server_s=4, edits=100)


class Bench(NamedTuple):
    """Where things are, and how large."""

    build: Path
    scratch: Path
    sizes: Sizes
    servers: Servers

    @property
    def binary(self):
        """The program."""
        return self.build / 'action-scheduler'

    def tool(self, name, *args):
        """What a program of this folder prints."""
        out = subprocess.run([self.build / 'bench' / name, *map(str, args)], check=True, stdout=subprocess.PIPE)
        return [json.loads(line) for line in out.stdout.splitlines()]

    def driver(self, *args):
        """What a peer's driver prints, run in a directory of its own."""
        directory = self.scratch / 'peer'
        directory.mkdir(exist_ok=True)
        (directory / 'apscheduler.db').unlink(missing_ok=True)
        out = subprocess.run([*map(str, args)], check=True, stdout=subprocess.PIPE, cwd=directory)
        return json.loads(out.stdout)


def subject(bench, name, config=None):
    """The program in a directory of its own."""
    return Subject(bench.binary, bench.scratch / name, config)


# --- load, restart, rest ---

def bare_ms(bench, program):
    """The floor of a load."""
    bare, = bench.tool('bare_sqlite', 'select', program.actions_path)
    return bare['ms']


def load_and_rest(bench):
    """The table loaded by a scheduler that knows nothing, its rest, and its restart with nothing changed."""
    count = bench.sizes.actions
    program = subject(bench, 'load')
    try:
        # What the program needs by itself.
        program.write_actions(1, far_off())
        program.start('print')
        program.settle(0.3)
        alone, _ = program.memory()
        program.stop()

        text = program.write_actions(count, far_off())
        # One read to warm the caches of the system, as a table that was just written is anyway.
        floors = [bare_ms(bench, program) for _ in range(2)][1:]
        load_s = program.start('print')
        load_cpu, _ = program.activity()
        program.settle()
        rss, peak = program.memory()
        cpu, turns = program.activity()
        time.sleep(bench.sizes.idle_s)
        idle_cpu, idle_turns = (b - a for a, b in zip((cpu, turns), program.activity()))
        program.stop()

        floors.append(bare_ms(bench, program))
        restart_s = program.start('print')
        program.settle()
        restart_rss, _ = program.memory()
        program.stop()
        floors.append(bare_ms(bench, program))
    finally:
        program.kill()
    return {
        'bare_ms': sum(floors) / len(floors),
        'load_ms': load_s * 1e3,
        'load_cpu_s': load_cpu,
        'bytes_per_action': (rss - alone - text) / count,
        'text_per_action': text / count,
        'peak_bytes_per_action': (peak - alone - text) / count,
        'restart_ms': restart_s * 1e3,
        'restart_bytes_per_action': (restart_rss - alone - text) / count,
        'idle_cpu_ms_per_s': idle_cpu * 1e3 / bench.sizes.idle_s,
        'idle_turns_per_s': idle_turns / bench.sizes.idle_s,
    }


# --- bursts ---

HISTORY = 'SELECT coalesce(sum(fires), 0), max(finished_us), count(*) FROM scheduler_history WHERE kind = 0'
META = 'SELECT commits, history_bytes FROM scheduler_meta'


def burst_prepare(bench, program, count):
    """A table that is loaded and at rest well before all of it is due; returns the due second (Unix time)."""
    if not program.actions_path.exists():
        program.write_actions(count, far_off())
    second = int(time.time() + 6 + count / 80_000)
    program.forget()
    program.set_schedules(due_at(second))
    return second


def burst_check(program, second, count):
    """What the history says of it."""
    program.settle(0.5, most=120)
    fires, finished, rows = program.query(HISTORY)
    if fires != count:
        raise RuntimeError(f'{fires} of {count} fires in the history')
    return {'finished_ms': finished / 1e3 - second * 1e3, 'rows': rows}


def burst_run(program, second, count, callback, stdout=subprocess.DEVNULL, environment=None):
    """Starts the program well before the second in which so many actions are due, and waits until all is done; it still
    runs then. From the due instant to the last answer, CPU a fire, memory over that at rest, commits."""
    program.start(callback, stdout=stdout, environment=environment)
    program.settle(0.5)
    if time.time() > second - 0.2:
        raise RuntimeError('loading ran past the due instant')
    commits, history_bytes = program.query(META)
    cpu, _ = program.activity()
    _, peak = program.memory()
    time.sleep(second - time.time() + 0.3)
    figures = burst_check(program, second, count)
    cpu_after, _ = program.activity()
    _, peak_after = program.memory()
    commits_after, history_bytes_after = program.query(META)
    return figures | {
        'cpu_us': (cpu_after - cpu) / count * 1e6,
        'more_mb': (peak_after - peak) / 2 ** 20,
        'commits': commits_after - commits,
        'history_bytes_per_fire': (history_bytes_after - history_bytes) / count,
    }


def burst(bench, callback, count):
    """So many actions due in one second, through a callback: from the due instant to the last one."""
    program = subject(bench, f'burst-{count}')
    second = burst_prepare(bench, program, count)
    reader = None
    out = subprocess.DEVNULL
    try:
        if callback == 'print':
            reader = subprocess.Popen([bench.build / 'bench' / 'read_lines', str(count)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)
            out = reader.stdin
        figures = burst_run(program, second, count, callback, stdout=out)
        # The log of writes is written to by commits only.
        figures['durable_ms'] = (os.stat(program.directory / 'internal.db-wal').st_mtime - second) * 1e3
        program.stop()
        if reader:
            reader.stdin.close()
            lines = json.loads(reader.stdout.read())
            figures |= {'last_ms': (lines['last_read'] - second) * 1e3, 'lines': lines['lines']}
        else:
            figures['last_ms'] = figures['finished_ms']
    finally:
        program.kill()
        if reader:
            reader.kill()
    return figures


# --- Python functions ---

def python_calls(bench, workers=4):
    """A function in Python that does nothing, for actions that are all due at once: calls a second, from the due instant
    to the last answer; beside Python's own pool of as many processes."""
    count = bench.sizes.bursts[0]
    program = subject(bench, f'burst-{count}')
    (program.directory / 'bench_jobs.py').write_text('def send(command: str):\n    pass\n', encoding='ascii')
    pool = bench.driver(PYTHON, HERE / 'python_pool.py', count, workers)
    second = burst_prepare(bench, program, count)
    try:
        figures = burst_run(program, second, count, 'python:bench_jobs:send')
        program.stop()
    finally:
        program.kill()
    return {
        'calls_per_s': count / figures['finished_ms'] * 1e3,
        'cpu_us_per_call': figures['cpu_us'],
        'pool_per_s': pool['calls_per_s'],
    }


# --- HTTP ---

def http_requests(bench, concurrency=64):
    """A request for each of the actions that are all due at once, to a server that does nothing: requests a second, from
    the due instant to the last answer; beside a bare loop of libcurl with as many at a time, before and after."""
    count = bench.sizes.bursts[0]
    program = subject(bench, f'burst-{count}')
    server = subprocess.Popen([bench.build / 'bench' / 'http_floor', 'serve'], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    try:
        url = f'http://127.0.0.1:{int(server.stdout.readline())}/run'
        floors = bench.tool('http_floor', count, concurrency, url)
        second = burst_prepare(bench, program, count)
        figures = burst_run(program, second, count, 'http',
                            environment={'HTTP__URL': url, 'HTTP__CONCURRENCY': str(concurrency)})
        program.stop()
        floors += bench.tool('http_floor', count, concurrency, url)
    finally:
        program.kill()
        server.kill()
        server.wait()
    return {
        'requests_per_s': count / figures['finished_ms'] * 1e3,
        'cpu_us_per_request': figures['cpu_us'],
        'floor_per_s': sum(floor['requests_per_s'] for floor in floors) / len(floors),
        'floor_cpu_us': sum(floor['cpu_us'] for floor in floors) / len(floors),
    }


# --- programs ---

def exec_spawns(bench, count=5000, at_a_time=64):
    """Programs that do nothing, for actions that are all due at once among many that are not: runs a second, from the
    due instant to the last end; beside a small process that only spawns as many at a time."""
    program = subject(bench, 'exec')
    program.write_actions(bench.sizes.actions, far_off())
    floors = [bench.tool('exec_floor', count, at_a_time)[0]['per_s']]
    second = int(time.time() + 8 + bench.sizes.actions / 80_000)
    due = due_at(second)[0]
    with sqlite3.connect(program.actions_path) as db:
        db.executemany("UPDATE action SET command = '/bin/true', cron = ? WHERE id = ?",
                       ((due, i * (bench.sizes.actions // count)) for i in range(1, count + 1)))
    db.close()
    program.sync()
    try:
        figures = burst_run(program, second, count, 'exec',
                            environment={'EXEC__ENABLED': 'true', 'EXEC__CONCURRENCY': str(at_a_time)})
        program.stop()
    finally:
        program.kill()
    floors.append(bench.tool('exec_floor', count, at_a_time)[0]['per_s'])
    return {
        'per_s': count / figures['finished_ms'] * 1e3,
        'cpu_us_per_run': figures['cpu_us'],
        'floor_per_s': sum(floors) / len(floors),
    }


# --- sustained ---

def sustained(bench, count=1000):
    """1000 actions every second through `print` to a pipe, beside a bare timer in the same seconds."""
    seconds = bench.sizes.sustained_s
    program = subject(bench, 'sustained')
    reader = None
    try:
        program.write_actions(count, [json.dumps({'format': 'apscheduler', 'params': {'second': '*'}})])
        reader = subprocess.Popen([bench.build / 'bench' / 'read_lines', str(count * seconds)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        program.start('print', stdout=reader.stdin)
        reader.stdin.close()
        cpu, _ = program.activity()
        floor, = bench.tool('timer_floor', seconds)
        lines = json.loads(reader.stdout.read())
        cpu_after, _ = program.activity()
        # Nobody reads any more: it ends by itself.
        program.process.wait(60)
        return {
            'floor_p50_us': floor['p50_us'], 'floor_p99_us': floor['p99_us'],
            'p50_us': lines['p50_us'], 'p99_us': lines['p99_us'], 'max_us': lines['max_us'],
            'p50_over_us': lines['p50_us'] - floor['p50_us'], 'p99_over_us': lines['p99_us'] - floor['p99_us'],
            'cpu_ms_per_s': (cpu_after - cpu) * 1e3 / seconds,
        }
    finally:
        program.kill()
        if reader:
            reader.kill()


# --- next fire ---

def next_fire(bench):
    """The mean cost of a next fire over the expressions of next_fire.c, in UTC and in a zone with rules."""
    cases = bench.tool('next_fire', 0.1)

    def mean(zone):
        costs = [case['ns'] for case in cases if case['tz'] == zone]
        return sum(costs) / len(costs)

    return {'utc_ns': mean('UTC'), 'zone_ns': mean('America/New_York'), 'worst_ns': max(case['ns'] for case in cases)}


# --- simulate ---

def simulate(bench):
    """The fires of a day counted by minute: every action fires each minute, and so with jitter."""
    program = subject(bench, 'simulate')
    day = ('--from', '2030-05-06', '--to', '2030-05-07', '--by', 'minute')
    program.write_actions(bench.sizes.actions, each_minute())
    plain_s = program.run('simulate', *day)
    program.write_actions(bench.sizes.actions, each_minute(jitter_s=30))
    return {'day_ms': plain_s * 1e3, 'day_jitter_ms': program.run('simulate', *day) * 1e3}


# --- peers ---

def apscheduler(bench):
    """APScheduler 3 at the sizes that it can do."""
    sizes = bench.sizes

    def run(*args):
        return bench.driver(PYTHON, HERE / 'peers' / 'apscheduler_driver.py', *args)

    memory, durable = run('load', 'memory', sizes.peer_actions), run('load', 'sqlite', sizes.peer_durable)
    drained = run('burst', 'memory', sizes.peer_burst)
    steady = run('sustained', 'memory', 1000, sizes.peer_seconds)
    return {
        'load_us_per_action': memory['us_per_action'],
        'load_sqlite_us_per_action': durable['us_per_action'],
        'bytes_per_action': memory['bytes_per_action'],
        'burst_us_per_fire': drained['last_ms'] * 1e3 / sizes.peer_burst,
        'p50_us': steady['p50_us'], 'p99_us': steady['p99_us'],
        'lost': steady['expected'] - steady['ran'],
        'next_ns': run('next')['ns'],
    }


def robfig_build(bench):
    """The driver, or None where there is no Go or no robfig/cron."""
    binary = bench.scratch / 'robfig'
    if binary.exists():
        return binary
    if not (GOPATH / 'src/github.com/robfig/cron').is_dir():
        return None
    environment = os.environ | {'GO111MODULE': 'off', 'GOPATH': str(GOPATH)}
    try:
        subprocess.run(['go', 'build', '-o', binary, HERE / 'peers' / 'robfig.go'], check=True, env=environment)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f'robfig/cron cannot be built: {error}', file=sys.stderr)
        return None
    return binary


def robfig(bench):
    """robfig/cron v3, which keeps nothing anywhere, where Debian's package of it is installed."""
    binary = robfig_build(bench)
    if not binary:
        return {}
    loaded = bench.driver(binary, 'load', bench.sizes.actions)
    drained = bench.driver(binary, 'burst', bench.sizes.bursts[0])
    steady = bench.driver(binary, 'sustained', 1000, bench.sizes.peer_seconds)
    return {
        'load_us_per_action': loaded['ms'] * 1e3 / bench.sizes.actions,
        'bytes_per_action': loaded['bytes_per_action'],
        'burst_us_per_fire': drained['last_ms'] * 1e3 / bench.sizes.bursts[0],
        'p50_us': steady['p50_us'], 'p99_us': steady['p99_us'],
        'next_ns': bench.driver(binary, 'next')['ns'],
    }


# --- instructions ---

def collected(program, wait_until=0):
    """Instructions that a whole life of the program takes under valgrind, with what is due until then."""
    out = program.directory / 'callgrind.out'
    program.start('none', prefix=(shutil.which('valgrind'), '--tool=callgrind', f'--callgrind-out-file={out}'))
    time.sleep(max(1.0, wait_until - time.time()))
    program.settle(0.5)
    program.stop()
    totals = [line for line in out.read_text(encoding='utf-8').splitlines() if line.startswith('totals:')]
    return int(totals[-1].split()[1])


def instructions(bench, count=10_500):
    """Instructions an action of a load, and a fire of a burst, through the callback `none`: the difference between
    two sizes of the same schedules, so that start, schedules and end do not count."""
    if not shutil.which('valgrind'):
        return {}
    program = subject(bench, 'instructions')
    loaded, fired = {}, {}
    try:
        for size in (SCHEDULES, count):
            program.write_actions(size, far_off())
            loaded[size] = collected(program)
            second = int(time.time()) + 10
            program.forget()
            program.set_schedules(due_at(second))
            fired[size] = collected(program, second + 1)
            if program.query(HISTORY)[0] != size:
                raise RuntimeError('not everything fired under valgrind')
    finally:
        program.kill()
    load, fire = ((each[count] - each[SCHEDULES]) / (count - SCHEDULES) for each in (loaded, fired))
    return {'load': load, 'fire': fire - load}
