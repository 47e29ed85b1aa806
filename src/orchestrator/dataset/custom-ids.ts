/** Our custom ids: valid at every provider, unique in a job, and proof of what was sent. */
const pattern = /^row-(0|[1-9]\d{0,14})-([0-9a-f]{8})$/;

/** The part of a digest that stands in a custom id: its first 32 bits. */
export function fingerprintOf(digest: Buffer): number {
  return digest.readUInt32BE(0);
}

/** `row-<index>-<first 8 hex digits of sha256(content)>`. */
export function createCustomId(index: number, digest: Buffer): string {
  return `row-${index}-${digest.toString('hex', 0, 4)}`;
}

/** The parts of a custom id of ours, or undefined for any other. */
export function parseCustomId(customId: string): { index: number; fingerprint: number } | undefined {
  const match = pattern.exec(customId);
  return match
    ? { index: Number(match[1]), fingerprint: Number.parseInt(match[2] as string, 16) }
    : undefined;
}
