"""The callback kafka on a real broker: what a message holds, and what becomes of fires in outages and crashes."""

import contextlib
import json
import random
import shutil
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lib.actions_db import EVERY_SECOND
from lib.postgresql import PostgreSqlActions
from lib.wait import wait_for

pytestmark = pytest.mark.xdist_group('kafka')

ROOT = Path(__file__).resolve().parents[2]
# As many fires there may be on their way, and so be repeated by a crash.
WINDOW = 8192


@pytest.fixture
def to_kafka(scheduler, kafka):
    """A factory of schedulers that send to a topic (a new one unless given): to_kafka(actions, topic, **kafka)."""

    def make(actions=(), topic=None, **options):
        topic = topic or kafka.create()
        s = scheduler(actions=actions, config={
            'action': {'callback': 'kafka'}, 'kafka': {'server': kafka.server, 'topic': topic, **options}})
        s.topic = topic
        return s

    return make


def many(count, **columns):
    """So many actions, each due every second."""
    return [{'command': f'c{i}', 'cron': EVERY_SECOND, **columns} for i in range(count)]


def delivered(s):
    """The ids of the fires that the history has as delivered."""
    return [entry['fire_id'] for entry in s.history('--status', 'delivered')]


def wait_messages(kafka, s, count, timeout=30):
    """Waits until the topic has so many messages, and returns them all."""
    found = []

    def enough():
        found[:] = kafka.read(s.topic)
        return len(found) >= count
    s.wait_for(enough, timeout, f'{count} messages')
    return found


def check_complete(kafka, s, count, repeats=0, ordered=True):
    """Every second of each of `count` actions is in the topic, in order; what the history has as delivered is there, and
    at most so many messages are there more than once. What was missed comes behind what is live: not `ordered`."""
    messages = kafka.read(s.topic)
    seen = Counter(message.fire_id for message in messages)
    assert sum(seen.values()) - len(seen) <= repeats
    missing = set(delivered(s)) - set(seen)
    assert not missing, f'{len(missing)} of {len(seen)} fires are missing'
    assert not set(seen) - set(delivered(s)), 'the history knows of every message'
    times = defaultdict(list)
    for message in messages:
        when = datetime.fromisoformat(dict(message.headers)['scheduled-at'].replace('Z', '+00:00'))
        if when not in times[message.key]:
            times[message.key].append(when)
    assert len(times) == count
    for key, scheduled in times.items():
        first, last = min(scheduled), max(scheduled)
        assert len(scheduled) == (last - first).total_seconds() + 1, f'action {key}: every second'
        assert scheduled == sorted(scheduled) or not ordered, f'action {key}: in order'
    return seen


# --- messages ---

def test_the_practical_configuration_works_unchanged(scheduler, kafka, postgresql):
    """But for the addresses of this test's servers, which the environment gives."""
    database = postgresql.database()
    environment = {'ACTIONS_DB__HOST': '127.0.0.1', 'ACTIONS_DB__PORT': str(postgresql.port),
                   'ACTIONS_DB__DATABASE': database, 'KAFKA__SERVER': f'kafka://{kafka.server}'}
    s = scheduler(actions=None, environment=environment)
    shutil.copy(ROOT / 'sample_configs' / 'practical' / 'config.yaml', s.directory)
    s.topic = 'some_topic'
    s.run('init', check=0)
    done = s.run('check', check=1)
    assert f'there is no topic some_topic at kafka://{kafka.server}' in done.stdout
    kafka.create(s.topic)
    s.run('check', check=0)
    s.actions = PostgreSqlActions(postgresql, database)
    s.actions.add('command1', EVERY_SECOND)
    s.start()
    messages = wait_messages(kafka, s, 3)
    s.stop()
    assert {(message.key, message.value) for message in messages} == {('1', b'{"command": "command1"}')}


