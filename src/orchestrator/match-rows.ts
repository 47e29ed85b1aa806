/** Finds the row that a custom id belongs to, and says of each row whether it is the one that was sent. */
import type { FileType, IdMap, Row } from '../models.ts';
import { createCustomId, parseCustomId } from './custom-ids.ts';

export interface RowMatcher {
  /** The slot of the row that was sent under this custom id; undefined for an id that was not sent. */
  slotOf(customId: string): number | undefined;
  /** The slot of a row of the input; `changed` when its prompt is not the one that was sent. */
  locate(row: Row): number | 'not_sent' | 'changed';
}

/** For records of ours, whose custom ids prove the prompt. Holds five bytes per row. */
export function matchOwnRows(): RowMatcher & { add(idMap: IdMap): void } {
  let fingerprints = new Uint32Array(1024);
  let sent = new Uint8Array(1024);

  function grow(needed: number): void {
    const size = Math.max(needed, sent.length * 2);
    const largerFingerprints = new Uint32Array(size);
    const largerSent = new Uint8Array(size);
    largerFingerprints.set(fingerprints);
    largerSent.set(sent);
    fingerprints = largerFingerprints;
    sent = largerSent;
  }

  return {
    /** Adds the rows of one part. */
    add(idMap) {
      for (const customId in idMap) {
        const id = parseCustomId(customId);
        if (!id) continue;
        if (id.index >= sent.length) grow(id.index + 1);
        sent[id.index] = 1;
        fingerprints[id.index] = id.fingerprint;
      }
    },
    slotOf(customId) {
      const id = parseCustomId(customId);
      return id && sent[id.index] && fingerprints[id.index] === id.fingerprint ? id.index : undefined;
    },
    locate(row) {
      if (!sent[row.index]) return 'not_sent';
      if (row.prompt === null) return 'changed';
      const id = parseCustomId(createCustomId(row.index, row.prompt));
      return id?.fingerprint === fingerprints[row.index] ? row.index : 'changed';
    },
  };
}

/** For records of the Python tool: custom ids of any form, mapped to row numbers (CSV) or to ids (JSON). */
export function matchMappedRows(idMap: IdMap, fileType: FileType): RowMatcher {
  const slots = new Map<string, number>();
  const slotsByReference = new Map<string, number>();
  for (const [customId, reference] of Object.entries(idMap)) {
    const slot = slots.size;
    slots.set(customId, slot);
    slotsByReference.set(reference, slot);
  }
  return {
    slotOf: (customId) => slots.get(customId),
    locate: (row) => slotsByReference.get(fileType === 'csv' ? String(row.index) : row.id) ?? 'not_sent',
  };
}
