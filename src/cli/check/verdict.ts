import { visible } from '../../messages/visible.ts';

export interface Verdict {
  /** `warn`: it works, but not as well or as safely as it could. */
  readonly level: 'ok' | 'warn' | 'FAIL';
  /** What was looked at, one word. */
  readonly subject: string;
  /** What was found and, if something is wrong, what to do. */
  readonly text: string;
}

export function ok(subject: string, text: string): Verdict {
  return { level: 'ok', subject, text };
}

export function warn(subject: string, text: string): Verdict {
  return { level: 'warn', subject, text };
}

export function fail(subject: string, text: string): Verdict {
  return { level: 'FAIL', subject, text };
}

/** As it is told: a line, its parts in columns. */
export function verdictLine({ level, subject, text }: Verdict): string {
  return `${level.padEnd(4)} ${subject.padEnd(10)} ${visible(text)}`;
}
