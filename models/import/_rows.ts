/** In which tables the whole numbers of an input are looked up: random ones must be rows there. */

/** A node of a graph in any format. */
interface Step {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** What a format's operators do with whole numbers. */
interface Operators<S extends Step> {
  /** How many rows the table has that a node looks up its second input in; undefined of a node that does no such thing. */
  readonly rowsOf: (step: S) => number | undefined;
  /** Names of operators that hand on some of what they read first. */
  readonly handsOn: ReadonlySet<string>;
  /** Names of operators that hand on any of what they read. */
  readonly joins: ReadonlySet<string>;
}

/**
 * Returns how many rows the smallest table has in which an input is looked up, however it came there; infinite if in none.
 *
 * @param steps Each behind those that it reads.
 */
export function rowsFor<S extends Step>(
  input: string,
  steps: readonly S[],
  { rowsOf, handsOn, joins }: Operators<S>,
): number {
  const reached = new Set([input]);
  let least = Infinity;
  for (const step of steps) {
    const { op, inputs, outputs } = step;
    const rows = reached.has(inputs[1]) ? rowsOf(step) : undefined;
    if (rows !== undefined) least = Math.min(least, Math.max(1, rows));
    const isOn = joins.has(op) ? inputs.some((each) => reached.has(each)) : handsOn.has(op) && reached.has(inputs[0]);
    if (isOn) outputs.forEach((output) => reached.add(output));
  }
  return least;
}
