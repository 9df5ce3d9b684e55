/** Children that stand by, as they tell of themselves: each writes a line into a file as soon as it has booted. */
import type { PoolConfig } from '../../src/config/config.ts';
import { isAlive } from './processes.ts';
import { waitFor } from './wait-for.ts';

/** A directory in which jobs write. */
interface Stage {
  fileLines(name: string): string[];
}

/** The same, where scripts can be made. */
interface ScriptStage extends Stage {
  script(body: string): string;
}

/** First line of their scripts, for sh. */
export const tellBirth = 'echo "$$ $1 $RESQUE_QUEUE $RESQUE_WORKER" >> "$D/born"';

/** Does jobs until its STDIN ends; `body` does one, which is in `$job`, and says so itself. */
export function persistentScript(body = `echo "$$ $job" >> "$D/ran"; ${sayOk}`): string {
  return `${tellBirth}\nwhile IFS= read -r job; do\n${body}\ndone`;
}

/** A job of which the children of these tests know no more than its name. */
export function job(name: unknown): { class: string; args: [unknown] } {
  return { class: 'Job', args: [name] };
}

/** Done at once, and when there is a file `go`. */
export const quick = 'echo "$$ $job" >> "$D/ran"';
export const untilGo = `${quick}; while [ ! -e "$D/go" ]; do sleep 0.1; done`;

/** The payloads of the jobs that were begun by those two. */
export function payloadsBegun(stage: Stage): string[] {
  return stage.fileLines('ran').map((line) => line.slice(line.indexOf(' ') + 1));
}

/** A persistent child whose job `odd` is done by this; any other is done well. `$job` is the payload. */
export function oddScript(stage: ScriptStage, odd: string): string {
  return stage.script(
    persistentScript(`
      name=\${job#*[}; name=\${name%]*}; echo "$$ $name" >> "$D/ran"
      case $name in '"odd"') ${odd};; *) ${sayOk};; esac`),
  );
}

/** The children that began its jobs, and the names of those. */
export function begunBy(stage: Stage): string[][] {
  return stage.fileLines('ran').map((line) => line.split(' '));
}

export const sayOk = `echo '{"ok":true}' >&3`;

/** A way in which children stand by. */
export interface StandbyFeature {
  readonly name: string;
  /** What makes them do so in a config file, and in what is read of it. */
  readonly entry: Readonly<Record<string, unknown>>;
  readonly config: Partial<PoolConfig>;
  /** @param body does a job, which is in `$job` */
  readonly script: (body: string) => string;
}

export const prestarted: StandbyFeature = {
  name: 'prestarted',
  entry: { prestart: true },
  config: { isPrestarted: true },
  script: (body) => `${tellBirth}; IFS= read -r job\n${body}`,
};

export const persistent: StandbyFeature = {
  name: 'persistent',
  entry: { mode: 'persistent' },
  config: { mode: 'persistent' },
  script: (body) => persistentScript(`${body}\n${sayOk}`),
};

export interface Born {
  readonly pid: number;
  /** As it was told by its first argument, and by its environment. */
  readonly queue: string;
  readonly queueVariable: string;
  readonly worker: string;
}

/** All that were ever started, in the order in which they had booted. */
export function children(stage: Stage): Born[] {
  return stage.fileLines('born').map((line) => {
    const [pid, queue = '', queueVariable = '', worker = ''] = line.split(' ');
    return { pid: Number(pid), queue, queueVariable, worker };
  });
}

export function livingChildren(stage: Stage): Born[] {
  return children(stage).filter(({ pid }) => isAlive(pid));
}

/** Waits until so many live, and have booted. */
export async function waitForChildren(stage: Stage, count: number, timeoutMs = 10_000): Promise<Born[]> {
  await waitFor(() => livingChildren(stage).length === count, {
    message: () => `${count} children live: ${JSON.stringify(livingChildren(stage))}`,
    timeoutMs,
  });
  return livingChildren(stage);
}

/** Waits for a child that is none of those before; with `count` for that many. */
export async function waitForNewChild(stage: Stage, before: readonly Born[]): Promise<Born> {
  const isNew = ({ pid }: Born) => before.every((old) => old.pid !== pid);
  await waitFor(() => livingChildren(stage).some(isNew), {
    message: () => `a new child lives: ${JSON.stringify(livingChildren(stage))}`,
  });
  const child = livingChildren(stage).find(isNew);
  if (child === undefined) throw new Error('it has ended');
  return child;
}

export async function waitForEnd({ pid }: Born): Promise<void> {
  await waitFor(() => !isAlive(pid), { message: `child ${pid} has ended` });
}
