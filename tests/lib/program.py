"""The program as a command: run to its end in a directory of its own, nothing said on behalf of the test. What it
writes in JSON is held to docs/schema."""

import json
import os
import subprocess
from pathlib import Path

from lib.schema import check_output


class Program:
    """Runs the binary in `directory`; warnings of GLib end it, sanitizers' reports are failures."""

    def __init__(self, binary, directory, environment=None):
        self.binary = str(binary)
        self.directory = Path(directory)
        self.environment = {name: os.environ[name] for name in ('PATH', 'HOME') if name in os.environ}
        self.environment |= {'LANG': 'C.UTF-8', 'TZ': 'UTC', 'G_DEBUG': 'fatal-warnings'}
        self.environment |= environment or {}

    def run(self, *arguments, status=None, input=None, environment=None, timeout=60, **options):
        """Runs it; asserts the exit status where one is given, and that it did not die of a signal."""
        streams = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE} | options
        done = subprocess.run(
            [self.binary, *map(str, arguments)], cwd=self.directory, env=self.environment | (environment or {}),
            timeout=timeout, text=True, errors='surrogateescape',
            **({'stdin': subprocess.DEVNULL} if input is None else {'input': input}), **streams)
        said = f'{arguments}: exit status {done.returncode}\n{done.stdout}{done.stderr}'
        assert done.returncode >= 0, said
        assert 'Sanitizer' not in (done.stderr or '') and 'runtime error' not in (done.stderr or ''), said
        if status is not None:
            assert done.returncode == status, said
        check_output(arguments, done.stdout, done.returncode)
        return done

    def json(self, *arguments, status=0, **options):
        """The document of `-o json`."""
        return json.loads(self.run('-o', 'json', *arguments, status=status, **options).stdout)

    def refused(self, *arguments, **options):
        """Exit status 2, nothing on stdout, and what is said on stderr."""
        done = self.run(*arguments, status=2, **options)
        assert done.stdout == ''
        return done.stderr

    def failed(self, *arguments, **options):
        """Exit status 1, nothing on stdout, and what is said on stderr."""
        done = self.run(*arguments, status=1, **options)
        assert done.stdout == ''
        return done.stderr
