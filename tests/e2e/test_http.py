"""The callback `http`: a request for each fire, against servers on loopback."""

import json
import re
import shutil
import signal
import socket
import subprocess
import threading
from datetime import datetime, timedelta, timezone

import pytest

from lib.actions_db import EVERY_SECOND, once
from lib.receiver import Answer, Authority, Receiver
from lib.wait import wait_for


@pytest.fixture
def receiver():
    """A factory of receivers: receiver(answer, tls=context). Stopped at the end of the test."""
    made = []

    def make(*arguments, **options):
        made.append(Receiver(*arguments, **options))
        return made[-1]
    yield make
    for each in made:
        each.stop()


@pytest.fixture
def http(scheduler):
    """A factory: a scheduler whose default callback is `http` to a URL. `defaults` are those of actions, further
    names keys of the section `http`."""
    def make(url, actions=(), defaults=None, config=None, environment=None, **keys):
        return scheduler(actions=list(actions), environment=environment, config={
            'action': {'callback': 'http', 'defaults': defaults or {}}, 'http': {'url': url, **keys}, **(config or {})})
    return make


def soon(seconds=1.5):
    """A schedule that fires once."""
    return once(datetime.now(timezone.utc) + timedelta(seconds=seconds))


def ended(running, status, count=1, timeout=20):
    """The entries of the history with a status, once there are so many."""
    def entries():
        found = [entry for entry in running.history() if entry['status'] == status]
        return found if len(found) >= count else None
    return running.wait_for(entries, timeout, f'{count} {status}')


def runs(running):
    """What became of fires; the clock and the like aside."""
    return {entry['status'] for entry in running.history()} - {'note'}


# --- requests and answers ---

def test_a_fire_is_a_request(http, receiver):
    to = receiver()
    running = http(to.url(), [{'id': 17, 'command': 'say "hello"', 'cron': soon()}], headers={'X-Source': 'cron'})
    running.start()
    entry, = ended(running, 'delivered')
    running.stop()
    request, = to.requests
    assert (request.method, request.path, json.loads(request.body)) == ('POST', '/run', {'command': 'say "hello"'})
    assert request.headers['Content-Type'] == 'application/json'
    assert request.headers['X-Source'] == 'cron'
    assert request.headers['User-Agent'].startswith('action-scheduler/')
    assert request.key == entry['fire_id'] and request.key.startswith('17@')


def test_templates_have_what_is_known_of_the_fire(http, receiver):
    to = receiver()
    running = http(to.url('/run/{name}?id={fire_id}'), [{'id': 3, 'name': 'a/b "c"', 'command': 'x {name}', 'cron': soon()}],
                   method='PUT', body='{"run": {command}, "name": {name}, "attempt": {attempt}}')
    running.start()
    entry, = ended(running, 'delivered')
    running.stop()
    request, = to.requests
    assert request.method == 'PUT'
    assert request.path == f'/run/a%2Fb%20%22c%22?id={entry["fire_id"].replace("@", "%40").replace(":", "%3A")}'
    assert json.loads(request.body) == {'run': 'x {name}', 'name': 'a/b "c"', 'attempt': '1'}


def test_a_refusal_uses_up_the_attempts(http, receiver):
    to = receiver(lambda request: Answer(404, f'no such job: {request.command}'))
    running = http(to.url(), [{'command': 'c', 'cron': soon()}], defaults={'max_attempts': 2})
    running.start()
    entry, = ended(running, 'failed')
    running.stop()
    assert entry['detail'] == 'HTTP 404: no such job: c'
    assert entry['attempts'] == 2
    first, second = to.requests
    assert first.key == second.key == entry['fire_id']


def test_429_is_waited_out_as_long_as_it_says(http, receiver):
    to = receiver(lambda request: Answer(429, Retry_After='3') if request.number == 0 else None)
    at = datetime.now(timezone.utc)
    running = http(to.url(), [{'command': 'c', 'cron': soon(1)}])
    running.start()
    entry, = ended(running, 'delivered', timeout=30)
    running.stop()
    assert len(to.requests) == 2 and to.requests[0].key == to.requests[1].key
    # That 429 used up nothing: max_attempts is 1.
    assert datetime.fromisoformat(entry['finished_at']) - at >= timedelta(seconds=4)