def test_key_value_and_headers(to_kafka, kafka):
    commands = ['command1', 'say "привет" \\ \n\t\x7f 😀', '{"a": [1]}', '']
    s = to_kafka([{'name': f'имя {i}', 'command': command, 'cron': EVERY_SECOND}
                  for i, command in enumerate(commands)])
    s.start()
    wait_messages(kafka, s, 8)
    s.stop()
    messages = kafka.read(s.topic)
    assert Counter(message.fire_id for message in messages) == Counter(delivered(s))
    for message in messages:
        number = int(message.key)
        action_id, _, scheduled_at = message.fire_id.partition('@')
        assert message.value.decode() == json.dumps({'command': commands[number - 1]})
        assert message.headers == (
            ('fire-id', message.fire_id), ('action-name', f'имя {number - 1}'), ('scheduled-at', scheduled_at))
        assert action_id == message.key
        late = message.timestamp - datetime.fromisoformat(scheduled_at.replace('Z', '+00:00')).timestamp()
        assert -0.01 < late < 5
    partitions = defaultdict(set)
    for message in messages:
        partitions[message.key].add(message.partition)
    assert all(len(each) == 1 for each in partitions.values())


def test_a_raw_value_and_placeholders(to_kafka, kafka):
    s = to_kafka([{'name': 'n', 'command': '{fire_id} {name} é {else}', 'cron': EVERY_SECOND}], value='raw')
    s.configure(action={'callback': 'kafka', 'placeholders': True}, kafka=s.config['kafka'])
    s.start()
    wait_messages(kafka, s, 2)
    s.stop()
    for message in kafka.read(s.topic):
        assert message.value.decode() == f'{message.fire_id} n é {{else}}'


def test_a_topic_of_a_row(to_kafka, kafka):
    """One that is not there fails the fires of that row, and no others wait for it."""
    other = kafka.create()
    s = to_kafka([], options={'topic.metadata.propagation.max.ms': 500})
    assert 'added the columns' in s.run('check', '--fix', check=0).stderr
    s.actions.add_many([{'command': 'here', 'cron': EVERY_SECOND},
                        {'command': 'there', 'cron': EVERY_SECOND, 'topic': other},
                        {'command': 'nowhere', 'cron': EVERY_SECOND, 'topic': 'never-made'},
                        {'command': 'bad', 'cron': EVERY_SECOND, 'topic': 'not a topic'}])
    s.start()
    wait_messages(kafka, s, 3)
    s.wait_for(lambda: s.history('--status', 'failed'), 20, 'a failed fire')
    s.stop()
    assert {message.value for message in kafka.read(s.topic)} == {b'{"command": "here"}'}
    assert {message.value for message in kafka.read(other)} == {b'{"command": "there"}'}
    failed = s.history('--status', 'failed')
    assert {entry['action_id'] for entry in failed} == {3}
    assert 'there is no topic never-made' in json.dumps(failed)
    assert s.actions.execute('SELECT error FROM action WHERE id = 4')[0][0].startswith('topic: Kafka has no topics')
    assert 'its fires wait' not in s.stderr


# --- refusals ---

def test_a_message_that_is_too_large_is_refused_alone(to_kafka, kafka):
    """The topic takes less than the client thinks: the batch is refused, its messages are sent singly."""
    topic = kafka.create(partitions=1, max_message_bytes='2000')
    s = to_kafka([*many(20), {'command': 'x' * 5000, 'cron': EVERY_SECOND}, *many(20)], topic)
    s.start()
    s.wait_for(lambda: len(s.history('--status', 'failed')) >= 3, 20, '3 refusals')
    s.stop()
    failed = s.history('--status', 'failed')
    assert {entry['action_id'] for entry in failed} == {21}
    assert all('too large for the topic' in json.dumps(entry, ensure_ascii=False) for entry in failed)
    assert s.stderr.count('its messages are sent singly') >= 1
    check_complete(kafka, s, 40, WINDOW)


# --- outages ---

def test_the_broker_is_killed_during_a_burst(to_kafka, kafka):
    """The lane waits; what waited goes out in order once the broker is back, and nothing is missing or comes twice."""
    count = 300
    s = to_kafka(many(count))
    s.start()
    wait_messages(kafka, s, count)
    kafka.kill()
    try:
        s.wait_error('its fires wait')
    finally:
        kafka.start()
    s.wait_error('callback kafka: works again', timeout=30)
    wait_messages(kafka, s, len(kafka.read(s.topic)) + 2 * count)
    s.stop()
    check_complete(kafka, s, count)
    assert s.stderr.count('its fires wait') == s.stderr.count('works again') == 1
    assert not s.history('--status', 'failed')


