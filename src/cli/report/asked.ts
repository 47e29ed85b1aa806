/** How an output was asked for, as its run noted: prompt, system text, schema and settings. */
import type { HistoryEntry } from '../../api/report-output.ts';
import { type Html, html } from './html.ts';

/** Nothing where the run noted nothing but a column of prompts. */
export function drawAsked(history: HistoryEntry | undefined): Html {
  const facts = history ? describeAsked(history) : [];
  if (facts.length === 0) return html``;
  const titles = facts.map(({ title }) => title.toLowerCase()).join(', ');
  return html`<section aria-labelledby="asked"><details class="asked"><summary><h2 id="asked">How it was asked</h2> <span class="about">${titles}</span></summary>
<dl>${facts.map(drawFact)}</dl></details></section>`;
}

interface Asked {
  readonly title: string;
  readonly text: string;
  /** Code, in which every character has the same width. */
  readonly isCode?: boolean;
}

function drawFact({ title, text, isCode }: Asked): Html {
  const kind = isCode ? 'text code' : 'text';
  return html`<div><dt>${title}</dt><dd class="${kind}" dir="${isCode ? 'ltr' : 'auto'}">${text}</dd></div>`;
}

function describeAsked({ prompt_template: template, columns, params = {} }: HistoryEntry): Asked[] {
  const { system, schema, json_mode: jsonMode, extra, ...others } = params;
  const fields = columns?.fields?.map(({ name }) => name) ?? [];
  const facts: (Asked | undefined | false)[] = [
    template !== undefined && { title: 'Prompt', text: template },
    system !== undefined && { title: 'System text', text: system },
    fields.length > 0 && { title: 'Fields', text: fields.join(', ') },
    schema && { title: 'Schema', text: JSON.stringify(schema, null, 2), isCode: true },
    jsonMode && { title: 'Answers', text: 'any JSON object' },
    ...Object.entries(others).map(([name, value]) => {
      return {
        title: titleOf(name),
        text: typeof value === 'object' ? JSON.stringify(value) : String(value),
      };
    }),
    extra && { title: 'More in the request', text: JSON.stringify(extra, null, 2), isCode: true },
  ];
  return facts.filter((fact) => typeof fact === 'object');
}

/** `top_p` → `Top p` */
function titleOf(name: string): string {
  if (name === 'api') return 'API';
  const words = name.replaceAll('_', ' ');
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}
