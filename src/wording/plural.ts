/** `1 job`, `2 jobs`. @param shown the number as it is to be written */
export function plural(count: number, noun: string, shown = String(count)): string {
  return `${shown} ${noun}${count === 1 ? '' : 's'}`;
}
