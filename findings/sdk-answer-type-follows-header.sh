#!/usr/bin/env bash
# openai 6.49.0, @anthropic-ai/sdk 1.12.0, @google/genai 2.32.0, Node 20.
#
# What a call of OpenAI's or Anthropic's SDK resolves to depends on the header of the answer, not on what it holds. The
# same right JSON that is an object under `content-type: application/json` is a string under `text/plain` or without a
# type, with no error, though the types promise an object; with `content-length: 0` it is `undefined`. Who reads
# `.choices` of the string gets `undefined`, and may take a paid answer for an empty one. Google's SDK reads JSON
# whatever the header says.
#
# Seen: see `expected` below.
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

const answers = {
  completions: { choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }] },
  messages: { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn' },
  generateContent: { candidates: [{ content: { role: 'model', parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }] },
};
let headers = {};
const server = createServer((request, response) => {
  request.resume();
  const kind = Object.keys(answers).find((name) => request.url.includes(name));
  response.writeHead(200, headers);
  response.end(headers['content-length'] === '0' ? '' : JSON.stringify(answers[kind]));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${server.address().port}`;
const openai = new OpenAI({ apiKey: 'none', baseURL: `${address}/v1`, maxRetries: 0 });
const anthropic = new Anthropic({ apiKey: 'none', baseURL: address, maxRetries: 0 });
const google = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: address } });
const messages = [{ role: 'user', content: 'Hello' }];
const calls = {
  openai: () => openai.chat.completions.create({ model: 'm', messages }),
  anthropic: () => anthropic.messages.create({ model: 'm', max_tokens: 9, messages }),
  google: () => google.models.generateContent({ model: 'm', contents: 'Hello' }),
};
for (const [name, sent] of [
  ['application/json', { 'content-type': 'application/json' }],
  ['text/plain', { 'content-type': 'text/plain' }],
  ['no type', {}],
  ['content-length 0', { 'content-type': 'application/json', 'content-length': '0' }],
]) {
  headers = sent;
  for (const [vendor, call] of Object.entries(calls)) {
    const kind = await call().then((answer) => typeof answer, (error) => error.constructor.name);
    console.log(`${name}: ${vendor} ${kind}`);
  }
}
server.close();
JS
expected='application/json: openai object
application/json: anthropic object
application/json: google object
text/plain: openai string
text/plain: anthropic string
text/plain: google object
no type: openai string
no type: anthropic string
no type: google object
content-length 0: openai undefined
content-length 0: anthropic undefined
content-length 0: google SyntaxError'
actual=$(node show.mjs)
echo "$actual"
[ "$actual" = "$expected" ] || { echo 'This has changed.'; exit 1; }
