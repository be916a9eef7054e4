"""kafka.exactly_once on a real broker: whatever comes between, a consumer that reads what is committed gets each fire
once. The number of kills is ACTION_SCHEDULER_KAFKA_KILLS (scripts/test --torture sets it), the
seed of their moments ACTION_SCHEDULER_KAFKA_SEED, so that many may be made in pieces."""

import json
import os
import random
import shutil
import signal
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import pytest

from lib.actions_db import EVERY_SECOND, apscheduler
from lib.wait import wait_for

pytestmark = pytest.mark.xdist_group('kafka-once')

MANY_KILLS = int(os.environ.get('ACTION_SCHEDULER_KAFKA_KILLS') or 0)
KILLS = MANY_KILLS or 8
# The short form of this is in test_kafka.py, too.
KILLS_WITHOUT = MANY_KILLS or 2
SEED = int(os.environ.get('ACTION_SCHEDULER_KAFKA_SEED') or 1)
COMMITTED = 'read_committed'
# As many fires there may be on their way without exactly_once, and so be repeated by a crash.
WINDOW = 8192
SHORT = {'transaction.timeout.ms': 4000}


class Ends:
    """Where a topic's partitions end, for all readers or for those of what is committed."""

    def __init__(self, kafka, topic):
        from confluent_kafka import Consumer, TopicPartition
        self.consumers = {isolation: Consumer({
            'bootstrap.servers': kafka.server, 'group.id': 'ends', 'isolation.level': isolation, 'log_level': 0})
            for isolation in ('read_uncommitted', COMMITTED)}
        count = len(self.consumers[COMMITTED].list_topics(topic, timeout=30).topics[topic].partitions)
        self.partitions = [TopicPartition(topic, each) for each in range(count)]

    def _end(self, isolation, partition):
        """Where a partition ends; None while the broker, just started, does not know that it has it."""
        from confluent_kafka import KafkaError, KafkaException
        try:
            return self.consumers[isolation].get_watermark_offsets(partition, timeout=30)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
                raise
            return None

    def total(self, isolation='read_uncommitted'):
        """The sum of the offsets, which is the number of messages and of markers."""
        return sum(wait_for(lambda each=each: self._end(isolation, each), 30, f'a leader of {each}')[1]
                   for each in self.partitions)

    def is_open(self):
        """Whether a transaction is under way."""
        return self.total(COMMITTED) < self.total()

    def close(self):
        """Ends the consumers."""
        for consumer in self.consumers.values():
            consumer.close()


@pytest.fixture
def ends(kafka):
    """A factory of Ends."""
    made = []

    def make(topic):
        made.append(Ends(kafka, topic))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def exactly_once(scheduler, kafka):
    """A factory of schedulers: exactly_once(actions, topic, **kafka); each topic has a progress topic of its own."""

    def make(actions, topic=None, **options):
        topic = topic or kafka.create()
        s = scheduler(actions=actions, config={
            'action': {'callback': 'kafka'},
            'kafka': {'server': kafka.server, 'topic': topic, 'exactly_once': True, 'progress_topic': f'{topic}-progress',
                      **options}})
        s.topic = topic
        return s

    return make


def many(count, command='first'):
    """So many actions, each due every second."""
    return [{'command': command, 'cron': EVERY_SECOND} for _ in range(count)]


def delivered(s):
    """The ids of the fires that the history has as delivered."""
    return [entry['fire_id'] for entry in s.history('--status', 'delivered')]


def wait_more(s, ends, count, timeout=60):
    """Waits until the topic has so many messages more."""
    before = ends.total()
    s.wait_for(lambda: ends.total() >= before + count, timeout, f'{count} messages more')


