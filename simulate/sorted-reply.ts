import type { Reply } from './resp.ts';

/** Redis gives sets and hashes in an order that differs from one server process to the next. */
export function sortedReply(name: string, reply: Reply): Reply {
  if (!Array.isArray(reply)) return reply;
  if (name === 'SMEMBERS' || name === 'KEYS' || name === 'HKEYS') return [...reply].sort(byText);
  if (name !== 'HGETALL') return reply;
  const pairs = reply.flatMap((field, at) => (at % 2 === 0 ? [[field, reply[at + 1] ?? null] as const] : []));
  return pairs.sort(([a], [b]) => byText(a, b)).flat();
}

function byText(a: Reply, b: Reply): number {
  return Buffer.compare(a as Buffer, b as Buffer);
}
