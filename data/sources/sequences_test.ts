import assert from "node:assert/strict";
import type { SampleSet } from "../samples.ts";
import { generateBrackets, generateSorting, isBalanced } from "./sequences.ts";

/** The sequences of a set, and what each is to be answered by. */
function rowsOf(set: SampleSet): readonly { readonly tokens: readonly number[]; readonly answer: readonly number[] }[] {
  const [input] = Object.values(set.inputs);
  const [target] = Object.values(set.targets);
  assert.ok(input.kind === "tokens" && target.kind === "classes");
  const width = target.positions ?? 1;
  return Array.from({ length: set.count }, (_, i) => ({
    tokens: [...input.values.subarray(i * input.length, (i + 1) * input.length)],
    answer: [...target.labels.subarray(i * width, (i + 1) * width)],
  }));
}

/** Takes pairs of brackets out until there are none: what is left over does not balance. */
function isReducible(text: string): boolean {
  const shorter = text.replace(/\(\)|\[\]|\{\}/g, "");
  return shorter === "" || (shorter !== text && isReducible(shorter));
}

const SETS = { brackets: generateBrackets, sorting: generateSorting };

for (const [name, generate] of Object.entries(SETS)) {
  Deno.test(`generated ${name} are the same for a seed, whatever their number, and others for another`, () => {
    const few = rowsOf(generate({ train: 20, test: 5, seed: 3 }).train);
    assert.deepEqual(few, rowsOf(generate({ train: 50, test: 9, seed: 3 }).train).slice(0, 20));
    assert.notDeepEqual(few, rowsOf(generate({ train: 20, test: 5, seed: 4 }).train));
  });

  Deno.test(`generated ${name} have no sequence in both halves, whatever their seeds`, () => {
    const sequences = (seed: number) => {
      const { train, test } = generate({ train: 3000, test: 3000, seed, length: 8 });
      return [train, test].map((set) => new Set(rowsOf(set).map(({ tokens }) => tokens.join())));
    };
    const [[train, test], [others, otherTests]] = [sequences(0), sequences(1)];
    for (const known of [test, otherTests]) {
      assert.equal(train.intersection(known).size, 0);
      assert.equal(others.intersection(known).size, 0);
    }
    assert.ok(train.intersection(others).size < train.size);
  });

  Deno.test(`generated ${name} refuse counts, lengths and seeds out of range`, () => {
    for (const bad of [{ train: 0 }, { test: 1.5 }, { length: 3 }, { length: 8.5 }, { length: NaN }, { seed: -1 }]) {
      assert.throws(() => generate({ train: 1, test: 1, ...bad }), RangeError, JSON.stringify(bad));
    }
  });
}

Deno.test("generateBrackets() labels sequences right, half of them balanced, of every even length", () => {
  const { train } = generateBrackets({ train: 2000, test: 1 });
  const { tokens } = train.inputs;
  const names = tokens.kind === "tokens" ? tokens.names : [];
  const lengths = new Map<number, number>();
  const rows = rowsOf(train);
  for (const { tokens: [start, ...rest], answer: [label] } of rows) {
    assert.equal(names[start], "start");
    const brackets = rest.slice(0, rest.indexOf(0) < 0 ? rest.length : rest.indexOf(0));
    assert.ok(rest.slice(brackets.length).every((token) => token === 0), "padding comes last");
    lengths.set(brackets.length, (lengths.get(brackets.length) ?? 0) + 1);
    assert.equal(isReducible(brackets.map((token) => names[token]).join("")), label === 1);
  }
  assert.equal(rows.filter(({ answer: [label] }) => label === 1).length, 1000);
  assert.deepEqual([...lengths.keys()].sort((a, b) => a - b), [8, 10, 12]);
});

Deno.test("generateBrackets() makes brackets that counting does not tell apart", () => {
  // As many of each as there should be, in both classes: nothing but their order differs.
  for (const { tokens } of rowsOf(generateBrackets({ train: 200, test: 1 }).train)) {
    const count = (token: number) => tokens.filter((other) => other === token).length;
    for (const opening of [2, 4, 6]) assert.equal(count(opening), count(opening + 1));
  }
});

Deno.test("generateSorting() asks for the digits in order, every digit as often as any other", () => {
  const { train } = generateSorting({ train: 3000, test: 1, length: 10 });
  const counts = new Array<number>(10).fill(0);
  for (const { tokens, answer } of rowsOf(train)) {
    assert.deepEqual(answer, tokens.toSorted((a, b) => a - b));
    for (const token of tokens) counts[token]++;
  }
  // 3,000 of each are expected, their deviation is 52.
  assert.ok(counts.every((count) => Math.abs(count - 3000) < 260), counts.join());
});

Deno.test("generated sequences are 20,000 to learn from and 10,000 to judge by when nothing is said", () => {
  const { train, test } = generateSorting();
  assert.deepEqual([train.count, test.count], [20_000, 10_000]);
});

Deno.test("isBalanced() knows crossed, open and early closing brackets", () => {
  const tokens = (text: string) => [...text].map((c) => "01()[]{}".indexOf(c));
  for (const text of ["", "()", "([{}])", "1()[]00"]) assert.ok(isBalanced(tokens(text)), text);
  for (const text of ["(", ")(", "([)]", "(]", "())", "1(()0"]) assert.ok(!isBalanced(tokens(text)), text);
});
