#!/usr/bin/env bash
# opendal 0.49.2 (npm) at moto 5.2.5 (PyPI), Node 20, Python 3.
#
# `ifNotExists` lets a write succeed only where no object of the name is there, which locks are made of. For a small object
# it is sent as `If-None-Match: *`, and refused by the server as it should be. A write that goes in parts (`chunk`) drops
# it without a word: neither the start of the upload nor its completion has the header, so the object that is there is
# replaced. The service says that it can do both (`writeWithIfNotExists`, `writeCanMulti`), and S3 takes the header at the completion,
# as does this server, when another client sends it.
#
# Seen: a whole write is refused; a write in parts replaces the object, and has sent no condition.
set -eu
folder=$(mktemp -d)
trap 'kill $server 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'moto[server,s3]==5.2.5'
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund opendal@0.49.2
port=$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
venv/bin/moto_server -H 127.0.0.1 -p "$port" > server.log 2>&1 &
server=$!
cat > show.mjs <<'JS'
import { createServer, request } from 'node:http';
import { Operator } from 'opendal';

const port = Number(process.argv[2]);
const ready = async () => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false);
while (!(await ready())) await new Promise((resolve) => setTimeout(resolve, 100));
await fetch(`http://127.0.0.1:${port}/shelf`, { method: 'PUT' });

// What is asked, between the two.
let conditions = 0;
const between = createServer((asked, answer) => {
  if (asked.headers['if-none-match']) conditions += 1;
  const { url: path, method, headers } = asked;
  const passed = request({ host: '127.0.0.1', port, path, method, headers }, (came) => {
    answer.writeHead(came.statusCode, came.headers);
    came.pipe(answer);
  });
  asked.pipe(passed);
});
await new Promise((resolve) => between.listen(0, '127.0.0.1', resolve));
const store = new Operator('s3', {
  bucket: 'shelf',
  region: 'us-east-1',
  endpoint: `http://127.0.0.1:${between.address().port}`,
  access_key_id: 'none',
  secret_access_key: 'none',
});
const tell = async (what, write) => {
  conditions = 0;
  const end = await write().then(() => 'replaces the object', () => 'is refused');
  console.log(`${what} ${end}, conditions sent: ${conditions}`);
};
await store.write('book', 'first');
await tell('a whole write', () => store.write('book', 'second', { ifNotExists: true }));
await tell('a write in parts', async () => {
  const writer = await store.writer('book', { chunk: 5_242_880n, ifNotExists: true });
  for (let part = 0; part < 3; part += 1) await writer.write(Buffer.alloc(4_000_000, 65 + part));
  await writer.close();
});
between.close();
between.closeAllConnections();
JS
expected='a whole write is refused, conditions sent: 1
a write in parts replaces the object, conditions sent: 0'
seen=$(node show.mjs "$port")
echo "$seen"
[ "$seen" = "$expected" ] || { echo 'This has changed.'; exit 1; }