@contextmanager
def stopped(process):
    """A process hangs."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def check_each_second(messages, count):
    """The first and the last second of each of `count` actions, and all between, are there."""
    seconds = defaultdict(set)
    for message in messages:
        when = dict(message.headers)['scheduled-at'].replace('Z', '+00:00')
        seconds[message.key].add(datetime.fromisoformat(when))
    assert len(seconds) == count
    for key, each in seconds.items():
        assert len(each) == (max(each) - min(each)).total_seconds() + 1, f'action {key}: every second'


def stop(s):
    """Ends it once all is made up for: its actions end soon, and what was late on the way has been sent as well."""
    last = (datetime.now(timezone.utc) + timedelta(seconds=2)).replace(microsecond=0)
    s.actions.execute('UPDATE action SET cron = ?', json.dumps(apscheduler(second='*', end_date=last.isoformat())))
    count, = s.actions.execute('SELECT COUNT(*) FROM action')[0]
    suffix = last.strftime('@%Y-%m-%dT%H:%M:%SZ')

    def is_settled():
        owed, = s.actions.execute('SELECT (SELECT COUNT(*) FROM scheduler_backlog) + (SELECT COUNT(*) FROM scheduler_open)')[0]
        ended = [entry for entry in s.history() if (entry['fire_id'] or '').endswith(suffix)]
        return not owed and len(ended) >= count
    wait_for(is_settled, 60, 'the last fires of all actions', interval=0.3)
    s.stop()


def check_once(kafka, s, count, isolation=COMMITTED, repeats=0):
    """What the history has as delivered and what is in the topic are the same fires, each once, of each second."""
    messages = kafka.read(s.topic, isolation, timeout=120)
    seen = Counter(message.fire_id for message in messages)
    known = delivered(s)
    assert len(known) == len(set(known))
    again = sum(seen.values()) - len(seen)
    assert again <= repeats, f'{again} of {len(messages)} messages repeat a fire'
    assert not set(known) - set(seen), 'nothing is missing'
    assert not set(seen) - set(known), 'the history knows of every message'
    check_each_second(messages, count)
    return messages


def kills_during_bursts(s, ends, count, kills):
    """Kills at random moments, also early in a life."""
    chance = random.Random(SEED)
    s.start()
    wait_more(s, ends, count)
    for _ in range(kills):
        wait_more(s, ends, chance.choice((1, chance.randrange(1, count), chance.randrange(1, 3 * count))))
        s.kill()
        s.start(timeout=60)
    wait_more(s, ends, 2 * count)
    stop(s)


# --- crashes and take-overs ---

@pytest.mark.timeout(180 + 30 * KILLS)
def test_kills_of_the_scheduler(exactly_once, kafka, ends):
    count = 500
    s = exactly_once(many(count))
    kills_during_bursts(s, ends(s.topic), count, KILLS)
    messages = check_once(kafka, s, count)
    everything = len(kafka.read(s.topic, timeout=120))
    print(f'{KILLS} kills, {len(messages)} fires, {everything - len(messages)} messages of transactions cut off')


@pytest.mark.timeout(180 + 30 * KILLS_WITHOUT)
def test_kills_of_the_scheduler_without_exactly_once(exactly_once, kafka, ends):
    """The same without it: none is missing, and each life repeats at most what was on its way."""
    count = 500
    s = exactly_once(many(count), exactly_once=False)
    kills_during_bursts(s, ends(s.topic), count, KILLS_WITHOUT)
    messages = check_once(kafka, s, count, 'read_uncommitted', KILLS_WITHOUT * WINDOW)
    again = len(messages) - len({message.fire_id for message in messages})
    print(f'{KILLS_WITHOUT} kills, {len(messages) - again} fires, {again} repeated')


def test_a_take_over(exactly_once, kafka, ends):
    """A second process with a copy of internal_db, while the first hangs: the first is fenced and writes nothing."""
    count = 200
    first = exactly_once(many(count))
    end = ends(first.topic)
    first.start()
    wait_more(first, end, 2 * count)
    second = exactly_once(None, first.topic)
    with stopped(first.process):
        for path in first.directory.glob('database.db*'):
            if not path.name.endswith('-shm'):
                shutil.copy(path, second.directory)
        second.actions.execute("UPDATE action SET command = 'second'")
        second.start()
        second.wait_for(lambda: any(b'second' in message.value for message in kafka.read(first.topic, COMMITTED)),
                        30, 'the second one sends')
        before = Counter(message.fire_id for message in kafka.read(first.topic, COMMITTED) if b'first' in message.value)
    assert first.wait() == 1
    assert 'kafka.transactional_id' in first.stderr
    wait_more(second, end, 2 * count)
    stop(second)
    messages = kafka.read(first.topic, COMMITTED)
    # Rows are read within the first seconds, until when the second one sends the commands of before, too.
    assert before, 'the first one had sent'
    known = set(delivered(second))
    seen = Counter(message.fire_id for message in messages)
    assert max(seen.values()) == 1
    assert set(seen) == known
    by_first = Counter(message.fire_id for message in messages if b'first' in message.value)
    assert by_first == before, 'the first one has written nothing since'
    check_each_second(messages, count)


def test_a_scheduler_that_hangs_past_the_timeout(exactly_once, kafka, ends):
    """The broker ends its transactions and fences it; nobody took over, so it goes on."""
    count = 1000
    s = exactly_once(many(count), options=SHORT)
    end = ends(s.topic)
    s.start()
    wait_more(s, end, count)

    def stopped_in_a_transaction():
        s.process.send_signal(signal.SIGSTOP)
        if end.is_open():
            return True
        s.process.send_signal(signal.SIGCONT)
        return False
    wait_for(stopped_in_a_transaction, 60, 'a transaction is under way', interval=0.003)
    try:
        wait_for(lambda: not end.is_open(), 30, 'the broker ends the transaction', interval=0.2)
    finally:
        s.process.send_signal(signal.SIGCONT)
    wait_more(s, end, 4 * count)
    stop(s)
    check_once(kafka, s, count)


# --- the broker ---

def test_the_broker_is_killed(exactly_once, kafka, ends):
    """The fires wait, over a start without a broker, too, which is as quick as any."""
    count = 300
    s = exactly_once(many(count))
    s.start()
    wait_more(s, ends(s.topic), count)
    kafka.kill()
    try:
        s.wait_error('its fires wait', timeout=40)
        s.kill()
        s.start()
    finally:
        kafka.start()
    # It may be there before the second life has missed it, and said so.
    wait_more(s, ends(s.topic), 2 * count)
    stop(s)
    check_once(kafka, s, count)
    assert not s.history('--status', 'failed')


def test_a_broker_that_hangs_past_the_timeout(exactly_once, kafka, ends):
    count = 300
    s = exactly_once(many(count), options=SHORT)
    end = ends(s.topic)
    s.start()
    wait_more(s, end, count)
    with stopped(kafka.process):
        s.wait_error('its fires wait', timeout=40)
        known = len(delivered(s))
        # The broker is at a halt until the timeout has passed.
        passed = time.monotonic() + SHORT['transaction.timeout.ms'] / 1000
        s.wait_for(lambda: time.monotonic() > passed, 20)
        assert len(delivered(s)) == known, 'nothing is told as delivered meanwhile'
    s.wait_error('callback kafka: works again', timeout=60)
    wait_more(s, end, 2 * count)
    stop(s)
    check_once(kafka, s, count)


# --- what is refused, and what is waited for ---

def test_a_message_that_is_too_large(exactly_once, kafka, ends):
    topic = kafka.create(partitions=2, max_message_bytes='2000')
    s = exactly_once([*many(20), {'command': 'x' * 5000, 'cron': EVERY_SECOND}, *many(20)], topic)
    s.start()
    s.wait_for(lambda: len(s.history('--status', 'failed')) >= 3, 30, '3 refusals')
    wait_more(s, ends(topic), 80)
    stop(s)
    failed = s.history('--status', 'failed')
    assert {entry['action_id'] for entry in failed} == {21}
    assert 'its fires wait' not in s.stderr
    check_once(kafka, s, 40)


def test_a_topic_of_a_row(exactly_once, kafka, ends):
    """Its messages are in the transactions of the others, over a kill, too. One that is not there fails the fires of that
    row, and no others wait for it."""
    other = kafka.create(partitions=2)
    s = exactly_once([], options={'topic.metadata.propagation.max.ms': 500})
    s.run('check', '--fix', check=0)
    s.actions.add_many([*many(20, 'here'), *({**row, 'topic': other} for row in many(20, 'there')),
                        {**many(1)[0], 'topic': 'never-made'}])
    end = ends(other)
    s.start()
    wait_more(s, end, 50)
    s.kill()
    s.start()
    wait_more(s, end, 50)
    s.wait_for(lambda: s.history('--status', 'failed'), 20, 'a failed fire')
    stop(s)
    here, there = (kafka.read(topic, COMMITTED) for topic in (s.topic, other))
    assert {message.value for message in here} == {b'{"command": "here"}'}
    assert {message.value for message in there} == {b'{"command": "there"}'}
    assert Counter(message.fire_id for message in here + there) == Counter(delivered(s))
    check_each_second(here, 20)
    check_each_second(there, 20)
    assert {entry['action_id'] for entry in s.history('--status', 'failed')} == {41}
    assert 'its fires wait' not in s.stderr


def test_a_topic_that_is_not_there(exactly_once, kafka, ends):
    s = exactly_once(many(5), kafka.name(), options={'topic.metadata.propagation.max.ms': 500})
    s.start()
    s.wait_error(f'there is no topic {s.topic}', timeout=40)
    kafka.create(s.topic)
    s.wait_error('callback kafka: works again', timeout=60)
    wait_more(s, ends(s.topic), 15)
    stop(s)
    check_once(kafka, s, 5)


def test_a_progress_topic_with_too_few_partitions(exactly_once, kafka):
    topic = kafka.create()
    kafka.create(f'{topic}-progress', partitions=7)
    s = exactly_once(many(5), topic)
    s.start()
    s.wait_error(f'{topic}-progress of kafka.exactly_once has too few partitions: it needs 8', timeout=30)
    s.kill()
    assert not kafka.read(topic)


def test_without_internal_db(exactly_once):
    s = exactly_once([], 'topic')
    config = {key: value for key, value in s.config.items() if key not in ('internal_db', 'server')}
    s.configure(internal_db=None, action=config['action'], kafka=config['kafka'])
    done = s.run('check', check=1)
    assert 'kafka.exactly_once' in done.stdout and 'internal_db' in done.stdout


def test_the_ledger_is_emptied(exactly_once, kafka, ends):
    """What internal_db knows has a tombstone in the progress topic; over a restart, too."""
    count = 100
    s = exactly_once(many(count))
    end = ends(s.topic)
    for _ in range(2):
        s.start()
        # One that may not run takes nothing over.
        assert 'pid' in s.run('run', check=1).stderr
        wait_more(s, end, 4 * count)
        s.stop()
    latest = {message.key: message.value for message in kafka.read(f'{s.topic}-progress', COMMITTED)}
    records = [value for key, value in latest.items() if not key.endswith('/owner')]
    left = [value for value in records if value is not None]
    assert len(latest) - len(records) == 8
    assert len(records) >= 8 * 4
    # The last transactions of each shard: nothing came after that could have held their tombstones.
    assert len(left) <= 8 * 3, f'{len(left)} of {len(records)} records'
