"""A scheduler process in a working directory of its own."""

import copy
import json
import os
import re
import signal
import subprocess
import threading
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import yaml

from lib.actions_db import ActionsDb
from lib.notify import NotifyListener
from lib.schema import check_output
from lib.wait import wait_for

# The trivial sample without its sample actions.
CONFIG = {
    'actions_db': {'dialect': 'sqlite', 'database': 'database.db'},
    'track_changes_period': 15,
    'internal_db': {'dialect': 'sqlite', 'database': 'database.db'},
    'action': {
        'callback': 'action_scheduler.callbacks:print_command',
        'defaults': {'merge_missed': False, 'actuality_time': -1},
    },
}

LINE = re.compile(rb'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d) \| (.*)', re.DOTALL)


class Line(NamedTuple):
    """A line that the callback `print` wrote."""

    time: datetime
    command: str


def merged(base, overrides):
    """A copy of `base` with `overrides` laid over it, section by section; None takes a key away."""
    result = copy.deepcopy(base)
    for key, value in overrides.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


class _Reader(threading.Thread):
    """Collects what comes out of a pipe."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self._pipe = pipe
        self._chunks = []
        self._taken = 0
        self._rest = b''
        self.start()

    def run(self):
        while chunk := os.read(self._pipe.fileno(), 1 << 20):
            self._chunks.append(chunk)
        self._pipe.close()

    def data(self):
        """All bytes so far."""
        return b''.join(list(self._chunks))

    def new_lines(self):
        """The whole lines since the last call."""
        count = len(self._chunks)
        *lines, self._rest = (self._rest + b''.join(self._chunks[self._taken:count])).split(b'\n')
        self._taken = count
        return lines


class Scheduler:
    """Runs the program, again and again in the same directory if need be. What it printed is kept over its lives."""

    def __init__(self, directory, binary, config=None, clock=None, environment=None):
        self.directory = Path(directory)
        self.binary = str(binary)
        self.clock = clock
        self.environment = dict(environment or {})
        self.actions = ActionsDb(self.directory / 'database.db')
        self.process = None
        self.notify = None
        self._readers = []
        self._errors = []
        self._lines = []
        self.configure(**(config or {}))

    # --- configuration ---

    def configure(self, **overrides):
        """Writes config.yaml: CONFIG with the overrides laid over it (None takes a key away)."""
        self.config = merged(CONFIG, overrides)
        if self.config.get('internal_db', {}).get('dialect') != 'sqlite':
            # Else it would be in the runtime directory of the machine, and stay there after a kill.
            self.config.setdefault('server', {'socket': 'control.sock'})
        path = self.config.get('actions_db', {}).get('database')
        if path:
            self.actions = ActionsDb(self.directory / path)
        self.write_config(yaml.safe_dump(self.config, sort_keys=False))

    def write_config(self, text):
        """Writes config.yaml as it is given."""
        (self.directory / 'config.yaml').write_text(text, encoding='utf-8')

    def _environment(self, extra):
        env = {name: os.environ[name] for name in ('PATH', 'HOME') if name in os.environ}
        env |= {'LANG': 'C.UTF-8', 'TZ': 'UTC', 'NO_COLOR': '1'}
        # For builds with sanitizers, see scripts/test.
        env |= {name: value for name, value in os.environ.items() if name.endswith('SAN_OPTIONS') or name == 'G_SLICE'}
        if self.clock:
            env['ACTION_SCHEDULER_CLOCK'] = self.clock.path
        return env | self.environment | (extra or {})

    # --- the process ---

    def start(self, *arguments, ready=True, stdout=None, environment=None, timeout=20):
        """Starts `run`; waits until it says that it is ready unless told not to. `stdout` replaces the pipe that
        `lines` is read from."""
        assert not self.running(), 'it is running already'
        if self.notify:
            self.notify.close()
        self.notify = NotifyListener()
        self.process = subprocess.Popen(
            [self.binary, '--config', 'config.yaml', 'run', *arguments],
            cwd=self.directory, env=self._environment(environment) | {'NOTIFY_SOCKET': self.notify.address},
            stdin=subprocess.DEVNULL, stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE)
        if self.process.stdout:
            self._readers.append(_Reader(self.process.stdout))
        self._errors.append(_Reader(self.process.stderr))
        if ready:
            self.wait_ready(timeout)
        return self

    def running(self):
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def wait_ready(self, timeout=20):
        """Waits for READY=1."""
        self.wait_for(lambda: self.notify.seen('READY', '1'), timeout, 'READY=1')

    def wait_for(self, condition, timeout=10, what=None):
        """Waits for a condition while the process lives; its death, and what it said, end the wait."""
        def holds():
            alive = self.running()
            value = condition()
            if not value and not alive:
                status = self.process.returncode if self.process else None
                raise AssertionError(f'the scheduler ended with {status}, before: {what or condition}\n{self.tail()}')
            return value
        try:
            return wait_for(holds, timeout, what)
        except AssertionError as error:
            raise AssertionError(f'{error}\n{self.tail()}') from None

    def wait_lines(self, count, command=None, timeout=10):
        """Waits until `count` lines (of one command) were printed over all lives, and returns them all."""
        what = f'{count} lines of {command or "any command"}'
        self.wait_for(lambda: len(self.fired(command)) >= count, timeout, what)
        return self.fired(command)

    def wait_error(self, text, timeout=10):
        """Waits until stderr has the text."""
        self.wait_for(lambda: text in self.stderr, timeout, f'{text!r} on stderr')

    def send(self, number):
        """Sends a signal."""
        self.process.send_signal(number)

    def hangup(self):
        """SIGHUP: read configuration and table again."""
        self.send(signal.SIGHUP)

    def wait(self, timeout=40):
        """Waits for the end and returns the exit status."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'the scheduler did not end within {timeout} s\n{self.tail()}') from None
        self._join()
        return status

    def stop(self, number=signal.SIGTERM, timeout=40):
        """Ends it in good order and asserts exit status 0."""
        self.send(number)
        status = self.wait(timeout)
        assert status == 0, f'exit status {status} after signal {number}\n{self.tail()}'

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self._join()

    def restart(self, *arguments, **options):
        """stop and start."""
        self.stop()
        return self.start(*arguments, **options)

    def close(self):
        """Kills what still runs and closes everything."""
        if self.running():
            self.kill()
        if self.notify:
            self.notify.close()
            self.notify = None

    def _join(self):
        for reader in self._readers + self._errors:
            reader.join()

    # --- what it said ---

    @property
    def stdout(self):
        """The bytes printed over all lives."""
        return b''.join(reader.data() for reader in self._readers)

    @property
    def lines(self):
        """The whole lines printed over all lives, parsed; a line of another form is an AssertionError. What a killed
        life had written of a line is not counted."""
        for reader in self._readers:
            for raw in reader.new_lines():
                match = LINE.fullmatch(raw)
                assert match, f'not a line of the callback print: {raw!r}'
                command = match[2].decode(errors='surrogateescape')
                self._lines.append(Line(datetime.fromisoformat(match[1].decode()), command))
        return list(self._lines)

    def fired(self, command=None):
        """The lines of one command, or of all."""
        lines = self.lines
        return lines if command is None else [line for line in lines if line.command == command]

    @property
    def stderr(self):
        """The log over all lives."""
        return b''.join(reader.data() for reader in self._errors).decode(errors='replace')

    def tail(self, size=4000):
        """The end of stdout and stderr, for messages."""
        return f'--- stdout\n{self.stdout[-size:].decode(errors="replace")}\n--- stderr\n{self.stderr[-size:]}'

    # --- the verbs ---

    def run(self, *arguments, input=None, environment=None, timeout=60, check=None):
        """Runs the program with arguments to its end. `check`: the exit status that is asserted. Text in and out;
        what is JSON is held to docs/schema."""
        done = subprocess.run(
            [self.binary, '--config', 'config.yaml', *arguments], cwd=self.directory, timeout=timeout,
            env=self._environment(environment), capture_output=True, text=True, errors='surrogateescape',
            **({'stdin': subprocess.DEVNULL} if input is None else {'input': input}))
        if check is not None:
            assert done.returncode == check, f'{arguments}: exit status {done.returncode}\n{done.stdout}{done.stderr}'
        check_output(arguments, done.stdout, done.returncode)
        return done

    def jsonl(self, *arguments, **options):
        """The objects of a listing verb."""
        done = self.run(*arguments, '-o', 'jsonl', check=0, **options)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def history(self, *arguments):
        """The entries of the history, newest first, each a dict."""
        return self.jsonl('history', '--limit', '0', *arguments)
