"""A terminal of a given size in which a command runs (Python's pty), and what it shows."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time


class Terminal:
    """Runs a command with a pseudo terminal for its controlling one: stdin, stdout and stderr are it, unless replaced
    (`stdout=...`). `environment` is all that the command gets."""

    def __init__(self, command, environment, directory, columns=80, rows=24, **streams):
        self._own, other = pty.openpty()
        self.resize(columns, rows)
        self.data = bytearray()
        self.process = subprocess.Popen(
            [str(each) for each in command], cwd=directory, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(other, termios.TIOCSCTTY, 0),
            **({'stdin': other, 'stdout': other, 'stderr': other} | streams))
        os.close(other)

    def resize(self, columns, rows):
        """Sets the size; the foreground gets SIGWINCH."""
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def send(self, text):
        """Keys: '\\x03' is Ctrl-C."""
        os.write(self._own, text.encode())

    @property
    def text(self):
        """What was shown so far, as it came."""
        return self.data.decode(errors='replace').replace('\r\n', '\n')

    def _read(self, timeout):
        if not select.select([self._own], [], [], timeout)[0]:
            return True
        try:
            chunk = os.read(self._own, 1 << 16)
        except OSError:  # nobody has it open any more
            chunk = b''
        self.data += chunk
        return bool(chunk)

    def wait_text(self, pattern, timeout=20):
        """Waits until what was shown has a match."""
        end = time.monotonic() + timeout
        while not re.search(pattern, self.text):
            assert self._read(max(end - time.monotonic(), 0)) and time.monotonic() < end, \
                f'no {pattern!r} in:\n{self.text[-4000:]}'

    def wait(self, timeout=20):
        """Reads to the end and returns the exit status, negative after a signal."""
        end = time.monotonic() + timeout
        while self._read(max(end - time.monotonic(), 0)):
            assert time.monotonic() < end, f'it did not end:\n{self.text[-4000:]}'
        status = self.process.wait(timeout)
        self.close()
        return status

    def close(self):
        """Ends what still runs in it."""
        if self._own is None:
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._own)
        self._own = None
