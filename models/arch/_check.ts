/** Whether an architecture can be what is asked of it. */
import type { ArchEnd, Architecture, SampleKind } from "./_architecture.ts";
import type { ArchOptions, Vocabulary } from "./_blocks.ts";

/** The least side of pictures, where an architecture has none of its own. */
const LEAST_SIDE = 4;

/** The greatest width that anybody asks for: beyond it a number was mistyped, and memory is gone. */
const GREATEST_WIDTH = 8;

/** What each kind's shape is. */
const SHAPES: Readonly<Record<SampleKind, { readonly rank: number; readonly what: string }>> = {
  pictures: { rank: 3, what: "[height, width, channels]" },
  rows: { rank: 1, what: "[columns]" },
  tokens: { rank: 1, what: "[length] of tokens" },
  series: { rank: 2, what: "[length, columns]" },
};

/** Ends, as they are asked for. */
const ENDS: Readonly<Record<ArchEnd, string>> = {
  classes: "classes of a sample",
  numbers: "numbers of a sample",
  positions: "answers at each position",
  boxes: "boxes",
  map: "classes of pixels",
};

/** Returns what a model is asked to end in. */
export function endOf({ head = "softmax", perPosition = false }: ArchOptions): ArchEnd {
  if (head === "boxes" || head === "map") return head;
  if (perPosition) return "positions";
  return head === "linear" ? "numbers" : "classes";
}

/**
 * Checks what an architecture is told.
 *
 * @param cannot How an error begins.
 * @throws {RangeError} If it takes no such samples, cannot end so, or a number is out of range.
 */
export function checkOptions(options: ArchOptions, row: Architecture, cannot: string): void {
  checkShape(options, row, cannot);
  checkWidth(options, row, cannot);
  const end = endOf(options);
  if (!row.ends.includes(end)) {
    const own = row.ends.map((name) => ENDS[name]).join(" or ");
    throw new RangeError(`${cannot}: ${ENDS[end]} are asked for, it ends in ${own}`);
  }
  if (row.boxes !== undefined) checkBoxes(options, row.boxes.anchors.length, cannot);
  else if (options.anchors !== undefined) throw new RangeError(`${cannot}: anchors are given, it ends in no boxes`);
  checkHead(options, cannot);
}

function checkShape(
  options: ArchOptions,
  { takes, multipleOf = 1, leastSide = LEAST_SIDE }: Architecture,
  cannot: string,
): void {
  const { inputShape: shape, tokens } = options;
  const given = takes.filter((kind) =>
    SHAPES[kind].rank === shape.length && (kind === "tokens") === (tokens !== undefined)
  );
  if (given.length === 0 || !shape.every((dim) => Number.isInteger(dim) && dim > 0)) {
    const is = `the input is [${shape}]${tokens === undefined ? "" : " of tokens"}`;
    throw new RangeError(
      `${cannot}: ${is}, needed are positive ${takes.map((kind) => SHAPES[kind].what).join(" or ")}`,
    );
  }
  if (tokens !== undefined) checkVocabulary(tokens, cannot);
  if (shape.length < 3) return;
  const [height, width] = shape;
  if (Math.min(height, width) < leastSide) {
    throw new RangeError(`${cannot}: images are ${height}x${width}, at least ${leastSide}x${leastSide} are needed`);
  }
  if (height % multipleOf === 0 && width % multipleOf === 0) return;
  throw new RangeError(
    `${cannot}: images are ${height}x${width}, sides that are multiples of ${multipleOf} are needed`,
  );
}

function checkWidth({ width }: ArchOptions, { hasWidths = false }: Architecture, cannot: string): void {
  if (width === undefined) return;
  if (!hasWidths) throw new RangeError(`${cannot}: a width of ${width} is asked for, it comes in one width only`);
  if (width > 0 && width <= GREATEST_WIDTH) return;
  throw new RangeError(
    `${cannot}: a width of ${width} is asked for, needed is a number above 0 and up to ${GREATEST_WIDTH}`,
  );
}

function checkVocabulary({ size, padding = 0 }: Vocabulary, cannot: string): void {
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`${cannot}: there are ${size} tokens, at least 1 is needed`);
  }
  if (Number.isInteger(padding) && padding >= 0 && padding < size) return;
  throw new RangeError(`${cannot}: the padding is token ${padding}, 0 to ${size - 1} is needed`);
}

function checkBoxes({ anchors }: ArchOptions, grids: number, cannot: string): void {
  if (anchors === undefined) return;
  if (anchors.length !== grids) {
    throw new RangeError(
      `${cannot}: there are ${anchors.length} lists of anchors, needed are ${grids}, a list an output`,
    );
  }
  if (anchors.some((list) => list.length === 0)) {
    throw new RangeError(`${cannot}: a list of anchors is empty, at least 1 is needed for each output`);
  }
  const bad = anchors.flat().find((size) =>
    size.length !== 2 || !size.every((side) => Number.isFinite(side) && side > 0)
  );
  if (bad !== undefined) {
    throw new RangeError(`${cannot}: an anchor is [${bad}], a positive width and height are needed`);
  }
}

function checkHead({ outputs, head = "softmax", bias }: ArchOptions, cannot: string): void {
  const least = head === "softmax" || head === "map" ? 2 : 1;
  if (!Number.isInteger(outputs) || outputs < least) {
    throw new RangeError(`${cannot}: ${head} of ${outputs} outputs is asked for, at least ${least} are needed`);
  }
  if (bias === undefined) return;
  if (head === "boxes" || head === "map") {
    throw new RangeError(`${cannot}: a bias is given, ${ENDS[head]} start from one of their own`);
  }
  if (bias.length !== outputs || !bias.every(Number.isFinite)) {
    throw new RangeError(`${cannot}: the bias starts from [${bias}], needed are ${outputs} finite numbers`);
  }
}
