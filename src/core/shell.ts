/** Words of commands that people paste into a shell. */

/** One word for any POSIX shell, whatever it holds: nothing in it is carried out, and nothing steers the terminal. */
export function quoteShell(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (/^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  // Only printf can name what can't be shown.
  const bytes = [...Buffer.from(word)].map((byte) =>
    /[\w@+=:,./-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : octal(byte),
  );
  return `"$(printf '${bytes.join('')}')"`;
}

function octal(byte: number): string {
  return `\\${byte.toString(8).padStart(3, '0')}`;
}