def test_an_outage_that_outlasts_the_messages(to_kafka, kafka):
    """They are given back by librdkafka, and handed out again."""
    count = 100
    s = to_kafka(many(count), options={'message.timeout.ms': 4000})
    s.start()
    wait_messages(kafka, s, count)
    kafka.kill()
    try:
        s.wait_error('its fires wait')
        # As long as messages live, and once more.
        known = len(delivered(s))
        with contextlib.suppress(AssertionError):
            wait_for(lambda: len(delivered(s)) > known, 9, interval=0.5)
        assert len(delivered(s)) == known
    finally:
        kafka.start()
    s.wait_error('callback kafka: works again', timeout=60)
    wait_messages(kafka, s, len(kafka.read(s.topic)) + 2 * count)
    s.stop()
    check_complete(kafka, s, count, WINDOW, ordered=False)
    assert s.stderr.count('its fires wait') == 1


def test_the_broker_hangs(to_kafka, kafka):
    count = 100
    s = to_kafka(many(count))
    s.start()
    wait_messages(kafka, s, count)
    kafka.pause()
    try:
        s.wait_error('does not answer')
    finally:
        kafka.resume()
    s.wait_error('callback kafka: works again', timeout=60)
    wait_messages(kafka, s, len(kafka.read(s.topic)) + count)
    s.stop()
    check_complete(kafka, s, count)


def test_a_topic_that_is_made_later(to_kafka, kafka):
    """The fires wait for it; that is said once."""
    topic = kafka.name()
    s = to_kafka(many(5), topic, options={'topic.metadata.propagation.max.ms': 500})
    s.start()
    s.wait_error(f'there is no topic {topic}', timeout=30)
    assert not delivered(s)
    kafka.create(topic)
    s.wait_error('callback kafka: works again', timeout=90)
    wait_messages(kafka, s, 15)
    s.stop()
    check_complete(kafka, s, 5, ordered=False)
    assert s.stderr.count('its fires wait') == 1


# --- crashes of the scheduler ---

def test_kills_of_the_scheduler_during_bursts(to_kafka, kafka):
    """None is missing; each life repeats at most what was on its way."""
    count, kills, chance = 300, 6, random.Random(7)
    s = to_kafka(many(count))
    s.start()
    wait_messages(kafka, s, count)
    for _ in range(kills):
        wait_messages(kafka, s, len(kafka.read(s.topic)) + chance.randrange(1, 2 * count))
        s.kill()
        s.start()
    wait_messages(kafka, s, len(kafka.read(s.topic)) + count)
    s.stop()
    check_complete(kafka, s, count, kills * WINDOW, ordered=False)


def test_the_end_waits_for_what_is_on_its_way(to_kafka, kafka):
    """After SIGTERM the history and the topic have the same fires."""
    count = 500
    s = to_kafka(many(count))
    for _ in range(3):
        s.start()
        wait_messages(kafka, s, len(kafka.read(s.topic)) + count)
        s.stop()
    assert Counter(message.fire_id for message in kafka.read(s.topic)) == Counter(delivered(s))


# --- login and encryption ---

def test_login_over_tls(to_kafka, kafka, tmp_path):
    """SASL over TLS with the password in a file; a wrong password is said, and waited for."""
    (tmp_path / 'password').write_text(f'{kafka.password}\n')
    options = {'security.protocol': 'sasl_ssl', 'sasl.mechanism': 'PLAIN', 'ssl.ca.location': str(kafka.certificate)}
    s = to_kafka(many(2), server=kafka.secure_server, username=kafka.username,
                 password_file=str(tmp_path / 'password'), options=options)
    s.run('check', check=0)
    shown = s.run('--verbose', 'check', check=0).stdout
    assert kafka.password not in shown and 'kafka.password' in shown
    s.start()
    wait_messages(kafka, s, 4)
    s.stop()
    (tmp_path / 'password').write_text('wrong\n')
    done = s.run('check', check=1)
    assert 'Authentication failed' in done.stdout and 'wrong' not in done.stdout
    s.start()
    s.wait_error('Authentication failed', timeout=20)
    s.kill()
    del options['ssl.ca.location']
    s.configure(action={'callback': 'kafka'}, kafka=s.config['kafka'] | {'options': options})
    assert 'ertificate' in s.run('check', check=1).stdout
    assert len(delivered(s)) == len({message.fire_id for message in kafka.read(s.topic)})
