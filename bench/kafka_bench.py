"""The callback kafka beside a bare producer of librdkafka (bench/kafka_floor.c) that sends the same messages with the
same settings: into a mock cluster, which costs next to nothing, and into a real broker."""

import subprocess
import sys
import time
from pathlib import Path

import measurements
from subject import apscheduler

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tests'))

from lib.kafka import Kafka  # noqa: E402

PARTITIONS = 4


# As src/callback has it: shards, and the fires of a transaction.
ONCE = {'KAFKA__EXACTLY_ONCE': 'true'}
PRODUCERS, TRANSACTION = 8, 4096


def _floor(bench, server, topic, count, once=False):
    how = ('transact', server, topic, count, PRODUCERS, TRANSACTION) if once else ('send', server, topic, count)
    return bench.tool('kafka_floor', *how)[0]


def _burst(bench, server, topic, count, environment):
    """So many actions due in one second, from the due instant to the last report."""
    program = measurements.subject(bench, f'burst-{count}')
    second = measurements.burst_prepare(bench, program, count)
    try:
        figures = measurements.burst_run(program, second, count, 'kafka', environment={
            'KAFKA__SERVER': server, 'KAFKA__TOPIC': topic} | environment)
        program.stop()
    finally:
        program.kill()
    return figures


def _beside_floor(bench, server, topic, count, once=False):
    """A burst between two runs of the floor, each into a topic of its own; topic() gives one."""
    floors = [_floor(bench, server, topic(), count, once)]
    own = _burst(bench, server, topic(), count, ONCE if once else {})
    floors.append(_floor(bench, server, topic(), count, once))
    floor_ms = sum(floor['ms'] for floor in floors) / len(floors)
    return {
        'per_s': count / own['finished_ms'] * 1e3,
        'floor_per_s': count / floor_ms * 1e3,
        'last_ms': own['finished_ms'],
        'floor_ms': floor_ms,
        'cpu_us': own['cpu_us'],
        'floor_cpu_us': sum(floor['cpu_us'] for floor in floors) / len(floors),
        'more_mb': own['more_mb'],
        'floor_rss_mb': max(floor['rss_mb'] for floor in floors),
    }


def mock(bench):
    """Into a mock cluster of librdkafka in a process of its own."""
    server = subprocess.Popen([bench.build / 'bench' / 'kafka_floor', 'mock', 'bench', str(PARTITIONS)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        address = server.stdout.readline().strip()
        return _beside_floor(bench, address, lambda: 'bench', bench.sizes.bursts[0])
    finally:
        server.stdin.close()
        server.wait(30)


def _broker():
    broker = Kafka(heap='1g', options=())
    if broker.missing:
        raise RuntimeError(broker.missing)
    return broker


def broker(bench, once=False):
    """Into Apache Kafka, one node; with `once` kafka.exactly_once beside as many transactional producers with
    transactions of the same size. A broker that has just started is slow: it is warmed up first."""
    kafka = _broker()
    try:
        for _ in range(3):
            _floor(bench, kafka.server, kafka.create(partitions=PARTITIONS), bench.sizes.bursts[0], once)
        return _beside_floor(bench, kafka.server, lambda: kafka.create(partitions=PARTITIONS), bench.sizes.bursts[-1],
                             once)
    finally:
        kafka.close()


def _consume(server, topic, count, skipped, timeout):
    """When each message of so many was there, less the second that it was due, in milliseconds; without the first."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
    consumer = Consumer({'bootstrap.servers': server, 'group.id': 'bench', 'enable.auto.commit': False,
                         'fetch.wait.max.ms': 1, 'log_level': 0})
    consumer.assign([TopicPartition(topic, i, OFFSET_BEGINNING) for i in range(PARTITIONS)])
    late, deadline = [], time.monotonic() + timeout
    while len(late) < skipped + count and time.monotonic() < deadline:
        # The first that comes, and what came with it: consume() alone would wait for so many.
        first = consumer.poll(0.2)
        messages = [first, *consumer.consume(1000, timeout=0)] if first else []
        now = time.time()
        # All are due at a whole second, and none is late by one.
        late += [now % 1 * 1e3 for message in messages if not message.error()]
    consumer.close()
    if len(late) < skipped + count:
        raise RuntimeError(f'{len(late)} of {skipped + count} messages came')
    return sorted(late[skipped:])


def lateness(bench, once=False, rates=(1000, 10_000)):
    """So many actions every second: when a consumer (of what is committed) has their messages, after they were due."""
    kafka, figures = _broker(), {}
    try:
        for rate in rates:
            topic = kafka.create(partitions=PARTITIONS)
            program = measurements.subject(bench, f'kafka-{rate}')
            program.write_actions(rate, [apscheduler(second='*')])
            program.start('kafka', environment={'KAFKA__SERVER': kafka.server, 'KAFKA__TOPIC': topic} | (
                ONCE if once else {}))
            try:
                # The first second or two warm everything up.
                late = _consume(kafka.server, topic, rate * bench.sizes.sustained_s, 2 * rate, 60)
            finally:
                program.kill()
            figures |= {f'p50_ms_{rate}': late[len(late) // 2], f'p99_ms_{rate}': late[len(late) * 99 // 100]}
    finally:
        kafka.close()
    return figures
