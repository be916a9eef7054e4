"""An Apache Kafka broker of the tests' own: KRaft, one node, on loopback, in a temporary directory.

The broker comes from Maven's registry (tests/lib/kafka/pom.xml) and is kept in ~/.cache/action-scheduler-tests, so it is
fetched once. Where it cannot be fetched, `Kafka().missing` says why.
"""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import NamedTuple

from lib.wait import wait_for

POM = Path(__file__).with_name('kafka') / 'pom.xml'
VERSION = re.search('<kafka.version>(.*)</kafka.version>', POM.read_text(encoding='utf-8'))[1]
CACHE = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'action-scheduler-tests'
FETCH_SECONDS = 240
# Whoever waited for another one's vain attempt does not make it again.
VAIN_SECONDS = 600


class Missing(Exception):
    """There is no broker here; the text says why."""


def _fetch(jars):
    """Fetches the broker into the directory `jars`, or raises Missing."""
    failed = jars.with_suffix('.failed')
    if failed.exists() and time.time() - failed.stat().st_mtime < VAIN_SECONDS:
        raise Missing(failed.read_text(encoding='utf-8'))
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        try:
            done = subprocess.run(
                ['mvn', '-B', '-q', '-Dstyle.color=never', '-f', POM, f'-Dmaven.repo.local={work}/repository',
                 'dependency:copy-dependencies', '-DincludeScope=runtime', f'-DoutputDirectory={work}/jars'],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=FETCH_SECONDS)
            why = '' if done.returncode == 0 else done.stdout.decode(errors='replace').strip().partition('\n')[0]
        except subprocess.TimeoutExpired:
            why = f'not within {FETCH_SECONDS} s'
        if why:
            text = f'Kafka {VERSION} could not be fetched from Maven\'s registry: {why[:120]}'
            failed.write_text(text, encoding='utf-8')
            raise Missing(text)
        os.rename(f'{work}/jars', jars)


