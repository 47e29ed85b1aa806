#!/usr/bin/env bash
# @google/genai 2.32.0, Node 20.
#
# The type of `files.upload` has `config.abortSignal`, documented as what cancels the request, and so do all other calls
# of the SDK. An upload never looks at it: aborted after the first of three pieces, it sends the other two and the end of
# the upload, resolves with the file, and a file that nobody wants is at the provider. `files.get` with a signal that is
# aborted rejects, as expected. A custom `httpOptions.fetch` is called with `signal: undefined`, which is there as a
# property and wins over a default of its own where options are spread. Who has to stop an upload must do it below fetch.
#
# Seen: the upload resolves with files/f1 after 1 start and 3 pieces, the last of which ends it; files.get: AbortError.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund @google/genai@2.32.0
cat > show.mjs <<'JS'
import { createServer } from 'node:http';
import { GoogleGenAI } from '@google/genai';

const stop = new AbortController();
const commands = [];
const server = createServer(async (request, response) => {
  for await (const _ of request);
  const command = request.headers['x-goog-upload-command'] ?? request.method;
  commands.push(command);
  const address = `http://127.0.0.1:${server.address().port}`;
  const isLast = command.includes('finalize');
  if (command === 'start') response.setHeader('x-goog-upload-url', `${address}/upload/one`);
  else response.setHeader('x-goog-upload-status', isLast ? 'final' : 'active');
  if (command === 'upload') stop.abort();
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(isLast ? { file: { name: 'files/f1' } } : {}));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const client = new GoogleGenAI({
  apiKey: 'none',
  httpOptions: { baseUrl: `http://127.0.0.1:${server.address().port}` },
});
const config = { mimeType: 'text/plain', abortSignal: stop.signal };
const tell = (file) => `resolves with ${file.name}`;
const tellError = (error) => `rejects with ${error.name}`;
const file = new Blob([Buffer.alloc(20 * 2 ** 20)], { type: 'text/plain' });
const uploaded = await client.files.upload({ file, config }).then(tell, tellError);
console.log(`upload, aborted after its first piece: ${uploaded}; ${commands.join(' | ')}`);
const asked = await client.files.get({ name: 'files/f1', config: { abortSignal: stop.signal } }).then(tell, tellError);
console.log(`get, aborted before: ${asked}`);
server.close();
JS
expected='upload, aborted after its first piece: resolves with files/f1; start | upload | upload | upload, finalize
get, aborted before: rejects with AbortError'
actual=$(node show.mjs)
echo "$actual"
[ "$actual" = "$expected" ] || { echo 'This has changed.'; exit 1; }
