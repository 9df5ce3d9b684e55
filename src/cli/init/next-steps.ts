/** What `init` says when it is done: what is written, and which commands come next. */
import { visible } from '../../messages/visible.ts';
import { type ConfigIo, findConfig, shortPath } from '../files/load-config.ts';
import { isPlainName } from './survey.ts';

export interface Written {
  /** Absolute path of the config. */
  readonly file: string;
  readonly isSecret: boolean;
  readonly namesRedis: boolean;
  /** Absolute path of the example, if there is one. */
  readonly example: string | null;
  /** Fields that hold nothing but a placeholder. */
  readonly placeholders: readonly string[];
  /** An entry of the config: a queue, or a pattern of queues. */
  readonly queue: string;
  /** Of a job to try it with. */
  readonly jobClass: string;
}

export function nextSteps(io: ConfigIo, written: Written): string {
  const { file, isSecret, namesRedis, example, placeholders, queue, jobClass } = written;
  const name = visible(shortPath(io, file));
  // What commands find by themselves needn't be named.
  const isFound = findConfig(io, null) === file;
  const argument = isFound ? '' : ` ${shellWord(shortPath(io, file))}`;
  const flag = isFound ? '' : ` --config ${shellWord(shortPath(io, file))}`;
  return [
    ...(example === null ? [] : [`wrote ${visible(shortPath(io, example))}, an example to begin with`]),
    `wrote ${name}${isSecret ? ', which only you can read: it holds a password' : ''}`,
    ...(namesRedis ? [] : ['it has no "redis": set REDIS_URL wherever it is used, also in services']),
    ...placeholders.map((field) => `edit it first: "${field}" is only a placeholder`),
    'next:',
    `  resque-runner check${argument}`,
    `  resque-runner exec ${isPlainName(queue) ? shellWord(queue) : 'QUEUE'} --class ${jobClass}${flag}`,
    `  resque-runner${argument}`,
    '',
  ].join('\n');
}

function shellWord(text: string): string {
  const shown = visible(text);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}
