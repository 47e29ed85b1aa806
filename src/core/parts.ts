/** The parts of what is asked: texts, files whose bytes go along, and files at addresses. */

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

/** A file as it goes out in a request. */
export interface FilePart {
  readonly type: FileKind;
  readonly mediaType: string;
  /** Base64. */
  readonly data: string;
}

/** A file that a row names: its bytes stay where they are until its request is written. */
export interface StoredPart {
  readonly type: FileKind;
  readonly mediaType: string;
  readonly file: StoredFile;
}

/** A file at an address, from which the provider fetches it itself. */
export interface LinkPart {
  readonly type: FileKind;
  readonly url: string;
}

export type FileKind = 'image' | 'document';

export interface StoredFile {
  /** Of its bytes, in hex: what tells files apart, wherever they lie. */
  readonly sha256: string;
  readonly bytes: number;
  /** An absolute path, or a data URI. */
  readonly place: string;
}

/** What a request holds. */
export type Part = TextPart | FilePart | LinkPart;
/** What a row asks. */
export type AskedPart = TextPart | StoredPart | LinkPart;

export interface Message<PartOf = Part> {
  readonly role: 'user' | 'assistant';
  readonly parts: readonly PartOf[];
}

export interface Content<PartOf = Part> {
  readonly messages: readonly Message<PartOf>[];
  /** What a conversation of a row begins with, for the model alone. */
  readonly system?: string | undefined;
}

/** The content of a row, whose files are not read yet. */
export type AskedContent = Content<AskedPart>;
