#!/usr/bin/env bash
# @anthropic-ai/sdk 1.12.0, Node 20.
#
# `client.messages.batches.results()` parses each line of the download, also an empty one: a blank line between two
# results, as proxies and tools that join files leave, ends the loop with a bare SyntaxError, after the results before it
# were handed out and without those behind it. CR LF, raw U+2028, a byte order mark and a missing last line end are all
# right.
#
# Seen: see `expected` below.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund @anthropic-ai/sdk@1.12.0
cat > show.mjs <<'JS'
import { createServer } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';

const line = (id, text) =>
  JSON.stringify({ custom_id: id, result: { type: 'succeeded', message: { content: [{ type: 'text', text }] } } });
const [first, second] = [line('a', 'One\u2028and a half.'), line('b', 'Two.')];
const downloads = {
  'as the provider sends it': `${first}\n${second}\n`,
  'CR LF': `${first}\r\n${second}\r\n`,
  'no line end at the end': `${first}\n${second}`,
  'a byte order mark': `\ufeff${first}\n${second}\n`,
  'a blank line': `${first}\n\n${second}\n`,
};
let download = '';
const server = createServer((request, response) => {
  request.resume();
  const isDownload = request.url.endsWith('/results');
  response.writeHead(200, { 'content-type': isDownload ? 'application/x-jsonl' : 'application/json' });
  const results_url = `http://127.0.0.1:${server.address().port}/v1/messages/batches/b/results`;
  response.end(isDownload ? download : JSON.stringify({ id: 'b', processing_status: 'ended', results_url }));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const client = new Anthropic({ apiKey: 'none', baseURL: `http://127.0.0.1:${server.address().port}`, maxRetries: 0 });
for (const [name, text] of Object.entries(downloads)) {
  download = text;
  const ids = [];
  try {
    for await (const { custom_id } of await client.messages.batches.results('b')) ids.push(custom_id);
  } catch (error) {
    ids.push(error.constructor.name);
  }
  console.log(`${name}: ${ids.join(' ')}`);
}
server.close();
JS
expected='as the provider sends it: a b
CR LF: a b
no line end at the end: a b
a byte order mark: a b
a blank line: a SyntaxError'
actual=$(node show.mjs)
echo "$actual"
[ "$actual" = "$expected" ] || { echo 'This has changed.'; exit 1; }
