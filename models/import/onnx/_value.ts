/**
 * Values on their way from ONNX to TF.js.
 *
 * ONNX has channels first, TF.js last. A value is stored in whatever order of axes its layer gives it, and knows which of
 * ONNX's axes each stored axis is: transposing one is then to know another order of it, and costs no layer. Axes are
 * moved only where an operator reads them in an order that is not the stored one. The batch is axis 0, always.
 */

/** Which axis of a file's value the batch is, or has a part of. */
export interface Batch {
  readonly axis: number;
  /** How many elements of the axis there are before it: [t · n] has t. */
  readonly before: number;
  /** How many there are behind it: [n · heads] has heads. */
  readonly after: number;
}

/** A value, as ONNX has it and as it is stored. */
export interface Value {
  /** In ONNX's order, the batch first. */
  readonly shape: readonly number[];
  /** Where the file has the batch, of inputs and outputs. Absent: first. */
  readonly batch?: Batch;
  /** ONNX's axes in the order in which they are stored, without the batch: [2, 3, 1] of a picture in TF.js's layout. */
  readonly order: readonly number[];
  /** Returns the name of the value that holds it; what has to be made for it is made when this is called. */
  readonly read: () => string;
  /** The picture that it is the row of, element by element in ONNX's order; absent: it is none, or stored as one. */
  readonly rowOf?: Value;
  /** The same numbers [n, c] where they are there without a layer. */
  readonly row?: string;
  /** What it is made of, one element of an axis each, where they are there without a layer. */
  readonly parts?: { readonly axis: number; readonly values: readonly Value[] };
  /** Whether no number is below 0. */
  readonly isNonNegative?: boolean;
}

/** Returns the order in which axes are as ONNX has them. */
export function plainOrder(rank: number): readonly number[] {
  return Array.from({ length: Math.max(0, rank - 1) }, (_, i) => i + 1);
}

/** Returns the order in which TF.js's layers have what ONNX's have with channels first. */
export function channelsLast(rank: number): readonly number[] {
  return [...plainOrder(rank).slice(1), 1];
}

/** Returns the order in which one axis of a value is stored last, and the others as they are. */
export function lastOrder({ order }: Pick<Value, "order">, axis: number): readonly number[] {
  return [...order.filter((own) => own !== axis), axis];
}

/** Returns the stored shape, without the batch. */
export function storedShape({ shape, order }: Value): readonly number[] {
  return order.map((axis) => shape[axis]);
}

/** Whether two orders store the same shape alike: axes of one element may stand anywhere. */
export function isAlike(shape: readonly number[], a: readonly number[], b: readonly number[]): boolean {
  const large = (order: readonly number[]) => order.filter((axis) => shape[axis] !== 1).join();
  return large(a) === large(b);
}

/** What becomes of axes that are parted or joined. */
export interface Regrouped {
  /** Of the new axes, as they are stored. */
  readonly order: readonly number[];
}

/**
 * Finds how a value is stored after a reshape that moves nothing in storage.
 *
 * Axes that the reshape parts stay where they are, as several; axes that it joins must be stored one behind the other, in
 * ONNX's order.
 *
 * @returns undefined if the stored elements would have to move.
 */
export function regroup(
  { shape, order }: Pick<Value, "shape" | "order">,
  to: readonly number[],
): Regrouped | undefined {
  const groups = groupsOf(shape, to);
  if (groups === undefined) return undefined;
  const stored = order.filter((axis) => shape[axis] !== 1);
  const placed: { readonly place: number; readonly axes: readonly number[] }[] = [];
  for (const { from, into } of groups) {
    const large = from.filter((axis) => shape[axis] !== 1);
    if (large.length === 0) {
      // Axes of one element are stored wherever it suits.
      placed.push({ place: placed.length === 0 ? -1 : placed[placed.length - 1].place, axes: into });
      continue;
    }
    const first = stored.indexOf(large[0]);
    if (large.some((axis, i) => stored[first + i] !== axis)) return undefined;
    placed.push({ place: first, axes: into });
  }
  return { order: placed.toSorted((a, b) => a.place - b.place).flatMap(({ axes }) => axes) };
}

/** Returns the order in which the axes that a reshape to `to` joins are stored one behind the other; the others stay. */
export function joinedOrder(
  { shape, order }: Pick<Value, "shape" | "order">,
  to: readonly number[],
): readonly number[] {
  const groups = groupsOf(shape, to);
  if (groups === undefined) return plainOrder(shape.length);
  const done = new Set<number>();
  return order.flatMap((axis) => {
    if (done.has(axis)) return [];
    const { from } = groups.find(({ from }) => from.includes(axis)) ?? { from: [axis] };
    from.forEach((own) => done.add(own));
    return from;
  });
}

interface Group {
  readonly from: readonly number[];
  readonly into: readonly number[];
}

/** Parts two shapes into the smallest groups of axes of as many elements; undefined if the batch is not left alone. */
function groupsOf(shape: readonly number[], to: readonly number[]): readonly Group[] | undefined {
  if (to.length === 0 || shape[0] !== to[0]) return undefined;
  const groups: Group[] = [];
  let [i, j] = [1, 1];
  while (i < shape.length || j < to.length) {
    const [from, into]: [number[], number[]] = [[], []];
    let [a, b] = [1, 1];
    const takeFrom = () => a *= shape[from[from.push(i++) - 1]];
    const takeInto = () => b *= to[into[into.push(j++) - 1]];
    if (i < shape.length) takeFrom();
    if (j < to.length) takeInto();
    while (a !== b) {
      if (a < b && i < shape.length) takeFrom();
      else if (j < to.length) takeInto();
      else return undefined;
    }
    // Axes of one element at the end belong to nobody.
    while (i < shape.length && shape[i] === 1 && j === to.length) takeFrom();
    while (j < to.length && to[j] === 1 && i === shape.length) takeInto();
    groups.push({ from, into });
  }
  return groups;
}
