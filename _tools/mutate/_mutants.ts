/** Mutants of a file: which there are, how each is called, and the copy of the file that holds many, switched off. */
import type { Node } from "@babel/types";
import { OPERATORS } from "./_operators.ts";
import { listSites, placeOf, rangeOf, type Site, textOf } from "./_syntax.ts";

/** One change at one place. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly operator: string;
  /** The function, class or variable that it is in. */
  readonly place: string;
  /** The text that is there, and the one that the mutant has instead; "" for a statement that is dropped. */
  readonly from: string;
  readonly to: string;
  /** Which of several that agree in all of the above but the line. */
  readonly occurrence: number;
  /** Where the text is in the file. */
  readonly range: readonly [start: number, end: number];
  readonly isStatement: boolean;
}

/** Returns all mutants of a file. */
export function listMutants(file: string, source: string): Mutant[] {
  const seen = new Map<string, number>();
  return listSites(source, isLeftOut).filter(isExpression).flatMap((site) =>
    OPERATORS.flatMap(({ name, change }) =>
      change(site).map((to): Mutant => {
        const mutant = describe(site, { file, operator: name, to });
        const occurrence = seen.get(keyOf(mutant)) ?? 0;
        seen.set(keyOf(mutant), occurrence + 1);
        return { ...mutant, occurrence };
      })
    )
  );
}

/** Names a mutant by what it is and not by its line, so that the name holds while other lines change. */
export function keyOf({ file, place, operator, from, to, occurrence }: Omit<Mutant, "line" | "range">): string {
  return JSON.stringify([file, place, operator, oneLine(from), oneLine(to), occurrence]);
}

/**
 * Returns the file with all of `mutants` in it; the one that runs is chosen by the function `isOn`.
 *
 * @param isOn Text of a function of a mutant's number that says whether it is the chosen one.
 */
export function switchMutants(
  source: string,
  { mutants, isOn }: { mutants: ReadonlyMap<number, Mutant>; isOn: string },
): string {
  const sorted = [...mutants].sort(([, { range: a }], [, { range: b }]) => a[0] - b[0] || b[1] - a[1]);
  const write = (start: number, end: number, inside: typeof sorted): string => {
    let text = "";
    let at = start;
    for (let index = 0; index < inside.length;) {
      const { range, isStatement } = inside[index][1];
      const here = inside.slice(index).filter(([, other]) => sameRange(other.range, range));
      const within = inside.slice(index).filter(([, { range: other }]) =>
        other[1] <= range[1] && !sameRange(other, range)
      );
      const original = write(range[0], range[1], within);
      const changed = here.reduce(
        (rest, [id, { to }]) => isStatement ? `if (!${isOn}(${id})) { ${rest} }` : `(${isOn}(${id}) ? ${to} : ${rest})`,
        original,
      );
      text += source.slice(at, range[0]) + changed;
      at = range[1];
      index += here.length + within.length;
    }
    return text + source.slice(at, end);
  };
  return write(0, source.length, sorted);
}

function sameRange(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** Returns a text with every stretch of spaces and line ends as one space. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function describe(site: Site, { file, operator, to }: { file: string; operator: string; to: string }): Mutant {
  const range = rangeOf(site.node);
  const line = site.source.slice(0, range[0]).split("\n").length;
  const from = textOf(site.node, site.source);
  const isStatement = site.node.type === "ExpressionStatement";
  return { file, line, operator, place: placeOf(site), from, to, occurrence: 0, range, isStatement };
}

// Parts that name something, where no expression may stand
const NAMES: readonly string[] = ["key", "id", "label", "local", "exported", "source", "params", "property"];

/** Whether another expression may stand at a site. */
function isExpression({ node, part, around }: Site): boolean {
  const [parent] = around;
  if (parent === undefined || node.type.endsWith("Pattern")) return false;
  if (NAMES.includes(part)) return "computed" in parent && parent.computed === true;
  // `a?.b.c`: in brackets `a?.b` would no longer end the whole chain
  return !parent.type.startsWith("Optional") || (part !== "object" && part !== "callee");
}

/** What is said to people is not held to be code: errors, reasons, logs. */
function isLeftOut({ node, source }: Site): boolean {
  return node.type === "ThrowStatement" || saysSomething(node, source);
}

const SAYS = /^(console\.\w+|\w*\.?(log|warn|debug|info)|assert\w*|new \w*Error|decline|refuse)$/;

function saysSomething(node: Node, source: string): boolean {
  if (node.type === "ObjectProperty") return node.key.type === "Identifier" && node.key.name === "because";
  if (node.type === "NewExpression") return SAYS.test(`new ${textOf(node.callee, source)}`);
  return node.type === "CallExpression" && node.callee.type !== "Super" && SAYS.test(textOf(node.callee, source));
}
