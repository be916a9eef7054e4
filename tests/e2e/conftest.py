"""Fixtures of the end-to-end tests, which run the real program. See tests/lib for what they give."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests'))

from lib.clock import TestClock  # noqa: E402
from lib.scheduler import Scheduler  # noqa: E402


def _program(variable, default, target):
    path = Path(os.environ.get(variable) or ROOT / default / 'action-scheduler')
    if not os.access(path, os.X_OK):
        pytest.fail(f'{path} is not there: run `{target}`, or set {variable}', pytrace=False)
    return path


@pytest.fixture(scope='session')
def binary():
    """The release build."""
    return _program('ACTION_SCHEDULER_BINARY', 'build', 'make build')


@pytest.fixture(scope='session')
def test_clock_binary():
    """The build whose clock a test can move."""
    return _program('ACTION_SCHEDULER_TEST_CLOCK_BINARY', 'build-test-clock', 'make build-test-clock')


@pytest.fixture(scope='session')
def asan_binary():
    """The build with AddressSanitizer and UndefinedBehaviorSanitizer (it has the test clock, too)."""
    return _program('ACTION_SCHEDULER_ASAN_BINARY', 'build-asan', 'make test')


@pytest.fixture
def clock(tmp_path):
    """A clock for `scheduler(clock=clock)`, with an offset of 0."""
    return TestClock(tmp_path / 'clock')


@pytest.fixture(scope='session')
def postgresql():
    """A PostgreSQL server of this session (lib.postgresql.PostgreSql)."""
    from lib.postgresql import PostgreSql
    server = PostgreSql()
    if server.missing:
        pytest.skip('no PostgreSQL server here (install postgresql-15)')
    yield server
    server.close()


@pytest.fixture(scope='session')
def kafka():
    """An Apache Kafka broker of this session (lib.kafka.Kafka). The tests of a file with it are an xdist group, so
    that one worker has it; whoever stops it starts it again."""
    from lib.kafka import Kafka
    broker = Kafka()
    if broker.missing:
        pytest.skip(f'NOTHING WAS TRIED ON A REAL BROKER: {broker.missing}')
    yield broker
    broker.close()


@pytest.fixture(scope='session')
def mariadb_server():
    """A MariaDB server of this session (lib.mariadb.MariaDb)."""
    from lib import mariadb
    if not mariadb.installed():
        pytest.skip('no MariaDB server here (install mariadb-server)')
    server = mariadb.MariaDb()
    yield server
    server.close()


@pytest.fixture(scope='session')
def certificates():
    """A directory with what lib.certificates makes."""
    from lib.certificates import Certificates
    with Certificates() as where:
        yield where


@pytest.fixture
def scheduler(request, tmp_path):
    """A factory of schedulers: scheduler(config={...}, clock=clock, actions=[{...}], directory=..., binary=...).

    Each is a lib.scheduler.Scheduler in a directory of its own with config.yaml (the trivial sample without sample
    actions, `config` laid over it) and a table that holds `actions` (None: no table). It is not started yet. With
    `clock` it is the build with the test clock. Killed at the end of the test.
    """
    made = []

    def make(config=None, clock=None, actions=(), directory=None, binary=None, environment=None):
        where = Path(directory) if directory else tmp_path / f'scheduler{len(made)}'
        where.mkdir(exist_ok=True)
        program = binary or request.getfixturevalue('test_clock_binary' if clock else 'binary')
        result = Scheduler(where, program, config, clock, environment)
        made.append(result)
        if actions is not None:
            result.actions.create()
            result.actions.add_many(actions)
        return result

    yield make
    for each in made:
        each.close()
        if getattr(request.node, 'report_call', None) and request.node.report_call.failed:
            request.node.add_report_section('teardown', f'{each.directory.name}', each.tail(20000))
    for each in made:
        for sign in ('AddressSanitizer', 'LeakSanitizer', 'ThreadSanitizer', 'runtime error:'):
            assert sign not in each.stderr, each.stderr[-20000:]


def pytest_collection_modifyitems(items):
    """What one worker has to run as a whole begins first."""
    items.sort(key=lambda item: item.get_closest_marker('xdist_group') is None)


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Lets the fixtures see how the test ended."""
    outcome = yield
    if call.when == 'call':
        item.report_call = outcome.get_result()
