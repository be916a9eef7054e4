"""status: how the scheduler is doing, and what the databases know where none runs."""

import json
import re
import socket
import threading
from datetime import datetime

import pytest

from lib.actions_db import EVERY_SECOND, once, unix
from lib.program import Program
from lib.receiver import Receiver
from lib.wait import wait_for

NEVER_AGAIN = once('2020-01-01T00:00:00')
CONFIG = {'actions_db': {'database': 'actions.db'}, 'internal_db': {'database': 'internal.db'},
          'http': {'url': 'http://127.0.0.1:1/', 'token': 'sesame-open'}}


@pytest.fixture
def s(scheduler, clock):
    """Actions in every state, of a callback that works and one whose receiver is not there."""
    s = scheduler(config=CONFIG, clock=clock)
    s.run('init', check=0)
    s.actions.add('tick', EVERY_SECOND, name='tick')
    s.actions.add('call', EVERY_SECOND, name='call', callback='http')
    s.actions.add('noon', unix('0 12 1 1 *'), name='noon')
    s.actions.add('paused', EVERY_SECOND, enabled=False)
    s.actions.add('finished', NEVER_AGAIN)
    s.actions.add('bad', 'nonsense')
    return s


def status(s, code=0):
    """The object, and the exit status that it must come with."""
    return json.loads(s.run('status', '-o', 'json', check=code).stdout)


def callback(state, name):
    return next(each for each in state['callbacks'] if each['name'] == name)


def backlog_of(state):
    return state['callbacks'][0]['backlog']


def wait_status(s, condition, what):
    """The first state of which that holds."""
    def state_if():
        state = status(s)
        return state if condition(state) else None
    return s.wait_for(state_if, what=what)


