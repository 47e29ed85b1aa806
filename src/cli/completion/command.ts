/**
 * `loom completion`: scripts that ask the program itself at each Tab (complete.ts), so that they know whatever flags it has.
 * The first line of its answer says what follows: `words`, one a line with a description behind a tab; `files` and the
 * extensions that they may have; or `folders`.
 */
import { completeWord, type Shell } from '../../core/names.ts';
import type { CommandContext, CompletionOptions } from '../options/options.ts';

export async function completion(
  { shell }: CompletionOptions,
  { terminal }: CommandContext,
): Promise<number> {
  terminal.printText(scripts[shell].trim());
  return 0;
}

const bash = String.raw`
# Completion of loom for bash.
_loom_complete() {
  ((COMP_CWORD > 0)) || return
  local words=() count=0 previous= current= word index
  # bash cuts words at = and :, which belong to ours.
  for ((index = 1; index <= COMP_CWORD; index++)); do
    word=${'$'}{COMP_WORDS[index]}
    if ((count > 0)) && [[ $word =~ ^[=:]+$ || $previous =~ ^[=:]+$ ]]; then
      words[count - 1]+=$word
    else
      words[count]=$word
      count=$((count + 1))
    fi
    previous=$word
  done
  current=${'$'}{words[count - 1]}
  local cut=
  [[ $word =~ ^[=:]+$ ]] && cut=$current || cut=${'$'}{current%"$word"}

  COMPREPLY=()
  local kind line value
  {
    IFS= read -r kind
    case $kind in
      words)
        while IFS= read -r line; do
          value=${'$'}{line%%$'\t'*}
          value=${'$'}{value#"$cut"}
          [[ $word == [\"\']* ]] || printf -v value '%q' "$value"
          COMPREPLY+=("$value")
        done
        ;;
      files* | folders)
        local path=${'$'}{word//\\/}
        [[ $word =~ ^[=:]+$ ]] && path=
        path=${'$'}{path#[\"\']}
        compopt -o filenames 2> /dev/null
        while IFS= read -r line; do
          if [[ -d ${'$'}{line/#\~/$HOME} ]] || _loom_takes "$line" $kind; then COMPREPLY+=("$line"); fi
        done < <(compgen -f -- "$path")
        ;;
    esac
  } < <("${'$'}{COMP_WORDS[0]/#\~/$HOME}" ${completeWord} bash "${'$'}{words[@]}" 2> /dev/null)
}
# Whether a file has one of the extensions that follow the word "files"; any will do where none follows.
_loom_takes() {
  local name=$1 extension
  [[ $2 == files ]] || return 1
  shift 2
  (($# == 0)) && return 0
  for extension; do [[ $name == *.$extension ]] && return 0; done
  return 1
}
complete -F _loom_complete loom loom-batch
`;

const zsh = String.raw`
#compdef loom loom-batch
# Completion of loom for zsh.
_loom() {
  local -a lines kind values descriptions
  local line value current=${'$'}{(Q)words[CURRENT]}
  lines=("${'$'}{(@f)$("${'$'}{(Q)words[1]/#\~/$HOME}" ${completeWord} zsh "${'$'}{(@Q)words[2,CURRENT]}" 2> /dev/null)}")
  kind=(${'$'}{=lines[1]})
  [[ $current == --*=* ]] && compset -P '*='
  case $kind[1] in
    files)
      if (($#kind > 1)); then _files -g "*.(${'$'}{(j:|:)kind[2,-1]})(-.)"; else _files; fi
      ;;
    folders) _files -/ ;;
    words)
      for line in "${'$'}{(@)lines[2,-1]}"; do
        value=${'$'}{line%%$'\t'*}
        [[ $current == --*=* ]] && value=${'$'}{value#*=}
        values+=("$value")
        descriptions+=("$value${'$'}{${'$'}{line#*$'\t'}:+  ${'$'}{line#*$'\t'}}")
      done
      compadd -l -d descriptions -a values
      ;;
  esac
}
if [[ $funcstack[1] == _loom ]]; then _loom "$@"; else compdef _loom loom loom-batch; fi
`;

const fish = String.raw`
# Completion of loom for fish.
function __loom_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (command $words[1] ${completeWord} fish $words[2..-1] "$current" 2>/dev/null)
    set -l kind (string split ' ' -- $lines[1])
    switch "$kind[1]"
        case words
            test (count $lines) -gt 1; and printf '%s\n' $lines[2..-1]
        case files folders
            set -l flag (string match -r -- '^--[^=]+=' "$current")
            set -l path (string replace -r -- '^--[^=]+=' '' "$current")
            set -l ending ''
            test "$kind" = folders; and set ending '/'
            test (count $kind) -gt 1; and set ending '(?:/|\.(?:'(string join '|' $kind[2..-1])'))'
            __fish_complete_path "$path" | string match -er -- "^[^\t]+$ending(?:\t|\$)" | string replace -r -- '^' "$flag"
    end
end
complete -c loom -f -k -a '(__loom_complete)'
complete -c loom-batch -f -k -a '(__loom_complete)'
`;

const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
