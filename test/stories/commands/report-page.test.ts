/** The page of a report in a real browser: what it shows, what it never does, and how it is used. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page, SerializedAXNode } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasBrowser, type StartedBrowser, startBrowser } from '../../browser.ts';
import { createWorld, type World } from '../../program.ts';

/** What a model may answer, or a provider say. */
const hostile = [
  '</script><script>document.title = "taken"</script>',
  '<!-- <script> --> <img src="https://example.com/x.png" onerror="document.title = \'taken\'">',
  '<svg onload=alert(1)><a href="javascript:alert(1)">x</a>',
  'before\u2028after\u2029end',
  'half a pair \ud83d and \udc00 the other',
  '\u202egnirts desrever\u202c and \u200fmarks',
  '\u0000\u0007 control characters \u001b[31m',
  '{{constructor.constructor("alert(1)")()}} &lt;b&gt; &amp;',
  '"\'`; window.taken = true; //',
  'a'.repeat(50_000),
];

/** What the page did that it must not do. */
interface Watch {
  readonly requests: string[];
  readonly messages: string[];
}

describe.skipIf(!hasBrowser)('in a browser', () => {
  let started: StartedBrowser;
  let world: World;
  let page: Page;
  let watch: Watch;

  beforeAll(async () => {
    started = await startBrowser();
  });
  afterAll(() => started?.close());

  beforeEach(async () => {
    world = await createWorld();
    page = await started.browser.newPage();
    watch = { requests: [], messages: [] };
    page.on('request', (request) => watch.requests.push(request.url()));
    page.on('console', (message) => watch.messages.push(message.text()));
    page.on('pageerror', (error) => watch.messages.push(String(error)));
    page.on('dialog', (dialog) => {
      watch.messages.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
  });
  afterEach(async () => {
    await page.close();
    await world.remove();
  });

  /** Writes an output, makes its report and opens that. */
  async function openReport(name: string, content: string, ...flags: string[]): Promise<string> {
    await world.write(name, content);
    const ended = await world.loom('report', name, '-o', 'report.html', ...flags);
    expect(ended).toMatchObject({ code: 0 });
    const address = pathToFileURL(join(world.folder, 'report.html')).href;
    await page.goto(address);
    return address;
  }

  const textsOf = (selector: string) =>
    page.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => element.textContent)`,
    ) as Promise<string[]>;
  const textOf = async (selector: string) => (await textsOf(selector))[0];
  const waitForText = (selector: string, text: string) =>
    page.waitForFunction(
      `document.querySelector(${JSON.stringify(selector)})?.textContent === ${JSON.stringify(text)}`,
    );
  const focused = () =>
    page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent');

  test('hostile answers and reasons run nothing, load nothing, and are shown as they are', async () => {
    const rows = hostile.flatMap((text) => [
      { prompt: text, llm_response: text },
      { prompt: 'x', llm_response: null, llm_error: `${text.slice(0, 40)}: ${text}` },
    ]);
    const address = await openReport(
      '</title><b>&.jsonl'.replaceAll('/', '_'),
      rows.map((row) => JSON.stringify(row)).join('\n'),
    );
    for (const [place, text] of hostile.entries()) {
      await page.click(`tbody tr:nth-child(${2 * place + 1}) .open`);
      expect(await textsOf('dialog .text')).toEqual([text, text]);
      await page.keyboard.press('Escape');
    }
    expect(await page.title()).toBe('<_title><b>&.jsonl – loom report');
    expect(await page.evaluate('typeof window.taken')).toBe('undefined');
    expect(await page.evaluate('document.querySelectorAll("img, b, a, iframe, object, link").length')).toBe(
      0,
    );
    expect(watch).toEqual({ requests: [address], messages: [] });
  });

  test('even what got into the page could neither run nor load anything', async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await openReport('a.csv', 'prompt,llm_response\nHello,Hi\n');
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      // As an injection would do it, past the escapes.
      const violations = await page.evaluate(`new Promise((resolve) => {
        const found = new Set();
        document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
          found.add(effectiveDirective);
          if (found.size === 3) resolve([...found].sort());
        });
        const script = document.createElement('script');
        try { script.textContent = 'window.taken = true'; } catch {}
        document.body.append(script);
        const image = document.createElement('img');
        image.src = '${origin}/x.png';
        document.body.append(image);
        fetch('${origin}/').catch(() => {});
      })`);
      expect(violations).toEqual(['connect-src', 'img-src', 'require-trusted-types-for']);
      expect(await page.evaluate('typeof window.taken')).toBe('undefined');
      expect(asked).toEqual([]);
    } finally {
      server.close();
    }
  });

  describe('with 50,000 rows', () => {
    const rows = Array.from({ length: 50_000 }, (_, index) =>
      index % 5_000 === 7
        ? `r${index},Ask ${index},,rate_limit: Slow down ${index}`
        : `r${index},Ask ${index},The answer to question ${index} is ${index * 7}.,`,
    );
    const content = `id,prompt,llm_response,llm_error\n${rows.join('\n')}\n`;

    beforeEach(() => openReport('large.csv', content));

    const countElements = () =>
      page.evaluate('document.querySelectorAll("body *").length') as Promise<number>;

    test('only one page of them is in the document', async () => {
      expect(await textOf('#found')).toBe('50,000 rows');
      expect(await textsOf('tbody th')).toHaveLength(50 + 1);
      expect(await countElements()).toBeLessThan(1_500);
    });

    test('the search finds a row among all, and marks what it found', async () => {
      await page.type('#text', 'QUESTION 43210 is');
      await waitForText('#found', '1 of 50,000 rows');
      expect(await textsOf('.rows td')).toEqual([
        'r43210',
        'Ask 43210',
        'The answer to question 43210 is 302470.',
      ]);
      expect(await textsOf('mark')).toEqual(['question 43210 is']);
      await page.click('#text', { count: 3 });
      await page.type('#text', '(no row has this');
      await waitForText('#found', '0 of 50,000 rows');
      expect(await textsOf('.rows td')).toEqual([]);
      await page.click('#text', { count: 3 });
      await page.keyboard.press('Backspace');
      await waitForText('#found', '50,000 rows');
      expect(watch.messages).toEqual([]);
    });

    test('a search leaves the page awake: what it has found so far is told on the way', async () => {
      const told = await page.evaluate(`new Promise((resolve) => {
        const told = [];
        new MutationObserver(([{ target }]) => {
          told.push(target.textContent);
          if (!target.textContent.endsWith('…')) resolve(told);
        }).observe(document.getElementById('found'), { childList: true });
        const field = document.getElementById('text');
        field.value = 'question';
        field.form.requestSubmit();
      })`);
      expect(told).toEqual(
        expect.arrayContaining([expect.stringMatching(/of 50,000 rows so far …$/), '49,990 of 50,000 rows']),
      );
    });

    test('pages are turned to the last and back', async () => {
      const press = (title: string) => page.click(`#pager ::-p-text(${title})`);
      await press('Next');
      expect(await textOf('#pager [role=status]')).toBe('Page 2 of 1,000');
      expect(await textOf('.rows tbody th')).toBe('51');
      await press('Last');
      expect(await textOf('#pager [role=status]')).toBe('Page 1,000 of 1,000');
      expect((await textsOf('.rows tbody th')).at(-1)).toBe('50000');
      await press('Next');
      expect(await textOf('#pager [role=status]')).toBe('Page 1,000 of 1,000');
      await press('First');
      expect(await textOf('.rows tbody th')).toBe('1');
      expect(await countElements()).toBeLessThan(1_500);
    });

    test('a group of failures shows its rows', async () => {
      await page.click('.show-rows:not([hidden])');
      await waitForText('#found', '10 of 50,000 rows');
      expect((await textsOf('.rows td .reason'))[1]).toBe('rate_limit: Slow down 5007');
    });
  });

  const few = 'prompt,llm_response\nOne,First answer\nTwo,Second answer\nThree,Third answer\n';

  test('all of it is done by keyboard', async () => {
    await openReport('few.csv', few);
    await page.keyboard.press('/');
    await page.keyboard.type('ir');
    await waitForText('#found', '2 of 3 rows');
    const passed = [];
    for (let tabs = 0; tabs < 5; tabs += 1) {
      await page.keyboard.press('Tab');
      passed.push(await focused());
    }
    expect(passed.slice(1, 3)).toEqual(['Save as CSV', 'Columns']);
    expect(await focused()).toBe('Row 1, answered: show whole');
    await page.keyboard.press('Enter');
    expect(await textsOf('dialog .text')).toEqual(['One', 'First answer']);
    expect(await focused()).toBe('Row 1');
    await page.keyboard.press('ArrowRight');
    expect(await textsOf('dialog .text')).toEqual(['Three', 'Third answer']);
    await page.keyboard.press('ArrowRight');
    expect(await textOf('dialog [role=status]')).toBe('2 of 2');
    await page.keyboard.press('Escape');
    expect(await page.evaluate('document.querySelector("dialog").open')).toBe(false);
    expect(await focused()).toBe('Row 1, answered: show whole');
    expect(watch.messages).toEqual([]);
  });

  test('a reader of the screen gets names, headings and a table', async () => {
    await openReport('few.csv', few);
    const snapshot = await page.accessibility.snapshot({ interestingOnly: false });
    const named = (node: SerializedAXNode | null): string[] =>
      node ? [`${node.role}: ${node.name}`, ...(node.children ?? []).flatMap(named)] : [];
    expect(named(snapshot)).toEqual(
      expect.arrayContaining([
        'heading: few.csv',
        'heading: Prompts and answers',
        'searchbox: Search',
        'combobox: Show',
        'columnheader: Answer',
        'rowheader: Row 1, answered: show whole',
        'cell: First answer',
        'image: Length of the answers, in characters. 3 answers: from 12 to 13, half of them up to about 12, 95 % up to about 13.',
      ]),
    );
  });

  test.each(['light', 'dark'])(
    'it is %s where the reader wants that, with enough contrast',
    async (scheme) => {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      await openReport('few.csv', few);
      const contrasts = (await page.evaluate(`(() => {
      const luminance = (text) => {
        const [r, g, b] = text.match(/\\d+/g).map((part) => {
          const share = part / 255;
          return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const probe = document.createElement('p');
      document.body.append(probe);
      const read = (name) => {
        probe.style.color = 'var(--' + name + ')';
        return luminance(getComputedStyle(probe).color);
      };
      const pairs = [];
      for (const ink of ['ink', 'soft', 'accent', 'failed'])
        for (const ground of ['paper', 'sheet', 'wash']) {
          const [high, low] = [read(ink), read(ground)].sort((a, b) => b - a);
          pairs.push((high + 0.05) / (low + 0.05));
        }
      return { least: Math.min(...pairs), isDark: read('paper') < 0.2 };
    })()`)) as { least: number; isDark: boolean };
      expect(contrasts.isDark).toBe(scheme === 'dark');
      expect(contrasts.least).toBeGreaterThanOrEqual(4.5);
    },
  );

  test('it fits a phone', async () => {
    await page.setViewport({ width: 360, height: 700 });
    await openReport(
      'few.csv',
      `id,${few.replaceAll('\n', '\nx,').slice(0, -2)}${'y'.repeat(300)},${'z'.repeat(300)},w\n`,
    );
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await page.evaluate('document.getElementById("view").scrollWidth <= 360')).toBe(true);
  });

  test('its paper has no controls', async () => {
    await openReport('few.csv', few);
    await page.emulateMediaType('print');
    expect(await page.$eval('#search', (element) => element.isConnected)).toBe(true);
    expect(await page.evaluate('getComputedStyle(document.getElementById("search")).display')).toBe('none');
    expect(await page.evaluate('getComputedStyle(document.querySelector(".rows")).display')).toBe('table');
  });

  test('without scripts the figures and plots are there, and it says what is not', async () => {
    await page.setJavaScriptEnabled(false);
    await openReport('few.csv', few);
    expect(await page.$$('.plot svg rect')).not.toEqual([]);
    expect(await page.$('#search[hidden]')).not.toBeNull();
    expect(await page.$eval('noscript', (element) => element.textContent)).toContain('needs JavaScript');
  });
});
