import { isUtf8 } from 'node:buffer';
import type { Key } from '../redis/large-reads.ts';

/** A name that none holds, since keys are made of it before it is replaced. */
const placeholder = '\0';

/** The key of what has this name, also where the name is no UTF-8: as text it would be another. */
export function keyOfName(keyOf: (name: string) => string, name: Buffer): Key {
  if (isUtf8(name)) return keyOf(name.toString());
  const [before = '', after = ''] = keyOf(placeholder).split(placeholder);
  return Buffer.concat([Buffer.from(before), name, Buffer.from(after)]);
}
