"""docs/schema: whole, valid, in step with the verbs and with docs/json.md. That outputs keep to it is seen whenever a test
runs a verb, by lib.schema."""

import json
import re

import jsonschema
import pytest

from lib.program import Program
from lib.schema import SCHEMAS, check_items, format_of, name_of

NAMES = sorted(path.stem for path in SCHEMAS.glob('*.json'))


def load(name):
    return json.loads((SCHEMAS / f'{name}.json').read_text(encoding='utf-8'))


def parts(schema):
    """The schema and every one within it."""
    yield schema
    for each in [*schema.get('properties', {}).values(), schema.get('items')]:
        if each:
            yield from parts(each)


def sections():
    """docs/json.md by its headings, `next --batch` as next-batch."""
    text = (SCHEMAS.parent / 'json.md').read_text(encoding='utf-8')
    found = {}
    for heading, body in re.findall(r'^## (.*)\n((?:(?!## ).*\n)*)', text, re.MULTILINE):
        for name in heading.split(', '):
            found[name.replace(' --', '-').replace(' ', '-')] = body
    return found


def keys_in(section, among):
    """What a section names in code, with that of the sections to which it refers."""
    found = set(re.findall(r'`([^`\n]+)`', section))
    for other in re.findall(r'keys of\s+`(\w+)`', section):
        found |= keys_in(among[other], among)
    return found


@pytest.mark.parametrize('name', NAMES)
def test_a_schema_is_whole(name):
    schema = load(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema['$schema'] == 'https://json-schema.org/draft/2020-12/schema'
    for part in parts(schema):
        if '$ref' in part:
            file, _, key = part['$ref'].partition('.json')
            assert not key or key.rpartition('/')[2] in load(file)['properties']
            continue
        assert part.get('description', '').endswith('.'), part
        if 'properties' in part:
            assert 'required' in part and set(part['required']) <= set(part['properties'])
            assert part['additionalProperties'] is name.endswith('-in')


@pytest.mark.parametrize('name', NAMES)
def test_every_key_is_in_the_documentation(name):
    among = sections()
    name_there = name.removesuffix('-in')
    assert name_there in among, f'docs/json.md has no section for {name}'
    assert set(load(name)['properties']) <= keys_in(among[name_there], among)


def test_every_verb_with_json_has_a_schema(binary, tmp_path):
    program = Program(binary, tmp_path)
    verbs = re.findall(r'^  ([a-z]+)  ', program.run('--help', status=0).stdout, re.MULTILINE)
    with_json = [verb for verb in verbs if '--output' in program.run(verb, '--help', status=0).stdout]
    assert 'list' in with_json and {name.split('-')[0] for name in NAMES} == set(with_json)


def test_what_does_not_keep_to_its_schema_is_found():
    good = {'level': 'error', 'place': 'actions_db', 'id': 1, 'field': 'cron', 'reason': 'x'}
    check_items('check', [good])
    for bad in ({**good, 'more': 1}, {**good, 'level': 'fatal'}, {**good, 'id': '1'}, {'level': 'error'}):
        with pytest.raises(AssertionError, match='docs/schema/check.json'):
            check_items('check', [good, bad])
    run = dict.fromkeys(load('history')['required'], None) | {'status': 'note', 'finished_at': '2024-01-01T00:00:00Z'}
    check_items('history', [run | {'scheduled_at': None}])
    for bad in (run, run | {'scheduled_at': '2024-01-01'}, run | {'scheduled_at': None, 'count': 2}):
        with pytest.raises(AssertionError, match='docs/schema/history.json'):
            check_items('history', [bad])


@pytest.mark.parametrize('line, name, form', [
    ('list -o json', 'list', 'json'), ('-c x.yaml -qo jsonl history', 'history', 'jsonl'), ('show --output=json 1', 'show', 'json'),
    ('import apscheduler --dry-run -ojsonl', 'import-apscheduler', 'jsonl'), ('next --batch -', 'next-batch', 'jsonl'),
    ('simulate --by minute -o json', 'simulate-by', 'json'), ('simulate --by action -ojson', 'simulate-by-action', 'json'),
    ('list -o table', 'list', None), ('list', 'list', None)])
def test_the_schema_is_that_of_the_command_line(line, name, form):
    assert (name_of(line.split()), format_of(line.split())) == (name, form)


def test_a_verb_without_a_schema_is_said():
    with pytest.raises(AssertionError, match='docs/schema has no frobnicate.json'):
        name_of(['frobnicate', '-o', 'json'])