def jars():
    """The directory with the broker's jars; raises Missing."""
    for program in ('java', 'mvn'):
        if not shutil.which(program):
            raise Missing(f'there is no {program} (install openjdk-17-jre-headless and maven)')
    CACHE.mkdir(parents=True, exist_ok=True)
    directory = CACHE / f'kafka-{VERSION}'
    with open(CACHE / 'lock', 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.is_dir():
            _fetch(directory)
    return directory


def _free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Message(NamedTuple):
    """A message as a consumer gets it; headers in their order."""

    key: str
    value: bytes
    headers: tuple
    partition: int
    timestamp: float

    @property
    def fire_id(self):
        """The header fire-id."""
        return dict(self.headers)['fire-id']


class Kafka:
    """One broker. Topics are not made by being asked for, unless `auto_create`.

    `server` takes everybody; `secure_server` wants TLS (`certificate` is its own authority) and `username` with
    `password` (SASL PLAIN).
    """

    username, password = 'scheduler', 'open sesame'

    def __init__(self, auto_create=False, heap='512m', options=('-XX:TieredStopAtLevel=1',)):
        self.missing = None
        try:
            self.jars = jars()
        except Missing as missing:
            self.missing = str(missing)
            return
        self.directory = Path(tempfile.mkdtemp(prefix='kafka-'))
        self.port = _free_port()
        self.server = f'127.0.0.1:{self.port}'
        self.secure_server = f'127.0.0.1:{_free_port()}'
        self.certificate = self.directory / 'certificate.pem'
        self.java = ['java', f'-Xmx{heap}', '-XX:+UseSerialGC', *options, '-cp', f'{self.jars}/*',
                     '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
        self.process = None
        self._count = 0
        try:
            self._certify()
            self._configure(auto_create)
            self._format()
            self.start()
        except BaseException:
            self.close()
            raise

    def _certify(self):
        key = self.directory / 'key.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=kafka',
                        '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', self.certificate],
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=True)
        (self.directory / 'keystore.pem').write_text(key.read_text() + self.certificate.read_text())

    def _configure(self, auto_create):
        controller = _free_port()
        settings = {
            'process.roles': 'broker,controller',
            'node.id': 1,
            'controller.quorum.voters': f'1@127.0.0.1:{controller}',
            'controller.listener.names': 'CONTROLLER',
            'listeners': f'PLAINTEXT://{self.server},SECURE://{self.secure_server},CONTROLLER://127.0.0.1:{controller}',
            'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT',
            'listener.name.secure.ssl.keystore.type': 'PEM',
            'listener.name.secure.ssl.keystore.location': self.directory / 'keystore.pem',
            'listener.name.secure.sasl.enabled.mechanisms': 'PLAIN',
            'listener.name.secure.plain.sasl.jaas.config':
                'org.apache.kafka.common.security.plain.PlainLoginModule required '
                f'user_{self.username}="{self.password}";',
            'log.dirs': self.directory / 'data',
            'auto.create.topics.enable': str(auto_create).lower(),
            'offsets.topic.replication.factor': 1,
            'offsets.topic.num.partitions': 1,
            'transaction.state.log.replication.factor': 1,
            'transaction.state.log.min.isr': 1,
            'transaction.state.log.num.partitions': 4,
            'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500,
            'group.initial.rebalance.delay.ms': 0,
            # A broker that was killed may be known as alive for so long.
            'broker.session.timeout.ms': 3000,
            'broker.heartbeat.interval.ms': 500,
        }
        text = ''.join(f'{name}={value}\n' for name, value in settings.items())
        (self.directory / 'server.properties').write_text(text, encoding='utf-8')

    def _format(self):
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip('=').replace('-', 'a')
        with open(self.directory / 'log', 'ab') as log:
            subprocess.run([*self.java, 'kafka.tools.StorageTool', 'format', '--cluster-id', cluster, '--config',
                            self.directory / 'server.properties'], stdin=subprocess.DEVNULL, stdout=log,
                           stderr=subprocess.STDOUT, timeout=120, check=True)

    # --- its life ---

    def start(self, timeout=90, wait=True):
        """Starts it on the port that it had; waits until it answers."""
        with open(self.directory / 'log', 'ab') as log:
            self.process = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'KILL', *self.java, 'kafka.Kafka', self.directory / 'server.properties'],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        if wait:
            self.wait_ready(timeout)

    def wait_ready(self, timeout=90):
        """Waits until it answers."""
        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f'the broker ended with {self.process.returncode}\n{self.log()}')
            from confluent_kafka import KafkaException
            try:
                return self._admin().list_topics(timeout=2).brokers
            except KafkaException:
                return None
        wait_for(answers, timeout, 'the broker answers', interval=0.1)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def pause(self):
        """The broker hangs: what is sent to it is taken by the kernel and not answered."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        """It goes on after a pause."""
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        """Ends it and removes its directory."""
        if self.missing:
            return
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        """The end of what it logged."""
        return (self.directory / 'log').read_text(encoding='utf-8', errors='replace')[-4000:]

    # --- topics ---

    def _admin(self):
        from confluent_kafka.admin import AdminClient
        return AdminClient({'bootstrap.servers': self.server, 'log_level': 0})

    def name(self):
        """A name that no topic has yet."""
        self._count += 1
        return f'topic{self._count}'

    def create(self, topic=None, partitions=4, **config):
        """Makes a topic (`max_message_bytes=…` for max.message.bytes) and returns its name."""
        from confluent_kafka.admin import NewTopic
        topic = topic or self.name()
        new = NewTopic(topic, partitions, 1, config={key.replace('_', '.'): value for key, value in config.items()})
        admin = self._admin()
        admin.create_topics([new], operation_timeout=30)[topic].result(30)
        return topic

    def read(self, topic, isolation='read_uncommitted', timeout=30):
        """All messages of a topic, those of each partition in their order."""
        from confluent_kafka import Consumer, KafkaError, OFFSET_BEGINNING, TopicPartition
        consumer = Consumer({'bootstrap.servers': self.server, 'group.id': 'reader', 'enable.auto.commit': False,
                             'enable.partition.eof': True, 'isolation.level': isolation, 'log_level': 0})
        try:
            partitions = consumer.list_topics(topic, timeout=timeout).topics[topic].partitions
            consumer.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in partitions])
            messages, ended, deadline = [], set(), time.monotonic() + timeout
            while len(ended) < len(partitions):
                assert time.monotonic() < deadline, f'{topic} could not be read within {timeout} s\n{self.log()}'
                for each in consumer.consume(10000, timeout=0.2):
                    if each.error():
                        assert each.error().code() == KafkaError._PARTITION_EOF, each.error()
                        ended.add(each.partition())
                    else:
                        headers = tuple((name, value.decode()) for name, value in each.headers() or ())
                        messages.append(Message(each.key().decode(), each.value(), headers, each.partition(),
                                                each.timestamp()[1] / 1000))
            return messages
        finally:
            consumer.close()
