/**
 * The codes of errors, and what is known beside the words of each. A code stays what it is while words get better: the
 * words here and at the throw are the library's, and a program with other names for the options has its own.
 */

/** An option that names a column or field. */
export type NamingOption = 'col' | 'prompt' | 'rowId';

/** By code. The page docs/reference/errors.md lists them. */
export interface ErrorFacts {
  /** A file is where the output is to be, and may not be replaced. */
  output_exists: { readonly path: string };
  /** A file came where the output was to be put, after the work began. */
  output_appeared: { readonly path: string };
  /** Another run is about to write the same output. */
  output_claimed: { readonly path: string };
  /** The folder of the output is not there. */
  output_folder_missing: { readonly folder: string };
  /** Nothing can be written into the folder of the output. */
  output_folder_unwritable: { readonly folder: string };
  /** The file system takes no name so long. */
  output_name_too_long: { readonly path: string };
  /** A folder or a device is where the output is to be. */
  output_not_a_file: { readonly path: string };
  /** There is no such input. */
  input_missing: { readonly path: string };
  /** The input is a folder. */
  input_is_folder: { readonly path: string };
  /** The input is a pipe or a device. */
  input_not_a_file: { readonly path: string };
  /** Nothing says which column of a table (`title`: its format) holds the prompts. */
  prompt_column_missing: {
    readonly path: string;
    readonly title: string;
    readonly names: readonly string[];
  };
  /** A table has no column of the name that `option` gives; `closest` is like it. */
  column_unknown: {
    readonly path: string;
    readonly name: string;
    readonly names: readonly string[];
    readonly option: NamingOption;
    readonly closest: string | undefined;
  };
  /**
   * JSON entries lack the field for the prompt. Without `option` nobody named one; `holds` says which files have such
   * fields.
   */
  field_unknown: {
    readonly path: string;
    readonly name: string;
    readonly names: readonly string[];
    readonly option: NamingOption | undefined;
    readonly closest: string | undefined;
    readonly holds: 'requests' | 'conversations' | undefined;
  };
  /** No JSON entry has the field that is to tell rows apart. */
  row_id_unknown: { readonly path: string; readonly name: string };
  /** A template has no placeholder. */
  placeholder_missing: object;
  /** Braces in a template make no placeholder. */
  placeholder_broken: { readonly found: string };
  /** The cache's folder is the user's own, and can't be written to. */
  cache_unwritable: { readonly folder: string };
  /** The cache's folder is another user's; `cache` is the whole of it, `folder` what was tried. */
  cache_not_shared: { readonly folder: string; readonly cache: string };
  /** The cache's folder holds what is no cache; `proposed` is a folder that would do. */
  cache_foreign: { readonly folder: string; readonly proposed: string };
}

export type ErrorCode = keyof ErrorFacts;

/** A code with the facts that belong to it. */
export type CodeWithFacts = {
  readonly [Code in ErrorCode]: { readonly code: Code; readonly facts: ErrorFacts[Code] };
}[ErrorCode];
