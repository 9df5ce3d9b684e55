/** What is left to do before the run may end. */
import type { Dump } from './dump.ts';
import { recurringQueue } from './recurring-watch.ts';
import type { Seats } from './seats.ts';

/** @param hasForgotten whether Redis has lost data */
export function restOf(dump: Dump, seats: Seats, hasForgotten: boolean): string[] {
  const { live } = seats;
  const rest: string[] = [];
  const owners = (dump.get('resque:runners')?.values ?? []).filter((_, at) => at % 2 === 0).map(String);
  const names = live.map(({ side }) => side.client.owner);
  for (const owner of owners) if (!names.includes(owner)) rest.push(`dead ${owner}`);
  for (const key of dump.keys()) {
    if (key === `resque:queue:${recurringQueue}`) continue;
    if (/^resque:(queue:.*|runner:recovery|delayed:\d+)$/.test(key)) rest.push(key);
    const holder = /^resque:runner:(.*):held:[^:]*$/.exec(key)?.[1];
    // The wait of a dead runner may take a job after Redis has forgotten that runner.
    if (holder !== undefined && !(hasForgotten && !names.includes(holder))) rest.push(key);
    // A record from a roll-back stays until its worker has another job.
    if (!hasForgotten && /^resque:worker:[^:]+:\d+-\d+:[^:]+$/.test(key)) rest.push(key);
  }
  const workers = (dump.get('resque:workers')?.values ?? []).map(String);
  for (const process of live) {
    const { name, programs, side } = process;
    const { owner, session } = side.client;
    if (programs.running.size > 0) rest.push(`${name} runs jobs`);
    if (side.dispatcher.isSending) rest.push(`${name} has asked for jobs`);
    if (side.dispatcher.unwritten > 0) rest.push(`${name} has outcomes to write`);
    if (!session.isUp) rest.push(`${name} has no connection`);
    if (!owners.includes(owner)) rest.push(`${name} is on no record`);
    for (const { key } of seats.entriesOf(process)) {
      const isOfKey = (id: string) => id.startsWith(`${owner}-`) && id.endsWith(`:${key}`);
      if (!workers.some(isOfKey)) rest.push(`${name} has no worker for ${key}`);
    }
  }
  return rest;
}
