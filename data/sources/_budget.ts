/** Runs work of known cost side by side, within a budget for all that runs at once. */

/** How much may run at once. */
export interface BudgetOptions {
  /** Pieces of work. */
  readonly atOnce: number;
  /** Sum of their costs; a piece that costs more runs alone. */
  readonly most: number;
}

/** Starts pieces of work in the order in which they are added, each as soon as there is room for it. */
export class Budget {
  readonly #options: BudgetOptions;
  readonly #running = new Set<Promise<void>>();
  #held = 0;

  /** Begins with nothing running. */
  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  /**
   * Waits until there is room for `cost`, and starts `work`.
   *
   * @param work It must not fail.
   */
  async start(cost: number, work: () => Promise<void>): Promise<void> {
    while (!this.#hasRoomFor(cost)) await Promise.race(this.#running);
    this.#held += cost;
    const running = work().then(() => {
      this.#held -= cost;
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  /** Waits until nothing is running. */
  async finish(): Promise<void> {
    await Promise.all(this.#running);
  }

  #hasRoomFor(cost: number): boolean {
    const { atOnce, most } = this.#options;
    return this.#running.size === 0 || (this.#running.size < atOnce && this.#held + cost <= most);
  }
}
