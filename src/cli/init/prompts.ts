/**
 * The questions of `init`, with @clack/prompts, on STDERR. Ctrl-C, Esc or Ctrl-D at any question cancels all of them.
 */
import type * as Clack from '@clack/prompts';
import { visible } from '../../messages/visible.ts';
import type { Verdict } from '../check/verdict.ts';
import type { Io } from '../command-line/io.ts';
import { answerTo } from '../terminal/ask.ts';

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
}

export interface TextQuestion {
  readonly message: string;
  /** The value of an empty answer. */
  readonly fallback: string;
  /** An answer to edit or to accept. */
  readonly initial?: string;
  /** @returns the problem with an answer; `null` if there is none */
  readonly problem: (answer: string) => string | null;
}

/** A longer list scrolls. */
const mostShown = 12;
const widest = 100;
const narrowest = 30;

export class Prompts {
  readonly #clack: typeof Clack;
  readonly #io: Io;
  readonly #streams: { input: Io['stdin']; output: Io['stderr'] };

  private constructor(clack: typeof Clack, io: Io) {
    this.#clack = clack;
    this.#io = io;
    this.#streams = { input: io.stdin, output: io.stderr };
  }

  static async load(io: Io): Promise<Prompts> {
    return new Prompts(await import('@clack/prompts'), io);
  }

  begin(title: string): void {
    this.#clack.intro(title, this.#streams);
  }

  end(text: string): void {
    this.#clack.outro(text, this.#streams);
  }

  /** Information before the next question. */
  tell(text: string): void {
    this.#clack.log.message(this.#wrapped(text), this.#streams);
  }

  tellVerdicts(verdicts: readonly Verdict[]): void {
    for (const [at, { level, subject, text }] of verdicts.entries()) {
      // The first one is about the answer itself.
      const lines = this.#wrapped(visible(at === 0 ? text : `${subject}: ${text}`)).join('\n');
      const options = { ...this.#streams, spacing: 0 };
      if (level === 'ok') this.#clack.log.success(lines, options);
      else if (level === 'warn') this.#clack.log.warn(lines, options);
      else this.#clack.log.error(lines, options);
    }
  }

  /** A text in a frame. */
  show(title: string, text: string): void {
    this.#clack.note(text.trimEnd().split('\n').map(visible).join('\n'), title, this.#streams);
  }

  /** @throws Cancelled */
  async text({ message, fallback, initial, problem }: TextQuestion): Promise<string> {
    const answer = await this.#asked(() =>
      this.#clack.text({
        // @clack/prompts doesn't wrap this kind of question.
        message: this.#wrapped(message).join(`\n${this.#clack.S_BAR}  `),
        placeholder: fallback,
        defaultValue: fallback,
        ...(initial === undefined ? {} : { initialValue: initial }),
        validate: (value) =>
          problem(value === undefined || value.trim() === '' ? fallback : value) ?? undefined,
        ...this.#streams,
      }),
    );
    return answer.trim() === '' ? fallback : answer;
  }

  /** @throws Cancelled */
  password(message: string): Promise<string> {
    return this.#asked(() =>
      this.#clack.password({
        message,
        validate: (value) => (value === undefined || value === '' ? 'enter a password' : undefined),
        ...this.#streams,
      }),
    );
  }

  /** @throws Cancelled */
  async choose<T extends string>(message: string, choices: readonly Choice<T>[]): Promise<T> {
    const values = choices.map(({ value }) => value);
    const at = await this.#asked(() =>
      this.#clack.select<string>({
        message,
        options: choices.map(({ label }, index) => ({ value: String(index), label: visible(label) })),
        maxItems: mostShown,
        ...this.#streams,
      }),
    );
    const chosen = values[Number(at)];
    if (chosen === undefined) throw new RangeError(`there is no choice ${at}`);
    return chosen;
  }

  /** @throws Cancelled */
  agree(message: string): Promise<boolean> {
    return this.#asked(() => this.#clack.confirm({ message, ...this.#streams }));
  }

  #asked<T>(ask: () => Promise<T | typeof Clack.CANCEL_SYMBOL>): Promise<T> {
    return answerTo(this.#clack, ask);
  }

  /** Wraps at spaces, so that the frame's line at the left stays unbroken. */
  #wrapped(text: string): string[] {
    const columns = Math.max(narrowest, Math.min(widest, this.#io.stderr.columns ?? widest) - 4);
    const lines: string[] = [];
    for (const word of text.split(' ')) {
      const last = lines.at(-1);
      if (last !== undefined && last.length + 1 + word.length <= columns)
        lines.splice(-1, 1, `${last} ${word}`);
      else lines.push(word);
    }
    return lines;
  }
}
