/** The log of a run, and the promises that it broke. */
import type { Agenda } from './agenda.ts';

export class Log {
  readonly lines: string[] = [];
  readonly violations: string[] = [];
  readonly #agenda: Agenda;

  constructor(agenda: Agenda) {
    this.#agenda = agenda;
  }

  get isBroken(): boolean {
    return this.violations.length > 0;
  }

  trace(line: string): void {
    this.lines.push(`${this.#agenda.nowMs.toFixed(3).padStart(12)} ${line}`);
  }

  broken(what: string): void {
    this.violations.push(what);
    this.trace(`BROKEN: ${what}`);
  }
}
