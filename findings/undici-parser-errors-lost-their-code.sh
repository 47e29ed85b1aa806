#!/usr/bin/env bash
# undici 6.22.0 and 7.30.2, Node 20.
#
# A reply that is no HTTP rejects with HTTPParserError. Up to undici 6 its `code` is that of the parser, such as
# HPE_INVALID_CONSTANT, as in node:http. In undici 7 it is always undefined: the names are looked up by number in a table
# that has only numbers by name. The same `fetch` gives the code with the undici inside Node 20 and none with a
# dispatcher of undici 7, so what tells broken replies from refused connections by `cause.code` is blind there; the name
# of the error is the same.
#
# Seen: see `expected` below.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund undici-6@npm:undici@6.22.0 undici-7@npm:undici@7.30.2
cat > show.mjs <<'JS'
import { createServer } from 'node:net';
import { Agent as Agent6, request as request6 } from 'undici-6';
import { Agent as Agent7, request as request7, fetch as fetch7 } from 'undici-7';

const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => socket.end('SSH-2.0-example\r\n'));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${server.address().port}`;

async function show(name, call) {
  const error = await call().catch((reason) => reason.cause ?? reason);
  console.log(`${name}: ${error.name} ${error.code}`);
}
await show('fetch of Node 20', () => fetch(address));
await show('undici 6, request', () => request6(address, { dispatcher: new Agent6() }));
await show('undici 7, request', () => request7(address, { dispatcher: new Agent7() }));
await show('undici 7, fetch', () => fetch7(address, { dispatcher: new Agent7() }));
await show('fetch of Node 20, dispatcher of undici 7', () => fetch(address, { dispatcher: new Agent7() }));
server.close();
process.exit(0);
JS
expected='fetch of Node 20: HTTPParserError HPE_INVALID_CONSTANT
undici 6, request: HTTPParserError HPE_INVALID_CONSTANT
undici 7, request: HTTPParserError undefined
undici 7, fetch: HTTPParserError undefined
fetch of Node 20, dispatcher of undici 7: HTTPParserError undefined'
actual=$(node show.mjs)
echo "$actual"
[ "$actual" = "$expected" ] || { echo 'This has changed.'; exit 1; }
