/** The least that anyone could do: the OpenAI SDK under p-limit, answers in memory. `node bare-loop.mjs <prompts.json> <workers>` */
import { readFile } from 'node:fs/promises';
import OpenAI from 'openai';
import pLimit from 'p-limit';

const [path, workers] = process.argv.slice(2);
const rows = JSON.parse(await readFile(path, 'utf8'));
const client = new OpenAI({ maxRetries: 0 });
const limit = pLimit(Number(workers));

const answers = await Promise.all(
  rows.map(({ prompt }) =>
    limit(async () => {
      const messages = [{ role: 'user', content: prompt }];
      const completion = await client.chat.completions.create({ model: 'gpt-4o-mini', messages });
      return completion.choices[0].message.content;
    }),
  ),
);
console.log(`${answers.filter(Boolean).length} answers`);
process.exit(0);
