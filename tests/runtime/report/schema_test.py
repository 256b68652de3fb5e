#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: schema_test.py TILEGRID SCHEMA

Holds the JSON of every command against the schema that is installed with the package, and the schema against itself: a key
that it does not know, a type that it does not allow, and a key that is missing must be found.
"""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

TYPES = {
    'null': lambda v: v is None,
    'boolean': lambda v: isinstance(v, bool),
    'integer': lambda v: isinstance(v, int) and not isinstance(v, bool),
    'number': lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    'string': lambda v: isinstance(v, str),
    'array': lambda v: isinstance(v, list),
    'object': lambda v: isinstance(v, dict),
}
KNOWN = {'$ref', 'anyOf', 'type', 'const', 'properties', 'required', 'additionalProperties', 'items', 'description'}


def errors(value, schema, root, where='report'):
    """What of the value the schema does not allow, a line each. The part of JSON Schema that the file uses."""
    unknown = set(schema) - KNOWN
    if unknown:
        raise SystemExit(f'the schema uses {unknown}, which this test does not know')
    if '$ref' in schema:
        return errors(value, root['$defs'][schema['$ref'].removeprefix('#/$defs/')], root, where)
    if 'anyOf' in schema:
        tries = [errors(value, one, root, where) for one in schema['anyOf']]
        return [] if [] in tries else min(tries, key=len)
    if 'const' in schema and value != schema['const']:
        return [f'{where}: is {value!r}, {schema["const"]!r} is expected']
    types = schema.get('type', [])
    types = [types] if isinstance(types, str) else types
    if types and not any(TYPES[one](value) for one in types):
        return [f'{where}: is no {" or ".join(types)}']
    found = []
    if isinstance(value, dict):
        properties = schema.get('properties', {})
        found += [f'{where}.{key}: is missing' for key in schema.get('required', []) if key not in value]
        for key, one in value.items():
            other = schema.get('additionalProperties', {})
            if key in properties:
                found += errors(one, properties[key], root, f'{where}.{key}')
            elif other is False:
                found.append(f'{where}.{key}: is not in the schema')
            else:
                found += errors(one, other, root, f'{where}.{key}')
    if isinstance(value, list) and 'items' in schema:
        for i, one in enumerate(value):
            found += errors(one, schema['items'], root, f'{where}[{i}]')
    return found


COMMANDS = [  # the definition that the output has to follow, and the arguments
    ('attention', 'attention --grid 2x2 --seq 128 --causal --kv auto --json -'),
    ('attention', 'attention --grid 2x2 --seq 128 --kernel planned --verify sample:5 --shake 3 --json -'),
    ('attention', 'attention --grid 2x2 --seq 128 --kernel multipass --no-device-time --verify off --json -'),
    ('attention', 'attention --grid 2x2 --batch 2 --seq 1 --kv-seq 128 --kv-lengths 40,128 --json -'),
    ('attention', 'attention --grid 2x2 --seq 128 --kernel unfused --dry-run --json -'),
    ('matmul', 'matmul --grid 2x2 --m 64 --k 96 --n 100 --set noc_hop_cycles=12 --json -'),
    ('matmul', 'matmul --grid 2x2 --m 64 --k 64 --n 64 --dry-run --json -'),
    ('fused', 'fused --grid 2x2 --preset six-op --json -'),
    ('fused', 'fused --grid 2x2 --expr exp(x) --verify off --json -'),
    ('compare_kernels', 'attention --grid 2x2 --seq 128 --compare-kernels --json -'),
    ('compare_kv', 'compare-kv --grid 2x2 --heads 4 --kv-heads 1 --seq 128 --causal --json -'),
    ('compare_kv', 'compare-kv --grid 2x2 --heads 2,4 --seq 128 --json -'),
    ('compare_partitions', 'compare-partitions --grid 2x2 --heads 4 --kv-heads 2 --seq 96 --causal --kv chain --json -'),
    ('compare_partitions_of_shapes', 'compare-partitions --grid 2x2 --heads 4 --seq 96,128 --partition flat,split-k --json -'),
    ('sweep', 'sweep attention --grid 2x2 --seq 128 --q-chunk 32,64 --json -'),
    ('sweep', 'sweep matmul --grid 2x2 --k 64 --block 2,3 --json -'),
    ('sweep', 'sweep fused --grid 2x2 --preset six-op --strategy naive,best --json -'),
    ('precision', 'precision attention --grid 2x2 --heads 2 --seq 64 --exp fast --json -'),
    ('precision', 'precision matmul --grid 2x2 --m 64 --n 64 --lengths 64,96 --fidelity lofi --json -'),
    ('plan', 'plan --preset softmax --json -'),
    ('plan', 'plan --preset softmax --block 1x243 --json -'),
    ('plan', 'plan --preset six-op --strategy naive --sync full --json -'),
    ('info', 'info --grid 2x2 --json'),
    ('info', 'info --grid 2x2 --hosts --json'),
    ('error', 'fused --preset six-op --block 2x2 --strategy naive --force --sync full --grid 2x2 --json -'),
    ('retime', 'retime {log} --json -'),
    ('estimate', 'estimate {report} --log {log} --link 1.25,30 --json -'),
    ('log', 'log {log} --core 0,0 --limit 9 --json'),
    ('log', 'log {log} --summary --check --json'),
]


def spoilt(report):
    """The report with something wrong, for every object in it, as far as the schema says what is in it."""
    for change in ('unknown', 'type'):
        wrong = copy.deepcopy(report)
        if change == 'unknown':
            wrong['surprise'] = 1
        else:
            wrong['schema_version'] = '1'
        yield change, wrong
    wrong = copy.deepcopy(report)
    del wrong['schema_version']
    yield 'missing', wrong


def main():
    tilegrid, schema_path = sys.argv[1:]
    root = json.loads(pathlib.Path(schema_path).read_text())
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        log, run = f'{folder}/run.log', f'{folder}/run.json'
        subprocess.run([tilegrid, 'attention', '--grid', '2x2', '--seq', '64', '--log', log, '--json', run], check=True, capture_output=True)
        for definition, line in COMMANDS:
            arguments = [word.format(log=log, report=run) for word in line.split()]
            text = subprocess.run([tilegrid, *arguments], capture_output=True, text=True).stdout
            schema = {'$ref': f'#/$defs/{definition}'}
            try:
                report = json.loads(text)
            except ValueError as error:
                failures.append(f'tilegrid {line}: {error}')
                continue
            failures += [f'tilegrid {line}: {one}' for one in errors(report, schema, root)]
            for change, wrong in spoilt(report):
                if not errors(wrong, schema, root):
                    failures.append(f'tilegrid {line}: the schema lets pass: {change}')
    print('\n'.join(failures[:40]) or f'{len(COMMANDS)} reports follow the schema')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
