/** Does something a moment later, unless something newer is to be done. For questions to the engine while the user types. */
const delayMs = 200;

export class Delay {
  #timer: NodeJS.Timeout | null = null;
  #run: () => void = () => {};

  start(run: () => void): void {
    this.cancel();
    this.#run = run;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#run();
    }, delayMs);
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
