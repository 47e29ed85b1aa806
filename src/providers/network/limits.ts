/**
 * Bounds on everything that comes from outside, in one place. Each is far above what a real answer needs, so that it
 * stops only what would go on for ever, or fill the memory. Bytes are counted as they are kept: after decompression.
 */

const kilobyte = 1024;
const megabyte = 1024 * kilobyte;
const hourMs = 3600_000;

/** A whole answer: the longest text of a model is about one megabyte, a page of a list about two. */
export const mostAnswerBytes = 64 * megabyte;

/** A batch that holds its results itself, as Google's do that were made without a file: 20 MB of requests, and answers. */
export const mostInlineBytes = 256 * megabyte;

/** So many times as long as any other answer may such a batch take. */
export const inlineTimes = 3;

/** The head of an answer: gateways and proxies add headers of their own, more than the 16 kB that are usual. */
export const mostHeadBytes = megabyte;

/** What is read of an answer that says no; its words are in the first kilobytes. */
export const mostRefusalBytes = megabyte;

/** How long the body of an answer that says no is read: what is there by then is enough. */
export const longestRefusalMs = 30_000;

/** One line of results: one answer, with what a provider tells beside it. */
export const mostLineBytes = 64 * megabyte;

/**
 * Lines of one download for each request that was sent: it has one result, in one of at most two files. Blank lines
 * and results that a server repeats find room in the rest.
 */
export const mostLinesFor = (requests: number): number => 4 * requests + 1_000;

/** The whole of an upload or a download: two gigabytes at 50 kB a second. Silence ends it much sooner. */
export const longestTransferMs = 12 * hourMs;

/** An id of a batch or a file: it goes into addresses, which servers take up to some kilobytes. */
export const longestId = 32 * kilobyte;

/** A word of a provider: a code, a status, the reason of an end. */
export const longestWord = 100;

/** A sentence of a provider. */
export const longestMessage = 500;

/** A wait that a provider asks for: a month, and a little. A longer one is a mistake of the server, and not believed. */
export const longestWaitMs = 32 * 24 * hourMs;