def test_a_receiver_that_is_down_gets_everything_once_it_is_up(http, receiver):
    to = receiver()
    to.stop()
    running = http(to.url(), [{'command': 'a', 'cron': EVERY_SECOND}, {'command': 'b', 'cron': EVERY_SECOND}])
    running.start()
    running.wait_error('callback http: http://127.0.0.1:')
    assert 'Connection refused; its fires wait' in running.stderr
    to.start()
    running.wait_error('callback http: works again', timeout=60)
    running.wait_for(lambda: len(to.of('a')) >= 4 and len(to.of('b')) >= 4, 60)
    running.stop()
    for command in 'ab':
        keys = [request.key for request in to.of(command)]
        assert keys == sorted(keys) and len(set(keys)) == len(keys)
        times = [datetime.fromisoformat(key.partition('@')[2].replace('Z', '+00:00')) for key in keys]
        assert {b - a for a, b in zip(times, times[1:])} == {timedelta(seconds=1)}
    assert runs(running) == {'delivered'}


def test_one_that_always_gets_500_holds_up_no_others(http, receiver):
    to = receiver(lambda request: Answer(500, 'it fails') if request.command == 'bad' else None)
    running = http(to.url(), [{'command': 'bad', 'cron': soon(1)}, {'command': 'good', 'cron': EVERY_SECOND}],
                   concurrency=1)
    running.start()
    running.wait_for(lambda: len(to.of('good')) >= 8 and len(to.of('bad')) >= 3, 60)
    running.stop()
    assert len({request.key for request in to.of('bad')}) == 1
    assert len({request.key for request in to.of('good')}) == len(to.of('good'))
    assert runs(running) == {'delivered'}
    assert 'its fires wait' not in running.stderr


def test_a_request_that_takes_too_long_has_failed(http, receiver):
    go = threading.Event()
    to = receiver(lambda request: go.wait(60) and None)
    running = http(to.url(), [{'command': 'c', 'cron': soon()}], defaults={'timeout': 1})
    running.start()
    entry, = ended(running, 'failed')
    go.set()
    running.stop()
    assert entry['detail'] == 'timed out after 1 s'
    assert len(to.requests) == 1


def test_redirects_are_followed_where_configured_without_the_token(http, receiver):
    there = receiver()
    to = receiver(lambda request: Answer(307, Location=there.url('/there')))
    running = http(to.url(), [{'command': 'c', 'cron': soon()}], token='t0ken')
    running.start()
    entry, = ended(running, 'failed')
    assert entry['detail'] == f'HTTP 307, a redirect to {there.url("/there")}'
    running.stop()
    running = http(to.url(), [{'command': 'c', 'cron': soon()}], token='t0ken', follow_redirects=True)
    running.start()
    ended(running, 'delivered')
    running.stop()
    assert all(request.headers['Authorization'] == 'Bearer t0ken' for request in to.requests)
    request, = there.requests
    assert 'Authorization' not in request.headers
    assert (request.path, request.command) == ('/there', 'c')


def test_the_token_is_told_to_nobody_else(http, receiver):
    to = receiver(lambda request: Answer(401, f'not {request.headers["Authorization"]}'))
    running = http(to.url(), [{'command': 'c', 'cron': soon()}],
                   environment={'HTTP__TOKEN': 't0p-secret', 'LOG__LEVEL': 'debug'})
    running.start()
    entry, = ended(running, 'failed')
    running.stop()
    assert to.requests[0].headers['Authorization'] == 'Bearer t0p-secret'
    assert entry['detail'] == 'HTTP 401: not Bearer ***'
    assert 't0p-secret' not in running.stderr
    for file in running.directory.iterdir():
        assert b't0p-secret' not in file.read_bytes(), file


def test_proxies_of_the_environment_have_no_say(http, receiver):
    to, proxy = receiver(), receiver()
    running = http(to.url(), [{'command': 'c', 'cron': soon()}],
                   environment={'http_proxy': proxy.url(''), 'ALL_PROXY': proxy.url('')})
    running.start()
    ended(running, 'delivered')
    running.stop()
    assert len(to.requests) == 1 and not proxy.requests


# --- addresses ---

