/** A real browser for tests: the one that CHROME_PATH names, else one that comes as an npm package. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'puppeteer-core';

const namedPath = process.env.CHROME_PATH || process.env.PUPPETEER_EXECUTABLE_PATH;

/** The package holds a build for this system alone. */
export const hasBrowser = Boolean(namedPath) || (process.platform === 'linux' && process.arch === 'x64');

export interface StartedBrowser {
  readonly browser: Browser;
  /** Ends every process of it, and removes what was unpacked. */
  close(): Promise<void>;
}

export async function startBrowser(): Promise<StartedBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'loom-browser-'));
  const { executablePath, env } = namedPath
    ? { executablePath: namedPath, env: process.env }
    : await unpackBrowser(folder);
  const { launch } = await import('puppeteer-core');
  const browser = await launch({
    executablePath,
    env: { ...env, HOME: folder },
    userDataDir: join(folder, 'profile'),
    headless: 'shell',
    // Root has no sandbox, and a container little shared memory.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  return {
    browser,
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** The package unpacks into the folder for temporary files, and brings the libraries that a bare system lacks. */
async function unpackBrowser(folder: string) {
  const own = { ...process.env };
  // By this it tells that the system has none of these libraries.
  Object.assign(process.env, { TMPDIR: folder, AWS_LAMBDA_JS_RUNTIME: 'nodejs20.x' });
  try {
    const { default: chromium } = await import('@sparticuz/chromium');
    const executablePath = await chromium.executablePath();
    const { LD_LIBRARY_PATH } = process.env;
    return { executablePath, env: { ...own, LD_LIBRARY_PATH, FONTCONFIG_FILE: await describeFonts(folder) } };
  } finally {
    for (const name of ['TMPDIR', 'AWS_LAMBDA_JS_RUNTIME', 'LD_LIBRARY_PATH', 'FONTCONFIG_PATH']) {
      if (own[name] === undefined) delete process.env[name];
      else process.env[name] = own[name];
    }
  }
}

/** Without any font the browser stops; the package's own configuration looks for its fonts in `/tmp/fonts` alone. */
async function describeFonts(folder: string): Promise<string> {
  const path = join(folder, 'fonts.conf');
  const folders = [join(folder, 'fonts'), '/usr/share/fonts'].map((fonts) => `<dir>${fonts}</dir>`).join('');
  const cache = `<cachedir>${join(folder, 'fonts-cache')}</cachedir>`;
  await writeFile(path, `<?xml version="1.0"?><fontconfig>${folders}${cache}</fontconfig>\n`);
  return path;
}
