"""What the Python program leaves: its job store, written by the real APScheduler 3.

`leave_jobs` runs in a process of its own, Debian's Python, which has APScheduler and SQLAlchemy: there the jobs are
added as the Python program adds them, at a time of the test's choosing."""

import json
import subprocess

_SCRIPT = r'''
import json, sys
from datetime import datetime, timezone
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
import apscheduler.schedulers.base as base
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

given = json.load(sys.stdin)
now = datetime.fromtimestamp(given['now'], timezone.utc)


class Clock(datetime):
    @classmethod
    def now(cls, tz=None):
        return now.astimezone(tz) if tz else now


base.datetime = Clock
scheduler = BackgroundScheduler({
    'apscheduler.jobstores.default': {'type': 'sqlalchemy', 'url': given['url']},
    'apscheduler.job_defaults.max_instances': 3,
    'apscheduler.timezone': 'UTC'})
scheduler.start(paused=True)
for row in given['actions']:
    cron = row['cron']
    if cron['format'] == 'unix':
        trigger = CronTrigger.from_crontab(cron['params']['value'], timezone='UTC')
    else:
        trigger = CronTrigger(**{'timezone': 'UTC', **cron['params']})
    scheduler.add_job('builtins:print', trigger=trigger, kwargs={'end': row['command']}, id=str(row['id']),
                      name=row['command'], replace_existing=True)
for job_id in given['paused']:
    scheduler.pause_job(str(job_id))
jobs = {job.id: job.next_run_time and job.next_run_time.timestamp() for job in scheduler.get_jobs()}
scheduler.shutdown(wait=False)
json.dump(jobs, sys.stdout)
'''


def leave_jobs(url, actions, now, paused=()):
    """Writes the job store of `actions` (dicts with id, command, cron) as it is at `now` (seconds since 1970 or an
    aware datetime). Returns the next run time of each job id as APScheduler has it; None where it is paused."""
    given = {'url': url, 'actions': actions, 'paused': list(paused),
             'now': now if isinstance(now, (int, float)) else now.timestamp()}
    done = subprocess.run(['/usr/bin/python3', '-c', _SCRIPT], input=json.dumps(given), capture_output=True, text=True,
                          timeout=60, env={'TZ': 'UTC', 'PATH': '/usr/bin:/bin'})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
