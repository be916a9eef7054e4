"""APScheduler 3 on the work that the program is given. One measurement a process, one JSON line.

  apscheduler_driver.py load      memory|sqlite N
  apscheduler_driver.py burst     memory|sqlite N
  apscheduler_driver.py sustained memory|sqlite N SECONDS
  apscheduler_driver.py next

`sqlite` is a file in the working directory, committed row by row, as SQLAlchemyJobStore does it. No fire is ever
dropped as misfired (misfire_grace_time None), for the program drops none either; 20 threads run the jobs.
"""

import datetime
import gc
import json
import logging
import os
import sys
import time

from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

import workload

UTC = datetime.timezone.utc
PAGE = os.sysconf('SC_PAGE_SIZE')
SECONDS_PER_JOB = {'memory': 1.5e-4, 'sqlite': 8e-3}  # about, for the time to load
DRAIN = 120


def job():
    """When it ran."""
    return time.time()


def rss():
    """Resident bytes."""
    with open('/proc/self/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * PAGE


def scheduler_start(kind):
    """A started scheduler, and the times of its runs past their due time, in seconds, as they come."""
    store = MemoryJobStore() if kind == 'memory' else SQLAlchemyJobStore(url='sqlite:///apscheduler.db')
    scheduler = BackgroundScheduler(jobstores={'default': store}, executors={'default': ThreadPoolExecutor(20)},
                                    job_defaults={'max_instances': 3, 'misfire_grace_time': None}, timezone=UTC)
    late = []

    def listen(event):
        late.append(event.retval - event.scheduled_run_time.timestamp()
                    if event.code == EVENT_JOB_EXECUTED else float('inf'))

    scheduler.add_listener(listen, EVENT_JOB_EXECUTED | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
    scheduler.start()
    return scheduler, late


def jobs_add(scheduler, count, trigger):
    """Adds jobs; trigger(i) gives theirs."""
    for i in range(count):
        scheduler.add_job(job, trigger(i), id=f'action-{i:07d}', name=f'action-{i:07d}')


def load(kind, count):
    """Adds jobs over 200 expressions to a running scheduler."""
    expressions = workload.exprs200()
    scheduler, _ = scheduler_start(kind)
    gc.collect()
    before, begin = rss(), time.perf_counter()
    jobs_add(scheduler, count, lambda i: CronTrigger.from_crontab(expressions[i % 200], timezone=UTC))
    took = time.perf_counter() - begin
    gc.collect()
    return {'ms': took * 1e3, 'us_per_action': took / count * 1e6, 'bytes_per_action': (rss() - before) / count}


def quantile(values, share):
    """The value that so much is not above."""
    return values[min(len(values) - 1, int(len(values) * share))]


def burst(kind, count):
    """All jobs due at one instant, which their loading does not reach."""
    scheduler, late = scheduler_start(kind)
    due = datetime.datetime.fromtimestamp(int(time.time() + 3 + count * SECONDS_PER_JOB[kind]), UTC)
    trigger = CronTrigger(hour=due.hour, minute=due.minute, second=due.second, timezone=UTC)
    jobs_add(scheduler, count, lambda i: trigger)
    if time.time() > due.timestamp() - 0.5:
        return {'error': 'loading ran past the due instant'}
    gc.collect()
    gc.freeze()
    while len(late) < count and time.time() < due.timestamp() + DRAIN:
        time.sleep(0.02)
    late.sort()
    ran = [each for each in late if each != float('inf')]
    return {'ran': len(ran), 'first_ms': ran[0] * 1e3, 'last_ms': ran[-1] * 1e3}


def sustained(kind, count, seconds):
    """Each job every second, for so many seconds."""
    scheduler, late = scheduler_start(kind)
    start = int(time.time() + 3 + count * SECONDS_PER_JOB[kind])
    first, last = (datetime.datetime.fromtimestamp(each, UTC) for each in (start, start + seconds - 1))
    trigger = CronTrigger(second='*', start_date=first, end_date=last, timezone=UTC)
    jobs_add(scheduler, count, lambda i: trigger)
    gc.collect()
    gc.freeze()
    time.sleep(max(0, start + seconds - time.time()))
    seen = -1
    while seen != len(late) and time.time() < start + seconds + DRAIN:
        seen = len(late)
        time.sleep(1)
    late.sort()
    ran = [each for each in late if each != float('inf')]
    return {'expected': count * seconds, 'ran': len(ran), 'p50_us': quantile(ran, 0.5) * 1e6,
            'p99_us': quantile(ran, 0.99) * 1e6, 'max_us': ran[-1] * 1e6}


def next_fire():
    """The mean cost of a next fire over the expressions of `workload`, each from the one before, in UTC."""
    costs = []
    for expression in workload.NEXT:
        fields = expression.split()
        names = ('second', 'minute', 'hour', 'day', 'month', 'day_of_week')[6 - len(fields):]
        trigger = CronTrigger(timezone=UTC, **dict(zip(names, fields)))
        start = now = datetime.datetime(2026, 1, 1, tzinfo=UTC)
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < 0.2:
            now = trigger.get_next_fire_time(now, now + datetime.timedelta(microseconds=1))
            count += 1
            if now is None or now.year >= 2090:
                now = start
        costs.append((time.perf_counter() - begin) / count * 1e9)
    return {'ns': sum(costs) / len(costs)}


def main():
    """One measurement."""
    logging.getLogger('apscheduler').setLevel(logging.CRITICAL)
    what, *rest = sys.argv[1:]
    functions = {'load': load, 'burst': burst, 'sustained': sustained, 'next': next_fire}
    result = functions[what](*(each if each.isalpha() else int(each) for each in rest))
    print(json.dumps(result), flush=True)
    # Threads and jobs of the scheduler end with the process.
    os._exit(0)


if __name__ == '__main__':
    main()
