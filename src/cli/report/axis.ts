/** Where an axis of counts ends, and what is written along it. */

/** The least round number from `most` on. */
export function chooseTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return power * ([1, 2, 4, 6, 8].find((digit) => digit * power >= most) ?? 10);
}

/** Nothing, half and all of it: whole numbers. */
export function listTicks(top: number): number[] {
  return top === 1 ? [0, 1] : [0, top / 2, top];
}
