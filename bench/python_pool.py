"""Python's own pool of processes calling a function that does nothing: python_pool.py COUNT WORKERS."""

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor


def send(command):
    """As a user writes it."""
    del command


def main():
    """Each call is a task of its own, as each fire is."""
    count, workers = map(int, sys.argv[1:])
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(send, ['warm'] * workers))
        begin = time.perf_counter()
        for _ in pool.map(send, (f'command {i} --with arguments' for i in range(count))):
            pass
        took = time.perf_counter() - begin
    print(json.dumps({'calls_per_s': count / took}))


if __name__ == '__main__':
    main()
