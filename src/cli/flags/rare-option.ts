/** A flag that few need: the help of a command with many flags leaves it to `--help-all`. */
import { Option } from 'commander';

export class RareOption extends Option {}
