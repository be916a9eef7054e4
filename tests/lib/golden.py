"""Outputs that are kept word for word, in tests/e2e/golden. ACTION_SCHEDULER_GOLDEN=write writes what comes instead of
comparing it: look at the difference before it is committed."""

import os
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / 'e2e' / 'golden'


def check_golden(name, text):
    """Compares with tests/e2e/golden/NAME."""
    path = GOLDEN / name
    if os.environ.get('ACTION_SCHEDULER_GOLDEN') == 'write':
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding='utf-8')
    assert text == path.read_text(encoding='utf-8'), f'other than tests/e2e/golden/{name} (lib/golden.py)'
