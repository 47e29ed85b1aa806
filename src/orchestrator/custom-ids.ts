/** Our custom ids: valid at every provider, unique in a job, and proof of the prompt that was sent. */
import { createHash } from 'node:crypto';

const pattern = /^row-(0|[1-9]\d{0,14})-([0-9a-f]{8})$/;

/** The first 32 bits of the prompt's sha256, as a number. */
export function fingerprintPrompt(prompt: string): number {
  return createHash('sha256').update(prompt).digest().readUInt32BE(0);
}

/** `row-<index>-<first 8 hex digits of sha256(prompt)>`. */
export function createCustomId(index: number, prompt: string): string {
  return `row-${index}-${fingerprintPrompt(prompt).toString(16).padStart(8, '0')}`;
}

/** The parts of a custom id of ours, or undefined for any other. */
export function parseCustomId(customId: string): { index: number; fingerprint: number } | undefined {
  const match = pattern.exec(customId);
  return match
    ? { index: Number(match[1]), fingerprint: Number.parseInt(match[2] as string, 16) }
    : undefined;
}
