"""Holds what the verbs write with `-o json|jsonl` to docs/schema: VERB.json, or VERB-WORD.json where a word of the
command line has a schema of its own (import-apscheduler.json), is the schema of an item or a line."""

import json
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import jsonschema

SCHEMAS = Path(__file__).resolve().parents[2] / 'docs' / 'schema'
# Options whose value may stand before the verb.
WITH_VALUE = {'-c', '--config', '--env-file', '--log-format', '--color', '-o', '--output', '--catch-up'}
TIME = re.compile(r'-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?(Z|[+-]\d\d:\d\d(:\d\d)?)')
# Of a long listing the items at both ends are looked at.
LOOKED_AT = 200

FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks('date-time', ValueError)
def _is_time(value):
    if not isinstance(value, str):
        return True
    if TIME.fullmatch(value) and len(value.split('-')[0]) == 4:
        datetime.fromisoformat(value)
    return bool(TIME.fullmatch(value))


@lru_cache(maxsize=None)
def validator(name):
    """The validator of docs/schema/NAME.json."""
    path = SCHEMAS / f'{name}.json'
    schema = json.loads(path.read_text(encoding='utf-8'))
    resolver = jsonschema.RefResolver(path.as_uri(), schema)
    return jsonschema.Draft202012Validator(schema, resolver=resolver, format_checker=FORMATS)


def _words(arguments):
    """What of the command line is neither an option nor a value of one that stands before the verb."""
    words, skip = [], False
    for argument in arguments:
        if skip or (argument.startswith('-') and argument != '-'):
            skip = not skip and (argument in WITH_VALUE or bool(re.fullmatch(r'-\w*[co]', argument)))
        else:
            words.append(argument)
    return words


def _name_of_simulation(arguments):
    """`simulate` has counts in place of fires with some options."""
    for option in ('--missed', '--diff'):
        if option in arguments:
            return f'simulate{option[1:]}'
    if '--by' in arguments:
        return 'simulate-by-action' if 'action' in arguments else 'simulate-by'
    return 'simulate-by' if {'--hottest', '--histogram'} & set(arguments) else 'simulate'


def name_of(arguments):
    """The schema for a command line: that of its verb, or of its verb and a word of it."""
    arguments = [str(argument) for argument in arguments]
    if '--batch' in arguments:
        return 'next-batch'
    verb, *words = _words(arguments)
    if verb == 'simulate':
        return _name_of_simulation(arguments)
    for word in words:
        if re.fullmatch(r'[a-z]+', word) and (SCHEMAS / f'{verb}-{word}.json').exists():
            return f'{verb}-{word}'
    assert (SCHEMAS / f'{verb}.json').exists(), \
        f'docs/schema has no {verb}.json: the output of {verb} in JSON needs a schema (docs/json.md)'
    return verb


def format_of(arguments):
    """`json`, `jsonl` or None: what `-o` asks for."""
    found = 'jsonl' if '--batch' in arguments else None
    arguments = [str(argument) for argument in arguments]
    for option, value in zip(arguments, arguments[1:] + ['']):
        match = re.fullmatch(r'(?:-\w*o|--output)(?:=?(json|jsonl))?', option)
        if match and (match[1] or value) in ('json', 'jsonl'):
            found = match[1] or value
    return found


def _items(text, form, whole):
    """The objects of an output; of one that was broken off what is whole."""
    if form == 'jsonl':
        return [json.loads(line) for line in text.splitlines()]
    try:
        document = json.loads(text)
    except ValueError:
        assert not whole, f'not a JSON document: {text[:1000]}'
        return []
    return document if isinstance(document, list) else [document]


def check_items(name, items):
    """Holds objects to docs/schema/NAME.json."""
    for item in items if len(items) <= 2 * LOOKED_AT else items[:LOOKED_AT] + items[-LOOKED_AT:]:
        error = jsonschema.exceptions.best_match(validator(name).iter_errors(item))
        assert not error, f'docs/schema/{name}.json: {error.message}\nat {list(error.absolute_path)} of {item}'


def check_output(arguments, text, status):
    """Holds what a command wrote to stdout to its schema, where it was asked for JSON."""
    form = format_of(arguments)
    if form and text:
        check_items(name_of(arguments), _items(text, form, whole=status == 0))
