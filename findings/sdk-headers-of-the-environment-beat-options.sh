#!/usr/bin/env bash
# openai 6.49.0 and @anthropic-ai/sdk 1.12.0, Node 20.
#
# Both clients read headers for every request from a variable, OPENAI_CUSTOM_HEADERS and ANTHROPIC_CUSTOM_HEADERS, a line
# each. For all else that a client reads from the environment (key, address, organization), what the caller passes wins,
# and passing null turns it off. These lines win over the key that was passed to the client: the request goes out with
# the variable's `Authorization`. No option turns them off; only a default header of the very same name does. The variable
# is read once, when the client is made.
#
# Seen: see `expected` below.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund openai@6.49.0 @anthropic-ai/sdk@1.12.0
cat > show.mjs <<'JS'
import { createServer } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const server = createServer((request, response) => {
  const { authorization, 'x-team': team } = request.headers;
  console.log(`${name}: ${authorization}, team ${team}`);
  response.setHeader('content-type', 'application/json').end('{"data": [], "has_more": false}');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const baseURL = `http://127.0.0.1:${server.address().port}`;
let name;

async function show(what, Client, options) {
  name = what;
  await new Client({ apiKey: 'passed', baseURL, maxRetries: 0, ...options }).models.list();
}
await show('openai, no variable', OpenAI);
await show('anthropic, no variable', Anthropic);
process.env.OPENAI_CUSTOM_HEADERS = 'Authorization: Bearer of-the-variable\nX-Team: blue';
process.env.ANTHROPIC_CUSTOM_HEADERS = 'Authorization: Bearer of-the-variable\nX-Team: blue';
await show('openai', OpenAI);
await show('anthropic', Anthropic);
await show('openai, no default headers', OpenAI, { defaultHeaders: {} });
await show('openai, the same header as an option', OpenAI, { defaultHeaders: { 'X-Team': 'red' } });
await show('anthropic, the same header as an option', Anthropic, { defaultHeaders: { 'X-Team': null } });
server.close();
process.exit(0);
JS
expected='openai, no variable: Bearer passed, team undefined
anthropic, no variable: Bearer passed, team undefined
openai: Bearer of-the-variable, team blue
anthropic: Bearer of-the-variable, team blue
openai, no default headers: Bearer of-the-variable, team blue
openai, the same header as an option: Bearer of-the-variable, team red
anthropic, the same header as an option: Bearer of-the-variable, team undefined'
actual=$(node show.mjs)
echo "$actual"
[ "$actual" = "$expected" ] || { echo 'This has changed.'; exit 1; }