@pytest.mark.parametrize('url', ['http://169.254.169.254/latest/', 'http://[fd00:ec2::254]/', 'http://2852039166/'])
def test_metadata_addresses_are_refused_before_the_start(http, url):
    running = http(url, [{'command': 'c', 'cron': soon()}])
    done = running.run('run')
    assert done.returncode == 1
    assert 'set http.allow_link_local where that is meant' in done.stderr


def test_metadata_addresses_are_refused_behind_redirects(http, receiver):
    to = receiver(lambda request: Answer(302, Location='http://169.254.169.254/latest/meta-data/'))
    running = http(to.url(), [{'command': 'c', 'cron': soon()}], follow_redirects=True)
    running.start()
    entry, = ended(running, 'failed')
    running.stop()
    assert entry['detail'].startswith('http://169.254.169.254:80 has a link-local address')


# --- TLS ---

def test_a_certificate_is_verified_by_the_configured_authority(http, receiver, tmp_path):
    authority = Authority(tmp_path, 'authority')
    to = receiver(tls=authority.server())
    running = http(to.url(host='localhost'), [{'command': 'c', 'cron': soon()}], ca_file=str(authority.pem))
    running.start()
    ended(running, 'delivered')
    running.stop()
    assert to.commands() == ['c']


@pytest.mark.parametrize('wrong', ['authority', 'system', 'name'])
def test_nothing_is_sent_to_a_server_that_cannot_be_verified(http, receiver, tmp_path, wrong):
    authority, other = Authority(tmp_path, 'authority'), Authority(tmp_path, 'other')
    to = receiver(tls=authority.server('DNS:other.example.com' if wrong == 'name' else 'DNS:localhost'))
    keys = {} if wrong == 'system' else {'ca_file': str(other.pem if wrong == 'authority' else authority.pem)}
    running = http(to.url(host='localhost'), [{'command': 'c', 'cron': soon()}], **keys)
    running.start()
    running.wait_error('its fires wait')
    # The fire is owed until the certificate is right.
    running.stop()
    assert 'SSL' in running.stderr
    assert not to.requests
    assert not running.history()
    running.configure(**{**running.config, 'http': {'url': to.url(host='localhost'), 'ca_file': str(authority.pem)}})
    if wrong == 'name':
        return
    running.start()
    running.wait_for(lambda: to.commands() == ['c'], 20)
    running.stop()


def test_a_client_shows_its_certificate(http, receiver, tmp_path):
    authority = Authority(tmp_path, 'authority')
    certificate, key = authority.issue('client', 'DNS:client')
    to = receiver(tls=authority.server(clients=authority))
    both = tmp_path / 'both.pem'
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    for files in ({'cert_file': str(certificate), 'key_file': str(key)}, {'cert_file': str(both)}):
        running = http(to.url(host='localhost'), [{'command': 'c', 'cron': soon()}], ca_file=str(authority.pem), **files)
        running.start()
        ended(running, 'delivered')
        running.stop()
    without = http(to.url(host='localhost'), [{'command': 'c', 'cron': EVERY_SECOND}], ca_file=str(authority.pem))
    without.start()
    without.wait_error('its fires wait', timeout=30)
    without.stop()
    assert len(to.requests) == 2


def test_servers_that_close_each_connection_are_called_side_by_side(http, receiver, tmp_path):
    authority = Authority(tmp_path, 'authority')
    together = threading.Barrier(8, timeout=30)

    def answer(request):
        if request.number > 0:
            together.wait()
        return Answer(200, Connection='close')
    to = receiver(answer, tls=authority.server())
    running = http(to.url(host='localhost'), [{'command': f'c{i}', 'cron': soon()} for i in range(17)],
                   ca_file=str(authority.pem))
    running.start()
    running.wait_for(lambda: len(to.requests) == 17, 40)
    running.stop()
    assert runs(running) == {'delivered'}


def free_port():
    """A port that was free just now."""
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


