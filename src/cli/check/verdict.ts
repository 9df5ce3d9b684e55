import { visible } from '../../messages/visible.ts';

export interface Verdict {
  /** `warn`: it works, but not as well or as safely as it could. */
  readonly level: 'ok' | 'warn' | 'FAIL';
  /** One word for the thing that was checked. */
  readonly subject: string;
  /** The result and, if something is wrong, the fix. */
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

/** The verdict as a line, in columns. */
export function verdictLine({ level, subject, text }: Verdict): string {
  return `${level.padEnd(4)} ${subject.padEnd(10)} ${visible(text)}`;
}
