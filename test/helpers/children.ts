/** Warm children in tests: each one writes a line into a file as soon as it has booted. */
import type { PoolConfig } from '../../src/config/config.ts';
import { isAlive } from './processes.ts';
import { waitFor } from './wait-for.ts';

/** A directory for files of jobs. */
interface Stage {
  fileLines(name: string): string[];
}

/** The same, with a way to create scripts. */
interface ScriptStage extends Stage {
  script(body: string): string;
}

/** First line of the children's scripts, for sh. */
export const tellBirth = 'echo "$$ $1 $RESQUE_QUEUE $RESQUE_WORKER" >> "$D/born"';

/** Does jobs until STDIN ends. `body` does the job in `$job` and writes its result. */
export function persistentScript(body = `echo "$$ $job" >> "$D/ran"; ${sayOk}`): string {
  return `${tellBirth}\nwhile IFS= read -r job; do\n${body}\ndone`;
}

/** A job that has only a name. */
export function job(name: unknown): { class: string; args: [unknown] } {
  return { class: 'Job', args: [name] };
}

/** Scripts that finish immediately, and when the file `go` exists. */
export const quick = 'echo "$$ $job" >> "$D/ran"';
export const untilGo = `${quick}; while [ ! -e "$D/go" ]; do sleep 0.1; done`;

/** Payloads of the jobs that these two scripts started. */
export function payloadsBegun(stage: Stage): string[] {
  return stage.fileLines('ran').map((line) => line.slice(line.indexOf(' ') + 1));
}

/** A persistent child that runs this code for the job `odd`; other jobs succeed. `$job` is the payload. */
export function oddScript(stage: ScriptStage, odd: string): string {
  return stage.script(
    persistentScript(`
      name=\${job#*[}; name=\${name%]*}; echo "$$ $name" >> "$D/ran"
      case $name in '"odd"') ${odd};; *) ${sayOk};; esac`),
  );
}

/** The child and the name of each started job. */
export function begunBy(stage: Stage): string[][] {
  return stage.fileLines('ran').map((line) => line.split(' '));
}

export const sayOk = `echo '{"ok":true}' >&3`;

/** A kind of warm children. */
export interface StandbyFeature {
  readonly name: string;
  /** Its settings in a config file, and in the parsed config. */
  readonly entry: Readonly<Record<string, unknown>>;
  readonly config: Partial<PoolConfig>;
  /** @param body does the job in `$job` */
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
  /** The queue in its first argument, and in its environment. */
  readonly queue: string;
  readonly queueVariable: string;
  readonly worker: string;
}

/** All children that were ever started, in the order of booting. */
export function children(stage: Stage): Born[] {
  return stage.fileLines('born').map((line) => {
    const [pid, queue = '', queueVariable = '', worker = ''] = line.split(' ');
    return { pid: Number(pid), queue, queueVariable, worker };
  });
}

export function livingChildren(stage: Stage): Born[] {
  return children(stage).filter(({ pid }) => isAlive(pid));
}

/** Waits until this many children are alive and have booted. */
export async function waitForChildren(stage: Stage, count: number, timeoutMs = 10_000): Promise<Born[]> {
  await waitFor(() => livingChildren(stage).length === count, {
    message: () => `${count} children live: ${JSON.stringify(livingChildren(stage))}`,
    timeoutMs,
  });
  return livingChildren(stage);
}

/** Waits for a child that is not among the previous ones, or for `count` of them. */
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