class Nghttpd:
    """nghttpd, which speaks HTTP/2 over TLS; it answers 404, and logs what it gets."""

    def __init__(self, port, certificate, key, log):
        with open(log, 'ab') as file:
            self.process = subprocess.Popen(
                [shutil.which('nghttpd') or '/usr/sbin/nghttpd', '-v', '--address=127.0.0.1', '-d', str(log.parent),
                 '--echo-upload', str(port), str(key), str(certificate)], stdout=file, stderr=file)
        wait_for(lambda: self._listens(port), 20, 'nghttpd')

    @staticmethod
    def _listens(port):
        with socket.socket() as sock:
            return sock.connect_ex(('127.0.0.1', port)) == 0

    def stop(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()


def test_http_2_is_spoken_where_the_server_does(http, tmp_path):
    if not shutil.which('nghttpd') and not shutil.which('nghttpd', path='/usr/sbin'):
        pytest.skip('no HTTP/2 server here (install nghttp2-server)')
    authority = Authority(tmp_path, 'authority')
    files = authority.issue('server', 'DNS:localhost')
    port, log = free_port(), tmp_path / 'log'
    running = http(f'https://localhost:{port}/run', [{'id': i, 'command': f'c{i}', 'cron': EVERY_SECOND} for i in range(1, 41)],
                   ca_file=str(authority.pem))
    server = Nghttpd(port, *files, log)
    try:
        running.start()
        ended(running, 'delivered')
        running.wait_for(lambda: len(requests_of(log)) >= 120, 30)
        # Its end is an outage, after which it goes on.
        server.stop()
        running.wait_error('its fires wait', timeout=30)
        before = len(requests_of(log))
        server = Nghttpd(port, *files, log)
        running.wait_error('works again', timeout=60)
        running.wait_for(lambda: len(requests_of(log)) >= before + 120, 60)
        running.stop()
    finally:
        server.stop()
    assert runs(running) == {'delivered'}
    text = log.read_text(errors='replace')
    assert 'The negotiated protocol: h2' in text
    # A connection for each life of the server, not one for each of 40 actions.
    assert text.count('The negotiated protocol: h2') < 20


def requests_of(log):
    """The fires that nghttpd saw."""
    return re.findall(r'idempotency-key: (\S+)', log.read_text(errors='replace'))


# --- the life of the process ---

def test_sigterm_waits_for_the_answer(http, receiver):
    go = threading.Event()
    to = receiver(lambda request: go.wait(60) and None)
    running = http(to.url(), [{'command': 'c', 'cron': soon()}])
    running.start()
    running.wait_for(lambda: to.requests)
    running.send(signal.SIGTERM)
    running.wait_error('SIGTERM')
    assert running.running()
    go.set()
    assert running.wait() == 0
    assert [entry['status'] for entry in running.history()] == ['delivered']
    assert len(to.requests) == 1


def test_a_request_past_the_shutdown_timeout_is_repeated(http, receiver):
    go = threading.Event()
    to = receiver(lambda request: go.wait(60) and None)
    running = http(to.url(), [{'command': 'c', 'cron': soon()}], config={'shutdown_timeout': 1})
    running.start()
    running.wait_for(lambda: to.requests)
    running.send(signal.SIGTERM)
    assert running.wait() == 1
    go.set()
    running.start()
    ended(running, 'delivered')
    running.stop()
    first, second = to.requests
    assert first.key == second.key


def test_kill_9_while_busy_repeats_with_the_same_key(http, receiver):
    go = threading.Event()
    to = receiver(lambda request: go.wait(60) and None)
    running = http(to.url(), [{'id': i, 'command': f'c{i}', 'cron': soon()} for i in range(1, 21)])
    running.start()
    running.wait_for(lambda: len(to.requests) == 20)
    running.kill()
    go.set()
    running.start()
    running.wait_for(lambda: sum(entry.get('count', 1) for entry in running.history()) == 20, 20)
    running.stop()
    keys = [request.key for request in to.requests]
    assert len(keys) == 40 and sorted(keys[:20]) == sorted(keys[20:]) and len(set(keys)) == 20


def test_a_failure_is_told_by_http(scheduler, receiver):
    to = receiver()
    running = scheduler(
        config={'action': {'on_failure': {'callback': 'http'}}, 'http': {'url': to.url()}},
        actions=[{'id': 7, 'name': 'broken', 'command': 'x', 'cron': '{"format": "unix", "params": {"value": "61 * * * *"}}'}])
    running.start()
    running.wait_for(lambda: to.requests)
    running.stop()
    assert to.requests[0].command.startswith('bad_row  broken: cron: ')
