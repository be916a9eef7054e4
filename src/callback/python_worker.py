"""The worker of Action Scheduler's callback `python:module:function`: a process that calls one function.

It is started as `INTERPRETER SCRIPT module:function` where `python.worker` names a script. The one that comes with the
program is a part of it: there the first packet on the channel is the script. It has a process group of its own and the
scheduler's working directory. Descriptor 0 is /dev/null, 1 and 2 are a pipe whose lines go to the scheduler's log, 3 is
the channel: a socket of the type SOCK_SEQPACKET.

A frame on the channel is a JSON object in UTF-8. It travels in packets of at most 64 KiB: `+` and a piece of it where
more follows, `.` and the last piece (mostly the only one). The length of a frame is thus known from its packets.

From the scheduler, first:
    {"target": "module:function", "path": ["/directory", …]}    what is called, and where modules are looked up first
Then one for each fire; several may come before the first is answered. They are called one after the other:
    {"id": 7, "command": "…", "fire_id": "17@2024-01-01T00:05:00Z", "action_id": 17, "action_name": "…",
     "scheduled_us": 1704067500000000, "attempt": 1}
From the worker, first one of:
    {"ready": true}
    {"failed": "ModuleNotFoundError: …", "traceback": "…"}      after which it ends
Then for each fire, before the next packet is read:
    {"id": 7}                                                   the function returned
    {"id": 7, "error": "Traceback …"}                           it raised an exception; the end of its traceback

What the worker has not read the scheduler may take back, so a packet is read only when its fire is begun.

The channel is shut for reading: the worker ends in good order. The channel is closed, so the scheduler is gone: it ends
at once, with its process group if the function is running, as that fire will be repeated.
"""
import sys

# The directory of this script, or the working directory with `-c`: nothing there may take the place of what follows.
if sys.path and not (sys.flags.isolated or getattr(sys.flags, 'safe_path', False)):
    del sys.path[0]

import faulthandler  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import select  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
import traceback  # noqa: E402
import types  # noqa: E402

CHANNEL = 3
PACKET_MAX = 1 << 16
ERROR_MAX = 4096  # bytes of a traceback: its end is what tells
END_MAX = 5  # seconds for an idle worker to end by itself once the scheduler is gone


class Fire:
    """The fire for which the function was called."""

    def __init__(self, frame):
        self.fire_id = frame['fire_id']  # the same at each repeat
        self.action_id = frame['action_id']
        self.action_name = frame['action_name']
        self.attempt = frame['attempt']  # 1 for the first
        self._scheduled_us = frame['scheduled_us']

    @property
    def scheduled_at(self):
        """Its nominal time, a datetime in UTC."""
        from datetime import datetime, timedelta, timezone
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=self._scheduled_us)

    def __repr__(self):
        return f'<Fire {self.fire_id} of {self.action_name!r}, attempt {self.attempt}>'


class Worker:
    """The channel, and what is done with what comes from it."""

    def __init__(self):
        self.channel = socket.socket(fileno=CHANNEL)
        os.set_inheritable(CHANNEL, False)
        self.busy = True  # code of the user is running
        self.frame = None  # of the fire that is running

    def current_fire(self):
        """The Fire that the function was called for; None outside of a call."""
        frame = self.frame
        return Fire(frame) if frame else None

    def read(self):
        """The next frame; None at the end."""
        pieces = []
        while True:
            packet = self.channel.recv(PACKET_MAX + 1)
            if not packet:
                return None
            pieces.append(packet[1:])
            if packet[:1] == b'.':
                return json.loads(str(b''.join(pieces), 'utf-8'))

    def write(self, frame):
        """Sends a frame that is known to fit into a packet."""
        self.channel.send(b'.' + json.dumps(frame).encode())

    def watch(self):
        """Ends the process when the scheduler is gone, whatever the process is doing. A thread."""
        poll = select.poll()
        poll.register(CHANNEL, 0)
        while not poll.poll():
            pass
        if self.busy and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        if not self.busy:
            time.sleep(END_MAX)
        os._exit(1)

    def call(self, function, command):
        """Calls the function; the traceback where that raises anything, else None."""
        try:
            result = function(command)
            if type(result) is types.CoroutineType:
                import asyncio
                asyncio.run(result)
            return None
        except BaseException as error:  # SystemExit, too: the worker goes on
            return described(error, skip=1)

    def serve(self, function):
        """Calls the function for each fire until the channel ends."""
        while True:
            self.busy = False
            frame = self.read()
            if frame is None:
                return
            self.busy = True
            self.frame = frame
            error = self.call(function, frame['command'])
            self.frame = None
            flush()
            if error is None:
                self.channel.send(b'.{"id":%d}' % frame['id'])
            else:
                self.write({'id': frame['id'], 'error': error})

    def run(self):
        """The life of the process."""
        threading.Thread(target=self.watch, name='action-scheduler', daemon=True).start()
        # A child that the function forks must not answer.
        os.register_at_fork(after_in_child=self.channel.close)
        hello = self.read()
        if hello is None:
            return
        sys.path[:0] = map(os.path.abspath, hello['path'])
        try:
            function = load(hello['target'])
        except BaseException as error:
            self.write({'failed': short(error), 'traceback': described(error, skip=2)})
            return
        finally:
            flush()
        self.write({'ready': True})
        self.serve(function)


def load(target):
    """The function of `module:function`."""
    module, _, path = target.partition(':')
    function = importlib.import_module(module)
    for name in path.split('.'):
        function = getattr(function, name)
    if not callable(function):
        raise TypeError(f'{target} is a {type(function).__name__}, not a function')
    return function


def tail(text, most):
    """The end of a text, of at most so many bytes of UTF-8."""
    data = text.encode('utf-8', 'backslashreplace')
    return str(data[-most:], 'utf-8', 'ignore')


def described(error, skip):
    """The traceback as Python prints it, without the frames of this file."""
    try:
        frames = error.__traceback__
        for _ in range(skip):
            frames = frames.tb_next if frames is not None else None
        lines = traceback.format_exception(type(error), error, frames)
        return tail(''.join(lines).rstrip('\n'), ERROR_MAX)
    except BaseException:  # it does not even let itself be printed
        return type(error).__name__


def short(error):
    """The exception on a line."""
    try:
        return tail(' '.join(traceback.format_exception_only(type(error), error)[-1].split()), 500)
    except BaseException:
        return type(error).__name__


def flush():
    """What was printed stands before the answer."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed or replaced by the user: no business of ours
            pass


def main():
    """Sets up what the user's code finds."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding='utf-8', errors='backslashreplace', line_buffering=True)
    faulthandler.enable()
    worker = Worker()
    # Not `action_scheduler`: that is a package of users of the Python program.
    module = types.ModuleType('action_scheduler_fire', 'What a callback can ask Action Scheduler for.')
    module.Fire = Fire
    module.current_fire = worker.current_fire
    sys.modules[module.__name__] = module
    worker.run()


main()
