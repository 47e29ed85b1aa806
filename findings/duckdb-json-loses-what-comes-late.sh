#!/usr/bin/env bash
# duckdb 2.0.1 for Python.
#
# Reading newline-delimited JSON, DuckDB takes the columns and their types from the first 20,480 objects. What comes after
# them is not refused where it does not fit: a field that was null until then reads as null in every row, and a key that
# nobody had until then is no column. `sample_size = -1` looks at all objects, and finds both.
#
# Seen, of 30,000 objects with an error in the last but one and a key of its own in the last: no row with an error, no
# column of that key; with sample_size = -1 one of each.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1
cat > show.py <<'PY'
import json
import duckdb

with open('answers.jsonl', 'w') as file:
    for number in range(1, 30_001):
        row = {'id': number, 'answer': 'yes', 'error': 'too long' if number == 29_999 else None}
        if number == 30_000:
            row['note'] = 'last'
        file.write(json.dumps(row) + '\n')

def look(source):
    columns = [name for name, *_ in duckdb.sql(f'describe select * from {source}').fetchall()]
    errors = duckdb.sql(f'select count(error) from {source}').fetchall()[0][0]
    return f'errors={errors} note={"note" in columns}'

print(look("'answers.jsonl'"))
print(look("read_json('answers.jsonl', sample_size = -1)"))
PY
seen=$(tools/bin/python show.py)
echo "$seen"
[ "$seen" = $'errors=0 note=False\nerrors=1 note=True' ]
