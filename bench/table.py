"""One table of all figures: the program, the floor under it, the aim, and the peers, a line a figure."""

import os
import platform

COLUMNS = ('', 'action-scheduler', 'floor', 'aim', 'APScheduler', 'robfig/cron')


def number(value, digits=3):
    """A number of so many significant digits, with separators."""
    if value is None:
        return ''
    if abs(value) >= 10 ** digits:
        return f'{value:,.0f}'
    return f'{value:.{digits}g}'


class Figures:
    """Figures by measurement and name; what was not measured is an empty cell."""

    def __init__(self, figures):
        self.figures = figures

    def value(self, path):
        """The figure, None where there is none."""
        name, key = path.rsplit('.', 1)
        return self.figures.get(name, {}).get(key)

    def cell(self, path, unit=''):
        """Its text."""
        value = self.value(path)
        return '' if value is None else number(value) + unit

    def floor(self, path, own, digits=1):
        """A floor, and how many times it the program took."""
        value = self.value(path)
        return '' if value is None else f'{number(value)} (x{self.value(own) / value:.{digits}f})'

    def share(self, path, own):
        """A floor that is a rate, and how many times its rate the program has."""
        value = self.value(path)
        return '' if value is None else f'{number(value)} (x{self.value(own) / value:.2f})'

    def over(self, path, difference):
        """A floor, and by how much the program is above it."""
        value = self.value(path)
        return '' if value is None else f'{number(value)} ({self.value(difference):+,.0f})'


def load_rows(f, sizes):
    """Loading and holding."""
    n = sizes.actions
    yield (f'load {n:,} rows from SQLite, ms', f.cell('load.load_ms'), f.floor('load.bare_ms', 'load.load_ms'),
           '<= x3', '', '')
    own = f.value('load.load_ms')
    yield ('   us an action', number(own * 1e3 / n if own else None), '', '',
           f.cell('apscheduler.load_us_per_action'), f.cell('robfig.load_us_per_action'))
    yield ('   the peer into its durable store', '', '', '', f.cell('apscheduler.load_sqlite_us_per_action'),
           'has none')
    yield (f'restart, {n:,} rows unchanged, ms', f.cell('load.restart_ms'),
           f.floor('load.bare_ms', 'load.restart_ms'), '', '', '')
    yield ('memory beside the text, bytes an action', f.cell('load.bytes_per_action'), '', '<= 200',
           f.cell('apscheduler.bytes_per_action'), f.cell('robfig.bytes_per_action'))
    yield ('   at most while loading', f.cell('load.peak_bytes_per_action'), '', '', '', '')
    yield ('   after a restart', f.cell('load.restart_bytes_per_action'), '', '', '', '')
    yield (f'at rest, {n:,} far-off actions, CPU ms a second', f.cell('load.idle_cpu_ms_per_s'), '', '~0', '', '')
    yield ('   turns on the CPU a second', f.cell('load.idle_turns_per_s'), '', '', '', '')


def burst_rows(f, sizes):
    """Bursts."""
    for count in sizes.bursts:
        for callback in ('none', 'print'):
            name = f'burst {callback} {count}'
            where = 'print to a pipe' if callback == 'print' else 'none'
            aim = '<= 100' if count == 100_000 else ''
            yield (f'{count:,} due at once, {where}: the last, ms', f.cell(f'{name}.last_ms'), '', aim, '', '')
            yield ('   all of it durable, ms', f.cell(f'{name}.durable_ms'), '', '', '', '')
            yield ('   commits; history bytes a fire',
                   f'{f.cell(f"{name}.commits")}; {f.cell(f"{name}.history_bytes_per_fire")}', '', '', '', '')
    name = f'burst print {sizes.bursts[0]}'
    last = f.value(f'{name}.last_ms')
    yield ('a burst, us a fire until the last', number(last * 1e3 / sizes.bursts[0] if last else None), '', '',
           f.cell('apscheduler.burst_us_per_fire'), f.cell('robfig.burst_us_per_fire'))
    yield ('   CPU us a fire, all threads', f.cell(f'{name}.cpu_us'), '', '', '', '')


def kafka_rows(f, name, late, title, aim):
    """A burst into a broker, and what a consumer has of it each second."""
    yield (title, f.cell(f'{name}.per_s'), f.share(f'{name}.floor_per_s', f'{name}.per_s'), aim, '', '')
    yield ('   CPU us a message, all of the scheduler', f.cell(f'{name}.cpu_us'),
           f.floor(f'{name}.floor_cpu_us', f'{name}.cpu_us'), '', '', '')
    yield ('   the last report, ms', f.cell(f'{name}.last_ms'), f.cell(f'{name}.floor_ms'), '', '', '')
    yield ('   memory for it, MiB', f.cell(f'{name}.more_mb'), f.cell(f'{name}.floor_rss_mb'), '', '', '')
    for rate in (1000, 10_000):
        yield (f'   {rate:,} every second: at a consumer after, p50; p99 ms',
               f'{f.cell(f"{late}.p50_ms_{rate}")}; {f.cell(f"{late}.p99_ms_{rate}")}', '', '', '', '')


