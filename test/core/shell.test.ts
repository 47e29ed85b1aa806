import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { quoteShell } from '../../src/core/shell.ts';

it('leaves usual ids as they are', () => {
  for (const id of ['batch_68f1', 'batches/abc-12', 'job_x1', 'a.b:c@d+e=f%g,h'])
    expect(quoteShell(id)).toBe(id);
});

it('gives a shell back what it was given, and carries nothing out', () => {
  const ids = [
    ...[
      "it's",
      '$(touch x)',
      '`id`',
      'a b',
      '"',
      '\\',
      '\\n',
      '*',
      '~',
      '!!',
      '#',
      ';rm',
      '&',
      '|',
      '>x',
      '-',
      '',
      'é😀',
    ],
    ...[
      'line\nbreak',
      'tab\there',
      '\u001b[31mred',
      'a\u202eb',
      "a\u2028'b%s\\$(id)",
      '\u0085',
      '\u{e0041}x',
    ],
  ];
  for (const id of ids) {
    const quoted = quoteShell(id);
    expect(quoted).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    const told = execFileSync('sh', ['-c', `printf '%s' ${quoted}`], { encoding: 'utf8' });
    expect(told).toBe(id);
  }
});
