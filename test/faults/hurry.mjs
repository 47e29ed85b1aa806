/** Preloaded into the program where its patience is not what is tried: long pauses take a tenth of their time. */
const original = globalThis.setTimeout;
const longMs = 400;

globalThis.setTimeout = Object.assign(
  (work, milliseconds, ...rest) =>
    original(work, milliseconds > longMs ? milliseconds / 10 : milliseconds, ...rest),
  original,
);
