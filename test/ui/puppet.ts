import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs';
import { waitFor } from '../helpers/wait-for.ts';
import type { Workbench } from '../helpers/workbench.ts';

/** A job that does what the test tells it while it runs. */
export class Puppet {
  /** For the config. Runs one job at a time. */
  readonly script: string;
  readonly #orders: string;
  readonly #ready: string;

  constructor(stage: Workbench, name = 'puppet') {
    this.#orders = stage.path(`${name}.orders`);
    this.#ready = stage.path(`${name}.ready`);
    this.script = stage.script(
      `cat > /dev/null; [ -p '${this.#orders}' ] || mkfifo '${this.#orders}'
      exec 3<> '${this.#orders}'; trap "rm -f '${this.#ready}'" EXIT; : > '${this.#ready}'
      while read -r order <&3; do eval "$order"; done`,
      { name },
    );
  }

  /** Waits until its job runs. */
  async started(): Promise<void> {
    await waitFor(() => existsSync(this.#ready), { message: `the job of ${this.script} runs` });
  }

  /** @param order one line of shell. Throws if no job runs: see `started`. */
  tell(order: string): void {
    const pipe = openSync(this.#orders, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(pipe, `${order}\n`);
    closeSync(pipe);
  }
}
