/** Progress of long commands: a bar on a terminal, elsewhere a plain line on stderr every ten seconds. */
import type { Terminal } from './terminal.ts';

interface State {
  readonly done: number;
  readonly total: number;
  readonly details: string;
}

export interface Progress {
  update(state: State): void;
  /** Leaves the last state on the screen. Call it however the command ends. */
  stop(): void;
}

const plainLineMs = 10_000;

/** Shows nothing before the first update. */
export function startProgress(terminal: Terminal, label: string): Progress {
  return terminal.drawsBars ? startBar(terminal, label) : startPlainLines(terminal, label);
}

const redrawMs = 100;
const longestBar = 24;
const shortestBar = 4;

/** The bar is pinned below all that is told meanwhile, and is the last of it in the end. */
function startBar(terminal: Terminal, label: string): Progress {
  const startedAt = Date.now();
  let state: State | undefined;
  let timer: NodeJS.Timeout | undefined;
  let width = 0;

  function draw({ done, total, details }: State): string {
    const parts = describe(done, total, details, startedAt);
    const words = joinParts(parts);
    const room = Math.min(longestBar, width - label.length - words.length - 2);
    if (room < shortestBar) return fitWords(label, parts, width);
    const filled = total === 0 ? room : Math.round(Math.min(1, done / total) * room);
    return `${label} ${'█'.repeat(filled)}${'░'.repeat(room - filled)} ${words}`;
  }

  return {
    update(next) {
      state = { ...next };
      if (timer) return;
      terminal.pin(({ columns }) => {
        // The last column stays free: some terminals begin a new line once it is written.
        width = columns - 1;
        return state ? [draw(state)] : [];
      });
      timer = setInterval(() => terminal.redrawPinned(), redrawMs);
      timer.unref();
    },
    stop() {
      if (!timer) return;
      clearInterval(timer);
      timer = undefined;
      terminal.unpin();
      if (state) terminal.note(draw(state));
      state = undefined;
    },
  };
}

function startPlainLines(terminal: Terminal, label: string): Progress {
  const startedAt = Date.now();
  let last: string | undefined;
  let state: State | undefined;
  const timer = setInterval(() => {
    if (!state) return;
    const line = `${label} ${joinParts(describe(state.done, state.total, state.details, startedAt))}`;
    if (line !== last) terminal.note(line);
    last = line;
  }, plainLineMs);
  timer.unref();
  return {
    update(next) {
      state = { ...next };
    },
    stop: () => clearInterval(timer),
  };
}

interface Parts {
  readonly count: string;
  readonly details: string;
  readonly elapsed: string;
  readonly eta: string;
}

function describe(done: number, total: number, details: string, startedAt: number): Parts {
  const elapsedSeconds = (Date.now() - startedAt) / 1000;
  const eta = done > 0 ? formatElapsed((elapsedSeconds / done) * (total - done)) : '-:--:--';
  return { count: `${done}/${total}`, details, elapsed: formatElapsed(elapsedSeconds), eta: `eta ${eta}` };
}

/** `340/1000  errors=0  0:01:12  eta 0:02:19` */
function joinParts(parts: Partial<Parts>): string {
  const { count, details, elapsed, eta } = parts;
  return [count, details, elapsed, eta].filter((part) => part !== undefined).join('  ');
}

/** As much as there is room for; how far it is, and when it will be done, is left out last, and never cut in part. */
function fitWords(label: string, parts: Parts, width: number): string {
  const { count, details, eta } = parts;
  const shorter = [parts, { count, details, eta }, { count, eta }].map(
    (some) => `${label} ${joinParts(some)}`,
  );
  const fitting = [...shorter, joinParts({ count, eta }), count].find((text) => text.length <= width);
  return fitting ?? count.slice(0, width);
}

/** Seconds as `h:mm:ss`; `-` where they are not known. */
export function formatElapsed(seconds: number): string {
  if (Number.isNaN(seconds)) return '-';
  const whole = Math.round(seconds);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
