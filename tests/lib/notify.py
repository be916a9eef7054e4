"""The other end of sd_notify."""

import itertools
import os
import socket
import threading

_number = itertools.count()


class NotifyListener:
    """Listens on an abstract datagram socket; `variables` has every assignment in the order of arrival."""

    def __init__(self):
        self.address = f'@action-scheduler-test-{os.getpid()}-{next(_number)}'
        self.variables = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind('\0' + self.address[1:])
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while True:
            message = self._socket.recv(65536)
            if message == b'stop':
                return
            for line in message.decode().splitlines():
                self.variables.append(tuple(line.partition('=')[::2]))

    def seen(self, name, value):
        """Whether `name=value` was said."""
        return (name, value) in self.variables

    def last(self, name):
        """The last value said of `name`, None where there was none."""
        return next((value for key, value in reversed(self.variables) if key == name), None)

    def close(self):
        """Ends the listener."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b'stop', '\0' + self.address[1:])
        self._thread.join()
        self._socket.close()