def rate_rows(f, sizes):
    """Punctuality, and the price of a fire."""
    for share in ('p50', 'p99'):
        yield (f'1,000 fires every second, lateness {share}, us', f.cell(f'sustained.{share}_us'),
               f.over(f'sustained.floor_{share}_us', f'sustained.{share}_over_us'), '<= +1000' if share == 'p99' else '',
               f.cell(f'apscheduler.{share}_us'), f.cell(f'robfig.{share}_us'))
    yield ('   CPU ms a second', f.cell('sustained.cpu_ms_per_s'), '', '', '', '')
    yield ('next fire, UTC, ns', f.cell('next.utc_ns'), '', '< 100', f.cell('apscheduler.next_ns'),
           f.cell('robfig.next_ns'))
    yield ('   America/New_York', f.cell('next.zone_ns'), '', '< 100', '', '')
    yield ('   the dearest of the expressions', f.cell('next.worst_ns'), '', '', '', '')
    yield (f'simulate a day of {sizes.actions:,} actions, each due every minute, ms', f.cell('simulate.day_ms'), '', '', '', '')
    yield ('   with jitter, each fire drawn', f.cell('simulate.day_jitter_ms'), '', '', '', '')
    yield ('functions in Python: calls a second', f.cell('python.calls_per_s'),
           f.share('python.pool_per_s', 'python.calls_per_s'), '', '', '')
    yield ('   CPU us a call, scheduler alone', f.cell('python.cpu_us_per_call'), '', '', '', '')
    yield ('requests by HTTP a second', f.cell('http.requests_per_s'),
           f.share('http.floor_per_s', 'http.requests_per_s'), '>= x0.9', '', '')
    yield ('   CPU us a request', f.cell('http.cpu_us_per_request'),
           f.floor('http.floor_cpu_us', 'http.cpu_us_per_request'), '', '', '')
    yield ('messages to a mock of Kafka a second', f.cell('kafka mock.per_s'),
           f.share('kafka mock.floor_per_s', 'kafka mock.per_s'), '>= x0.9', '', '')
    yield ('   CPU us a message, all of the scheduler', f.cell('kafka mock.cpu_us'),
           f.floor('kafka mock.floor_cpu_us', 'kafka mock.cpu_us'), '', '', '')
    yield from kafka_rows(f, 'kafka broker', 'kafka lateness', 'messages to Apache Kafka a second', '>= x0.9')
    yield from kafka_rows(f, 'kafka once', 'kafka once lateness', 'the same with exactly_once', '>= x0.8')
    yield ('programs: runs a second', f.cell('exec.per_s'), f.share('exec.floor_per_s', 'exec.per_s'), '>= x0.8', '', '')
    yield ('   CPU us a run, scheduler alone', f.cell('exec.cpu_us_per_run'), '', '', '', '')
    yield ('instructions: load, an action', f.cell('instructions.load'), '', '', '', '')
    yield ('   a fire of a burst, none', f.cell('instructions.fire'), '', '', '', '')


SERVERS = {'postgresql': 'PostgreSQL', 'mariadb': 'MariaDB'}
DATABASES = {'sqlite': 'SQLite'} | SERVERS
PACKAGES = {'postgresql': 'postgresql-15', 'mariadb': 'mariadb-server'}


def server_rows(f, sizes):
    """What databases that are servers cost."""
    n = sizes.actions
    for dialect, name in SERVERS.items():
        yield (f'load {n:,} rows from {name}, ms', f.cell(f'{dialect} load.load_ms'),
               f.floor(f'{dialect} load.bare_ms', f'{dialect} load.load_ms'), '<= x2', '', '')
    yield (f'a look at {n:,} unchanged rows, CPU ms here; there', '', '', '', '', '')
    for name, where in (('postgresql look', 'PostgreSQL, with the trigger'),
                        ('postgresql look bare', 'PostgreSQL, without it'), ('mariadb look', 'MariaDB')):
        yield (f'   {where}', f'{f.cell(f"{name}.here_ms")}; {f.cell(f"{name}.there_ms")}', '', '', '', '')
    yield (f'an edit among {n:,} rows until its effect, PostgreSQL, ms p50; p99',
           f'{f.cell("postgresql effect.p50_ms")}; {f.cell("postgresql effect.p99_ms")}', '', '<= 50', '', '')
    for dialect, name in DATABASES.items():
        yield (f'durable fires a second, internal_db on {name}; bare commits', f.cell(f'{dialect} durable.fires_per_s'),
               f.floor(f'{dialect} durable.bare_per_s', f'{dialect} durable.fires_per_s', 0), '', '', '')
        yield ('   commits a second', f.cell(f'{dialect} durable.commits_per_s'), '', '', '', '')


def machine():
    """On what it was measured."""
    model = ''
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        model = next((line.split(':', 1)[1].strip() for line in file if line.startswith('model name')), '')
    return f'{model or platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}'


def render(figures, sizes):
    """The text of the table."""
    f = Figures(figures)
    rows = [COLUMNS, *load_rows(f, sizes), *burst_rows(f, sizes), *rate_rows(f, sizes), *server_rows(f, sizes)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = ['  '.join(cell.ljust(width) if i == 0 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    lines.insert(1, '-' * max(map(len, lines)))
    return '\n'.join(lines)


def why_missing(name):
    """What to do about a measurement that is not there."""
    if name == 'robfig':
        return 'robfig/cron: needs golang-go and golang-github-robfig-cron-dev'
    if name == 'instructions':
        return 'instructions: needs valgrind'
    if name == 'postgresql' or name == 'mariadb':
        return f'{DATABASES[name]}: no server is installed; needs {PACKAGES[name]}'
    if name.startswith('kafka') and name != 'kafka mock':
        return f'{name}: needs a broker from Maven\'s registry, or not all rounds gave figures; see above'
    return f'{name}: not all rounds of it gave figures; see above'