def ask(s, request):
    """The answer on the control socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(s.directory / 'control.sock'))
        client.sendall(json.dumps(request).encode() + b'\n')
        return json.loads(client.makefile().readline())


def test_wrong_arguments_are_refused(binary, tmp_path):
    program = Program(binary, tmp_path)
    assert 'status' in program.refused('status', '17')
    program.refused('status', '--watch')
    assert 'config.yaml' in program.failed('status')


def test_a_scheduler_tells_how_it_does_and_without_one_the_databases_do(s, clock):
    state = status(s, 1)
    assert state['running'] is state['healthy'] is False and state['callbacks'] == []
    assert state['actions'] == {'active': 3, 'paused': 1, 'finished': 1, 'bad': 1}

    s.start()
    s.wait_lines(2)
    s.wait_for(lambda: callback(status(s), 'http')['open'] and status(s)['ended']['delivered'], what='an open fire')
    state = status(s)
    assert state['running'] is True and state['pid'] == s.process.pid and state['owner'] is None
    assert state['uptime'] > 0 and state['memory'] > 1 << 20
    assert state['actions'] == {'active': 3, 'paused': 1, 'finished': 1, 'bad': 1}
    assert [fire['action_name'] for fire in state['next_fires']] == ['tick', 'call', 'noon']
    assert state['actions_db'] == {'place': f'sqlite {s.directory}/actions.db', 'health': 'ok', 'error': None, 'since': None}
    works, fails = callback(state, 'print'), callback(state, 'http')
    assert works['health'] == 'ok' and works['error'] is None and works['delivered'] >= 2 and works['watermark']
    assert works['rate'] > 0 and state['rate']['last_minute'] == pytest.approx(works['rate'])
    assert fails['health'] == 'failing' and fails['error'] and fails['since'] and not state['healthy']
    assert state['lateness']['since_start']['fires'] >= 2 and 0 <= state['lateness']['last_minute']['p50'] < 1
    assert state['open_fires'][0]['callback'] == 'http' and state['open_count'] == fails['open']
    assert 'sesame' not in json.dumps(state)

    table = s.run('status', check=0).stdout
    assert re.search(r'^STATE +running$', table, re.M) and re.search(r'^HEALTH +unhealthy$', table, re.M)
    assert re.search(r'^callback http since .* ago: ', table, re.M)
    assert re.search(r'^callback http since \S+\+09:00, .* ago: ', s.run('status', '--timezone', 'Asia/Tokyo', check=0).stdout, re.M)
    assert 'Mars' in s.run('status', '--timezone', 'Mars', check=2).stderr
    assert re.search(r'^ACTIONS +3 active, 1 paused, 1 finished, 1 bad$', table, re.M)
    assert re.search(r'^print +ok ', table, re.M) and re.search(r'^http +failing ', table, re.M)
    assert re.search(r'^2@\S+ +', table, re.M)
    coloured = s.run('--color', 'always', 'status', check=0).stdout
    assert '\033[31munhealthy\033[0m' in coloured and '\033[32mrunning\033[0m' in coloured

    assert ask(s, {'command': 'hold', 'reason': 'a move'})['ok']
    state = status(s)
    assert state['held'] and state['held_since'] and state['held_reason'] == 'a move'
    assert re.search(r'^STATE +held$', s.run('status', check=0).stdout, re.M)
    assert ask(s, {'command': 'release'})['ok']
    assert not status(s)['held']

    pid = s.process.pid
    s.kill()
    done = s.run('status', '-o', 'json', check=1)
    state = json.loads(done.stdout)
    assert 'no scheduler answers' in done.stderr and str(s.directory / 'control.sock') in done.stderr
    assert state['running'] is state['owner_holds'] is False and state['owner'].startswith(f'pid {pid}, host ')
    assert callback(state, 'print')['watermark'] and callback(state, 'print')['handed_out'] is None
    assert state['open_fires'][0]['fire_id'].startswith('2@') and state['open_count'] == callback(state, 'http')['open']
    assert [fire['action_name'] for fire in state['next_fires']] == ['tick', 'call', 'noon']
    table = s.run('status', check=1).stdout
    assert re.search(r'^STATE +not running$', table, re.M) and re.search(rf'^LAST OWNER +pid {pid}, ', table, re.M)

    # The receiver is still not there: what was missed stays to be made up for.
    clock.advance(3600)
    s.start()
    s.wait_for(lambda: callback(status(s), 'http')['backlog']['stretches'], what='a backlog')
    backlog = callback(status(s), 'http')['backlog']
    assert 0 < backlog['left'] < 3700 and backlog['from'] < backlog['to']
    wait_status(s, lambda state: callback(state, 'http')['health'] == 'failing', 'the outage again')
    assert callback(status(s), 'http')['backlog']['done_at'] is None
    assert re.search(r'^http +failing .* left$', s.run('status', check=0).stdout, re.M)


def test_a_callback_that_refuses_tells_what_it_said_last(scheduler):
    s = scheduler(config={'exec': {'enabled': True}, 'action': {'callback': 'exec'}},
                  actions=[{'command': "sh -c 'exit 7'", 'cron': EVERY_SECOND}])
    s.start()
    state = wait_status(s, lambda state: callback(state, 'exec')['refused'], 'a refusal')
    refuses = callback(state, 'exec')
    assert refuses['last_refusal'] == 'exit status 7' and refuses['last_refusal_at']
    assert refuses['health'] == 'ok' and refuses['last_error'] is None
    assert re.search(r'^callback exec refused last at .*: exit status 7$', s.run('status', check=0).stdout, re.M)


def test_a_backlog_tells_when_it_will_be_done(scheduler, clock):
    receiver = Receiver()
    s = scheduler(config={'http': {'url': receiver.url(), 'rate': '50/s'}, 'action': {'callback': 'http'}}, clock=clock,
                  actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    s.start()
    s.stop()
    clock.advance(3600)
    s.start()
    first = wait_status(s, lambda state: backlog_of(state)['done_at'], 'an estimate')
    second = wait_status(s, lambda state: backlog_of(state)['left'] < backlog_of(first)['left'], 'progress')
    assert backlog_of(second)['stretches'] and backlog_of(second)['from'] > backlog_of(first)['from']
    # 3600 fires at 50 a second, less what is done, give or take a slow machine.
    left = (datetime.fromisoformat(backlog_of(second)['done_at']) - datetime.fromisoformat(second['at'])).total_seconds()
    assert 10 < left < 600
    assert re.search(r'^http +ok .*min \d+s left, done in ', s.run('status', check=0).stdout, re.M)
    s.kill()
    assert 0 < backlog_of(status(s, 1))['left'] <= backlog_of(second)['left']
    receiver.stop()


def test_databases_that_fail_are_told_with_the_reason_and_since_when(s):
    s.start()
    (s.directory / 'actions.db').rename(s.directory / 'away.db')
    s.hangup()
    s.wait_for(lambda: status(s)['actions_db']['health'] == 'failing', what='the outage')
    state = status(s)
    assert 'actions.db' in state['actions_db']['error'] and state['actions_db']['since'] and not state['healthy']
    assert state['actions']['active'] == 3 and state['internal_db']['health'] == 'ok'
    assert re.search(r'^actions_db since .* ago: ', s.run('status', check=0).stdout, re.M)
    s.kill()
    state = status(s, 1)
    assert state['actions_db']['health'] == 'failing' and state['actions'] == dict.fromkeys(state['actions'])
    assert callback(state, 'print') and state['next_fires'] == []
    (s.directory / 'away.db').rename(s.directory / 'actions.db')
    s.start()
    assert status(s)['actions_db']['health'] == 'ok'


def test_a_scheduler_that_cannot_be_asked_is_named(s):
    s.start()
    (s.directory / 'control.sock').unlink()
    done = s.run('status', check=1)
    assert f'pid {s.process.pid}, host ' in done.stderr and 'does not answer' in done.stderr
    s.kill()
    # Somebody who takes the request and says nothing that can be understood.
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(s.directory / 'control.sock'))
        server.listen()
        server.settimeout(20)
        thread = threading.Thread(target=lambda: server.accept()[0].sendall(b'what?\n'))
        thread.start()
        done = s.run('status', check=1)
        thread.join()
        assert done.stdout == '' and 'control.sock' in done.stderr


def test_without_internal_db_there_is_less_to_tell(scheduler):
    s = scheduler(config={'internal_db': None, 'server': {'socket': 'c.sock'}},
                  actions=[{'command': 'a', 'cron': EVERY_SECOND}])
    state = status(s, 1)
    assert state['internal_db'] == {'place': None, 'health': 'unused', 'error': None, 'since': None}
    s.start()
    state = status(s)
    assert state['internal_db']['place'] is None and state['healthy']
    assert re.search(r'^INTERNAL_DB +none$', s.run('status', check=0).stdout, re.M)


def test_fires_by_hand_are_taken_up_to_a_bound(s):
    s.start()
    answers = [ask(s, {'command': 'trigger', 'ids': [2] * 1000})['fires'] for _ in range(9)]
    fires = [fire for answer in answers for fire in answer]
    assert [fire.get('code') for fire in fires] == [None] * 8192 + ['busy'] * 808
    assert '8192' in fires[-1]['error']
    refused = s.run('trigger', '2', check=1)
    assert refused.stdout.count('\n') <= 1 and 'action 2: ' in refused.stderr and 'wait' in refused.stderr
    assert ask(s, {'command': 'trigger', 'ids': [1]})['fires'][0]['status'] == 'queued'
    wait_for(lambda: status(s)['open_count'] >= 8192, what='the fires')
    assert len(status(s)['open_fires']) == 10
