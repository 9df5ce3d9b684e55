import { createHash } from 'node:crypto';

/** A Lua script for Redis with the name that Redis knows it by. */
export interface Script {
  readonly source: string;
  readonly sha1: string;
}

export function script(source: string): Script {
  return { source, sha1: createHash('sha1').update(source).digest('hex') };
}
