/** The pages of the repository: their links lead somewhere, and those with a form have it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '..');
const foreign = /^(node_modules|dist|coverage|\.git)$/;

/** Paths below a folder of the repository, with `/` between their parts. */
function listFiles(folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (foreign.test(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? listFiles(path) : [relative(root, path).split(sep).join('/')];
  });
}

const pages = listFiles().filter((path) => path.endsWith('.md'));
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

/** A page without its blocks of code, in which nothing is a link or a heading. */
function proseOf(path: string): string {
  return textOf(path).replaceAll(/^```[\s\S]*?^```$/gm, '');
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(path).matchAll(/^#{1,6} (.*)$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let turn = 1; anchors.has(anchor); turn += 1) anchor = `${slug}-${turn}`;
    anchors.add(anchor);
  }
  return anchors;
}

function linksOf(page: string): string[] {
  const links = proseOf(page)
    .replaceAll(/`[^`]*`/g, '')
    .matchAll(/\]\(([^)\s]+)\)/g);
  return [...links].map(([, link = '']) => link);
}

function exists(path: string): boolean {
  return statSync(join(root, path), { throwIfNoEntry: false }) !== undefined;
}

/** What is wrong with a link, if anything is. */
function faultOf(page: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path).split(sep).join('/');
  if (!exists(target)) return `${page}: ${link} leads nowhere`;
  if (anchor === undefined) return undefined;
  return anchorsOf(target).has(anchor) ? undefined : `${page}: ${target} has no heading #${anchor}`;
}

test('every link leads to a file, and to a heading of it', () => {
  const faults = pages.flatMap((page) => {
    return linksOf(page).flatMap((link) => faultOf(page, link) ?? []);
  });
  expect(faults).toEqual([]);
});

test('every link of a page in the package leads to a file in the package', () => {
  const { files } = JSON.parse(textOf('package.json')) as { files: string[] };
  const always = ['README.md', 'LICENSE', 'package.json'];
  const isPacked = (path: string) =>
    [...files, ...always].some((name) => path === name || path.startsWith(`${name}/`));
  const faults = pages.filter(isPacked).flatMap((page) =>
    linksOf(page).flatMap((link) => {
      const [path = ''] = link.split('#');
      if (/^[a-z]+:/.test(link) || path === '') return [];
      const target = join(dirname(page), path).split(sep).join('/');
      return isPacked(target) ? [] : [`${page}: ${link}`];
    }),
  );
  expect(faults).toEqual([]);
});

test('the front page is short enough to be one', () => {
  expect(Buffer.byteLength(textOf('README.md'))).toBeLessThanOrEqual(8000);
});

test('the index of the pages has each of them', () => {
  const listed = linksOf('docs/README.md').map((link) => `docs/${link}`);
  const below = pages.filter((path) => /^docs\/(?!README|decisions\/|reference\/commands\/)/.test(path));
  expect(below.filter((path) => !listed.includes(path))).toEqual([]);
  expect(linksOf('docs/reference/commands/README.md').length).toBeGreaterThan(0);
});

describe('decisions', () => {
  const folder = 'docs/decisions';
  const names = pages
    .filter((path) => path.startsWith(`${folder}/`) && !path.endsWith('README.md'))
    .map((path) => path.slice(folder.length + 1))
    .sort();

  test('are numbered without a gap', () => {
    expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, index) => index + 1));
  });

  test('are all in the index, under their own titles, with a line each', () => {
    const index = [...textOf(`${folder}/README.md`).matchAll(/^- \[(.*)\]\((.*)\): (.*)$/gm)];
    expect(index.map(([, title, name, line]) => ({ title, name, line }))).toEqual(
      names.map((name) => {
        const [, title, line] = /^# (.*)\n\n(.*)\n/.exec(textOf(`${folder}/${name}`)) ?? [];
        return { title, name, line };
      }),
    );
  });

  test.each(names)('%s gives the reasons and the price, on half a page', (name) => {
    const text = textOf(`${folder}/${name}`);
    expect([...text.matchAll(/^## (.*)$/gm)].map((match) => match[1])).toEqual([
      'Context',
      'Decision',
      'Consequences',
    ]);
    expect(text.split(/\s+/).length).toBeLessThan(250);
  });
});

describe('the changelog', () => {
  const text = textOf('CHANGELOG.md');
  const releases = text.split(/^## /m).slice(1);

  test('has what is not released yet first, then the releases, the newest first', () => {
    const [unreleased, ...others] = releases.map((release) => release.split('\n')[0] as string);
    expect(unreleased).toBe('[Unreleased]');
    for (const heading of others) expect(heading).toMatch(/^\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$/);
    const dates = others.map((heading) => heading.slice(-10));
    expect(dates).toEqual(dates.toSorted().reverse());
    const { version } = JSON.parse(textOf('package.json')) as { version: string };
    expect(others[0]).toContain(`[${version}]`);
  });

  test('has the kinds of change that Keep a Changelog knows, each once, with entries', () => {
    const kinds = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
    for (const release of releases) {
      const sections = release.split(/^### /m).slice(1);
      const found = sections.map((section) => section.split('\n')[0] as string);
      expect(found).toEqual(kinds.filter((kind) => found.includes(kind)));
      for (const section of sections) expect(section).toMatch(/^- /m);
    }
  });
});

describe('issue forms', () => {
  const folder = '.github/ISSUE_TEMPLATE';
  const forms = listFiles(join(root, folder)).filter((path) => !path.endsWith('config.yml'));

  interface Form {
    readonly name: string;
    readonly description: string;
    readonly body: readonly {
      readonly type: string;
      readonly id?: string;
      readonly attributes: { readonly label?: string; readonly value?: string };
    }[];
  }

  test.each(forms)('%s is one that GitHub takes', (path) => {
    const form = parse(textOf(path)) as Form;
    expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    const fields = form.body.filter(({ type }) => type !== 'markdown');
    const ids = fields.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { type, id, attributes } of fields) {
      expect(['textarea', 'input', 'dropdown', 'checkboxes']).toContain(type);
      expect(id).toMatch(/^[\w-]+$/);
      expect(attributes.label).toEqual(expect.any(String));
    }
  });

  test.each(forms)('%s has links that lead to files of the repository', (path) => {
    for (const [, target = '', anchor] of textOf(path).matchAll(
      /\(\.\.\/blob\/main\/([^)#]+)(?:#([^)]+))?\)/g,
    )) {
      expect(exists(target), target).toBe(true);
      if (anchor) expect(anchorsOf(target)).toContain(anchor);
    }
  });

  test.each(forms.filter((path) => !path.endsWith('feature.yml')))(
    '%s asks for no key and no prompt',
    (path) => {
      expect(textOf(path)).toContain('No keys and no prompts of yours, please.');
    },
  );
});
