#!/usr/bin/env bash
# @google/genai 2.32.0, openai 6.49.0, @anthropic-ai/sdk 1.12.0, Node 20.
#
# A page of a list may be empty though there are more (google.aip.dev/158 says so, and filters make such pages). Google's
# `batches.list()` yields `undefined` in the place of a batch there, and goes on; a loop that reads `batch.name` ends with
# a TypeError before it comes to the rest. OpenAI's and Anthropic's pagers end without an error although the page says
# `has_more: true`: who looks for a batch in the list takes it for missing.
#
# Seen: google batches/1,undefined,batches/3 in 3 requests; openai b1 in 2; anthropic b1 in 2, of three pages each.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund openai@6.49.0 @anthropic-ai/sdk@1.12.0 @google/genai@2.32.0
cat > show.mjs <<'JS'
import { createServer } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';

const operation = (name) => ({ name, metadata: { state: 'BATCH_STATE_SUCCEEDED' } });
const googlePages = {
  first: { operations: [operation('batches/1')], nextPageToken: 'second' },
  second: { nextPageToken: 'third' },
  third: { operations: [operation('batches/3')] },
};
const cursorPages = {
  first: { object: 'list', data: [{ id: 'b1' }], has_more: true, first_id: 'b1', last_id: 'b1' },
  b1: { object: 'list', data: [], has_more: true, first_id: null, last_id: 'b2' },
  b2: { object: 'list', data: [{ id: 'b3' }], has_more: false, first_id: 'b3', last_id: 'b3' },
};
let requests = 0;
const server = createServer((request, response) => {
  requests += 1;
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const page = pathname.includes('v1beta')
    ? googlePages[searchParams.get('pageToken') ?? 'first']
    : cursorPages[searchParams.get('after') ?? searchParams.get('after_id') ?? 'first'];
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(page));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${server.address().port}`;
const lists = {
  google: () =>
    new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: address } }).batches.list({ config: { pageSize: 1 } }),
  openai: () => new OpenAI({ apiKey: 'none', baseURL: `${address}/v1` }).batches.list({ limit: 1 }),
  anthropic: () => new Anthropic({ apiKey: 'none', baseURL: address }).messages.batches.list({ limit: 1 }),
};
for (const [vendor, list] of Object.entries(lists)) {
  requests = 0;
  const ids = [];
  for await (const batch of await list()) ids.push(String(batch?.id ?? batch?.name));
  console.log(`${vendor}: ${ids.join(',')} in ${requests} requests`);
}
server.close();
JS
expected='google: batches/1,undefined,batches/3 in 3 requests
openai: b1 in 2 requests
anthropic: b1 in 2 requests'
actual=$(node show.mjs)
echo "$actual"
[ "$actual" = "$expected" ] || { echo 'This has changed.'; exit 1; }
