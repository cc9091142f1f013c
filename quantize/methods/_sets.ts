/** Things that are put together into sets, some of which are pinned, for a reason. */

/** Things in a row, by their numbers. */
export type Row = readonly number[];

/** Disjoint sets of numbered things. */
export class Sets {
  readonly #parents: number[] = [];
  /** Why sets are pinned, by their roots. */
  readonly #reasons = new Map<number, string>();

  /** Adds `count` things, each a set of its own. */
  add(count: number): Row {
    const added = Array.from({ length: count }, (_, i) => this.#parents.length + i);
    for (const id of added) this.#parents.push(id);
    return added;
  }

  /** Returns the number that stands for the set of `id`. */
  rootOf(id: number): number {
    let at = id;
    while (this.#parents[at] !== at) {
      this.#parents[at] = this.#parents[this.#parents[at]];
      at = this.#parents[at];
    }
    return at;
  }

  /** Makes the sets of `a` and `b` one; it is pinned if either was. */
  unite(a: number, b: number): void {
    const [root, other] = [this.rootOf(a), this.rootOf(b)];
    if (root === other) return;
    this.#parents[other] = root;
    const reason = this.#reasons.get(root) ?? this.#reasons.get(other);
    if (reason !== undefined) this.#reasons.set(root, reason);
  }

  /** Unites what stands at the same place of two rows. */
  uniteAll(a: Row, b: Row): void {
    a.forEach((id, i) => this.unite(id, b[i]));
  }

  /** Pins the set of `id`; the first reason stays. */
  pin(id: number, because: string): void {
    const root = this.rootOf(id);
    if (!this.#reasons.has(root)) this.#reasons.set(root, because);
  }

  /** Says why the set of `id` is pinned; undefined if it is not. */
  reasonOf(id: number): string | undefined {
    return this.#reasons.get(this.rootOf(id));
  }
}
