/** Faults that wait for a certain command of a runner. */
import type { Command } from './resp.ts';
import type { Action } from './schedule.ts';

type TrapPlan = Extract<Action, { kind: 'trap' }>;

export class Traps {
  #armed: { readonly plan: TrapPlan; left: number }[] = [];

  arm(plan: TrapPlan): void {
    this.#armed.push({ plan, left: plan.skip });
  }

  disarm(): void {
    this.#armed = [];
  }

  /** The traps that this command springs. */
  sprung(seat: number, commands: readonly Command[], moment: TrapPlan['moment']): TrapPlan[] {
    const name = commands[0]?.name;
    const sprung: TrapPlan[] = [];
    for (const trap of this.#armed) {
      const { plan } = trap;
      if (plan.moment !== moment || plan.seat !== seat || (plan.command ?? name) !== name) continue;
      if (trap.left === 0) sprung.push(plan);
      trap.left -= 1;
    }
    if (sprung.length > 0) this.#armed = this.#armed.filter(({ left }) => left >= 0);
    return sprung;
  }
}
