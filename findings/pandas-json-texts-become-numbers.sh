#!/usr/bin/env bash
# pandas 3.1.1.
#
# `read_json(…, lines=True)` turns texts that look like numbers into numbers, though JSON says that they are texts: a
# number of twenty digits in quotes comes back as a float that has lost the last of them, `"Inf"` as infinity, `"1e3"` as
# 1000.0. `dtype=False` leaves them.
#
# Seen: 12345678901234567890 -> 1.2345678901234567e+19, Inf -> inf, 1e3 -> 1000.0; with dtype=False the texts.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check pandas==3.1.1
printf '{"order": "12345678901234567890", "most": "Inf", "code": "1e3"}\n' > orders.jsonl
cat > show.py <<'PY'
import pandas

for options in ({}, {'dtype': False}):
    print(*pandas.read_json('orders.jsonl', lines=True, **options).iloc[0].tolist(), sep='|')
PY
seen=$(tools/bin/python show.py)
echo "$seen"
[ "$seen" = $'1.2345678901234567e+19|inf|1000.0\n12345678901234567890|Inf|1e3' ]
