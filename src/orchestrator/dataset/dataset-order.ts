/** An input as a person names it. */
import type { Told } from '../../core/errors.ts';
import type { InputFormat, PromptSource, TextLayout } from '../../formats/format.ts';
import type { Attaching } from './attachments/row-contents.ts';
import type { PickOrder } from './pick-rows.ts';

/** An input as a person names it. */
export interface DatasetOrder extends Attaching {
  /** Absolute. */
  readonly path: string;
  readonly format: InputFormat;
  /** undefined: the field `prompt`, where rows are objects. */
  readonly promptSource: PromptSource | undefined;
  /** What its rows attach: columns or fields that name files, or templates that do. */
  readonly attach?: readonly string[] | undefined;
  /** How its text is laid out; what is undefined is found whenever it is read. */
  readonly layout?: TextLayout | undefined;
  /** undefined: all rows are run. */
  readonly pick: PickOrder | undefined;
  /** The column or field that tells rows apart; undefined: `id`, where there is one. */
  readonly rowId?: string | undefined;
  /** Columns or fields that it must not have: ours go there. */
  readonly reserved?: readonly string[] | undefined;
  /** Told, in whole sentences, of what in the input could be meant in two ways; each time that it is read. */
  onRemark?(remark: Told): void;
}
