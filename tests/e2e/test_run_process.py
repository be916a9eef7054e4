"""The scheduler as a process: signals, systemd, log, configuration, one owner."""

import json
import os
import signal

import pytest

from lib.actions_db import EVERY_SECOND
from lib.wait import wait_for

FAR_OFF = {'format': 'date', 'params': {'run_date': '2099-01-01T00:00:00+00:00'}}


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(scheduler, number):
    s = scheduler(actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(1)
    s.stop(number, timeout=10)
    assert s.notify.seen('STOPPING', '1')


def test_a_fresh_directory_is_enough(scheduler):
    s = scheduler(actions=None)
    s.start()
    assert s.actions.rows() == []
    s.stop()


def test_without_internal_db_it_runs_and_says_so(scheduler):
    s = scheduler(config={'internal_db': None}, actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.wait_lines(2, 'a')
    assert 'nothing is remembered over a restart' in s.stderr
    s.stop()


def test_systemd_is_told(scheduler):
    s = scheduler(actions=[{'command': 'a', 'cron': FAR_OFF}])
    s.start(environment={'WATCHDOG_USEC': '200000'})
    s.wait_for(lambda: s.notify.last('STATUS') and 'actions firing: 1' in s.notify.last('STATUS'))
    s.wait_for(lambda: s.notify.variables.count(('WATCHDOG', '1')) >= 3)
    s.hangup()
    s.wait_for(lambda: s.notify.seen('RELOADING', '1') and s.notify.last('MONOTONIC_USEC'))
    s.wait_for(lambda: s.notify.variables.count(('READY', '1')) == 2)
    s.stop()


def test_hangup_reads_the_configuration_again(scheduler):
    s = scheduler(actions=[{'command': 'a', 'cron': FAR_OFF}])
    s.start()
    s.configure(debug=True, internal_db={'database': 'other.db'})
    s.hangup()
    s.wait_error('debug is true now')
    s.wait_error('internal_db.database was changed, which takes effect after a restart')
    s.write_config('debug: [')
    s.hangup()
    s.wait_error('the configuration stays as it was')
    s.configure(action={'callback': 'nosuch'})
    s.hangup()
    s.wait_error('action.callback: callback "nosuch" is not in this build')
    assert s.running()
    s.stop()


def test_hangup_changes_the_zone_of_schedules(scheduler, clock):
    """Every row is read anew under other defaults."""
    from datetime import datetime, timedelta, timezone
    noon = datetime(2030, 5, 6, 12, 0, tzinfo=timezone.utc)
    clock.set_now(noon - timedelta(seconds=8))
    s = scheduler(config={'timezone': 'Europe/Moscow'}, clock=clock,
                  actions=[{'command': 'noon', 'cron': {'format': 'unix', 'params': {'value': '0 12 * * *'}}}])
    s.start()
    s.configure(timezone='UTC')
    s.hangup()
    s.wait_lines(1, 'noon', timeout=12)
    s.stop()


def test_a_second_process_names_the_first(scheduler):
    s = scheduler(actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    second = s.run('run', timeout=20)
    assert second.returncode == 1
    assert str(s.process.pid) in second.stderr and second.stdout == ''
    s.wait_lines(1)
    s.kill()
    s.start()
    s.stop()


def test_log_as_json(scheduler):
    s = scheduler(config={'log': {'format': 'json'}}, actions=[
        {'command': 'a', 'name': 'evil\nname', 'cron': '{'}])
    s.start()
    s.stop()
    lines = [json.loads(line) for line in s.stderr.splitlines()]
    assert {'time', 'level', 'message'} <= lines[0].keys()
    assert any('evil' in line['message'] and line['level'] == 'error' for line in lines)
    s.configure()
    s.start()
    s.stop()
    assert 'evil\\nname' in s.stderr


def test_environment_beats_dotenv_beats_file(scheduler):
    s = scheduler(config={'actions_db': {'database': 'file.db'}}, actions=None)
    s.start()
    s.stop()
    (s.directory / '.env').write_text('ACTIONS_DB__DATABASE=dotenv.db\n')
    s.start()
    s.stop()
    s.start(environment={'actions_db__database': 'environment.db'})
    s.stop()
    made = [name for name in ('file.db', 'dotenv.db', 'environment.db') if (s.directory / name).exists()]
    assert made == ['file.db', 'dotenv.db', 'environment.db']


def test_configuration_errors_end_it(scheduler):
    s = scheduler(config={'action': {'callback': 'unheard_of'}}, actions=None)
    done = s.run('run')
    assert done.returncode == 1
    assert 'callback "unheard_of" is not in this build' in done.stderr
    s.configure(action={'callback': 'kafka'})
    done = s.run('run')
    assert done.returncode == 1
    assert 'the callback kafka needs kafka.server' in done.stderr


def test_a_closed_stdout_ends_nothing_up_in_a_database(scheduler):
    """With descriptor 1 closed no file may take its place."""
    s = scheduler(actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    wrapper = s.directory / 'closed'
    wrapper.write_text(f'#!/bin/sh\nexec "{s.binary}" "$@" >&-\n')
    wrapper.chmod(0o755)
    s.binary = str(wrapper)
    s.start(ready=False)
    assert s.wait() == 1
    assert 'stdout cannot be written: Bad file descriptor' in s.stderr
    assert s.actions.rows()[0]['command'] == 'a'


def test_a_reader_that_goes_away_ends_it_and_loses_nothing(scheduler):
    from datetime import datetime, timedelta, timezone
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    s = scheduler(actions=[{'command': f'c{i}', 'cron': {
        'format': 'date', 'params': {'run_date': soon.isoformat()}}} for i in range(100)])
    read, write = os.pipe()
    os.close(read)
    s.start(stdout=write)
    os.close(write)
    assert s.wait() == 1
    assert 'stdout cannot be written: Broken pipe' in s.stderr
    s.start()
    s.wait_lines(100)
    s.stop()
    assert sorted(line.command for line in s.lines) == sorted(f'c{i}' for i in range(100))


def test_a_full_stdout_holds_back_and_loses_nothing(scheduler):
    from datetime import datetime, timedelta, timezone
    import fcntl
    count = 2000
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    s = scheduler(actions=[{'command': f'c{i}', 'cron': {
        'format': 'date', 'params': {'run_date': soon.isoformat()}}} for i in range(count)])
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    s.start(stdout=write)
    os.close(write)
    # Nobody reads well past the grace of a second and the time after which fires are written down as open.
    wait_for(lambda: datetime.now(timezone.utc) > soon + timedelta(seconds=2.5), 20)
    assert s.running()
    lines, rest = [], b''
    while len(lines) < count:
        rest += os.read(read, 65536)
        *whole, rest = rest.split(b'\n')
        lines += [line.partition(b' | ')[2].decode() for line in whole]
    s.stop()
    os.close(read)
    assert sorted(lines) == sorted(f'c{i}' for i in range(count)), 'each once'


def test_shutdown_timeout_and_a_second_signal(scheduler):
    """With a reader that is stuck: the wait ends with status 1, and what was not printed is owed."""
    from datetime import datetime, timedelta, timezone
    import fcntl
    import threading
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    s = scheduler(config={'shutdown_timeout': 1}, actions=[{'command': f'c{i}', 'cron': {
        'format': 'date', 'params': {'run_date': soon.isoformat()}}} for i in range(500)])
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    s.start(stdout=write)
    wait_for(lambda: datetime.now(timezone.utc) > soon + timedelta(seconds=0.5), 20)
    s.send(signal.SIGTERM)
    assert s.wait(10) == 1
    assert 'shutdown_timeout is over' in s.stderr
    s.configure(shutdown_timeout=600)
    s.start(stdout=write)
    os.close(write)
    s.send(signal.SIGTERM)
    s.wait_error('SIGTERM: stopping')
    wait_for(lambda: s.stderr.count('SIGTERM: stopping') == 2)
    s.send(signal.SIGTERM)
    assert s.wait(10) == 1
    assert 'a second signal' in s.stderr
    chunks = []
    drain = threading.Thread(target=lambda: chunks.extend(iter(lambda: os.read(read, 65536), b'')))
    drain.start()
    drain.join(10)
    os.close(read)
    before = {line.partition(b' | ')[2].decode() for line in b''.join(chunks).split(b'\n')[:-1]}
    s.start()
    s.wait_for(lambda: before | {line.command for line in s.lines} >= {f'c{i}' for i in range(500)}, 10)
    s.stop()


def test_an_option_that_the_client_library_does_not_know_ends_it(scheduler):
    s = scheduler(config={'actions_db': {'dialect': 'postgresql', 'host': 'localhost', 'username': 'u',
                                         'password': 'p', 'options': {'sslmoder': 'x'}}}, actions=None)
    done = s.run('run', timeout=20)
    assert done.returncode == 1
    assert 'sslmoder' in done.stderr


def test_an_unknown_dialect_ends_it(scheduler):
    s = scheduler(config={'actions_db': {'dialect': 'oracle'}}, actions=None)
    done = s.run('run', timeout=20)
    assert done.returncode == 1
    assert 'oracle' in done.stderr and 'sqlite' in done.stderr and 'postgresql' in done.stderr
