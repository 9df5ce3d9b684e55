/**
 * Worker ids of every kind of worker. The one place that takes them apart.
 *
 *     HOST:PID:QUEUES          Resque, php-resque
 *     HOST:PID-SLOT:QUEUES     ours; HOST has no colon
 *     HOST:PID+NUMBER:QUEUES   node-resque; if its user names workers, also NAME:QUEUES
 */
export interface WorkerId {
  /** The first part, if the id names no host. */
  readonly host: string;
  /** `null` if the id has no pid. */
  readonly pid: number | null;
  /** `HOST:PID`: all workers of a process share it. */
  readonly process: string;
  /** The id without its queues. node-resque counts and pings under this name. */
  readonly name: string;
  /** Names and patterns, as in Resque's `QUEUES`; '' if the id has none. */
  readonly queues: string;
  /** What follows the pid: our slot, node-resque's number, or nothing. */
  readonly part: 'slot' | 'number' | null;
}

/** A pid is recognized by its digits alone, because a host may contain colons, as in IPv6. */
const withPid = /^(.+?):(\d{1,15})([-+]\d+)?(?::(.*))?$/s;

export function readWorkerId(id: string): WorkerId {
  const [, host, pid, part, queues = ''] = withPid.exec(id) ?? [];
  if (host !== undefined && pid !== undefined) {
    const process = `${host}:${pid}`;
    const name = `${process}${part ?? ''}`;
    return { host, pid: Number(pid), process, name, queues, part: partOf(part) };
  }
  const [first = '', ...others] = id.split(':');
  const [second, ...rest] = others;
  // Resque takes the second part for a pid, even if it is none; node-resque takes the second of two for the queues.
  if (second === undefined || rest.length === 0) {
    return { host: first, pid: null, process: first, name: first, queues: second ?? '', part: null };
  }
  const name = `${first}:${second}`;
  return { host: first, pid: null, process: name, name, queues: rest.join(':'), part: null };
}

function partOf(part: string | undefined): WorkerId['part'] {
  if (part === undefined) return null;
  return part.startsWith('-') ? 'slot' : 'number';
}

/** @returns `null` if the id doesn't have our shape */
export function readOwnWorkerId(id: string): WorkerId | null {
  const parts = readWorkerId(id);
  return parts.part === 'slot' && parts.queues !== '' ? parts : null;
}

/** Whether Ruby's worker pruning survives this id: it needs a host, a pid and at least one queue. */
export function isPrunableId(id: string): boolean {
  return /^[^:]*:[^:]*:[\s\S]*[^,\s]/.test(id);
}
