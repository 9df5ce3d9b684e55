/** Command lines that someone may want to go on with, ready to be copied into a shell. */
import { visible } from '../../messages/visible.ts';
import type { Flags } from '../command-line/flags.ts';
import type { RedisTarget } from '../redis/target.ts';

/**
 * @param words without `resque-runner` and without the flags that say which Redis is meant: these follow as they were
 * given, but a URL with a password in it as `…`
 */
export function nextCommand(words: readonly string[], flags: Flags, { redis }: RedisTarget): string {
  const { config, redis: url, namespace } = flags;
  return [
    'resque-runner',
    ...words.map(shellWord),
    ...(config === null ? [] : ['--config', shellWord(config)]),
    ...(url === null ? [] : ['--redis', redis.password === null ? shellWord(url) : '…']),
    ...(namespace === null ? [] : ['--namespace', shellWord(namespace)]),
  ].join(' ');
}

function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${visible(word).replaceAll("'", `'\\''`)}'`;
}
