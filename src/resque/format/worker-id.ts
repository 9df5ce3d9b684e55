/**
 * What a worker's id says of it, whoever's it is. Pure.
 *
 *     HOST:PID:QUEUES          Resque, php-resque
 *     HOST:PID-SLOT:QUEUES     ours
 *     HOST:PID+NUMBER:QUEUES   node-resque; where its user names workers also NAME:QUEUES
 */
export interface WorkerId {
  /** All that there is of an id that tells of no host. */
  readonly host: string;
  /** `null` where it tells of none. */
  readonly pid: number | null;
  /** `HOST:PID`: what all workers of a process share. */
  readonly process: string;
  /** The id without its queues: under this name node-resque counts and pings. */
  readonly name: string;
  /** As in Resque's `QUEUES`: names and patterns; '' where it tells of none. */
  readonly queues: string;
  /** Whether the pid has a part behind it, and whose way of writing that is. */
  readonly part: 'slot' | 'number' | null;
}

/** Pids are told apart by their digits alone: a host may hold colons, as one of IPv6 does. */
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
  // As Resque takes it apart, what stands where a pid should be is none; with two parts, as node-resque does.
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

/** Whether a Ruby worker that prunes can take this id apart: host, pid, at least one queue. */
export function isWorkerId(id: string): boolean {
  return /^[^:]*:[^:]*:[\s\S]*[^,\s]/.test(id);
}

/** Our shape of an id, `HOST:PID-SLOT:QUEUE`. @returns `null` where it has another */
export function partsOfId(id: string): { host: string; owner: string; queue: string } | null {
  const [, host, pid, queue] = /^(.+?):(\d+)-\d+:(.+)$/s.exec(id) ?? [];
  if (host === undefined || pid === undefined || queue === undefined) return null;
  return { host, owner: `${host}:${pid}`, queue };
}
