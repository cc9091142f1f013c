/** Syntax trees of TypeScript: parsing, and walking with what stands around a node. */
import { parse } from "@babel/parser";
import type { Node } from "@babel/types";

/** A node with its text and what it stands in. */
export interface Site {
  readonly node: Node;
  /** What the node is a part of, the nearest first. */
  readonly around: readonly Node[];
  /** Which part of the nearest of `around` it is: "left", "arguments" and so on. */
  readonly part: string;
  readonly source: string;
}

/** Returns the sites of `source` whose code runs: no types, no imports, and no parts for which `isLeftOut` holds. */
export function listSites(source: string, isLeftOut: (site: Site) => boolean): Site[] {
  const { program } = parse(source, { sourceType: "module", plugins: ["typescript"] });
  const sites: Site[] = [];
  const visit = (site: Site) => {
    if (isOnlyType(site.node) || isLeftOut(site)) return;
    sites.push(site);
    for (const [part, node] of partsOf(site.node)) visit({ node, part, source, around: [site.node, ...site.around] });
  };
  visit({ node: program, part: "", source, around: [] });
  return sites;
}

/** Returns the text of a node. */
export function textOf(node: Node, source: string): string {
  return source.slice(...rangeOf(node));
}

/** Returns where a node's text begins and ends. */
export function rangeOf(node: Node): [start: number, end: number] {
  if (node.start == null || node.end == null) throw new Error(`The parser gave no range for a ${node.type}`);
  return [node.start, node.end];
}

/** Returns the name of the nearest function, class or variable around a site, "" at the top of a module. */
export function placeOf({ around }: Site): string {
  for (const node of around) {
    const name = nameOf(node);
    if (name !== undefined) return name;
  }
  return "";
}

function nameOf(node: Node): string | undefined {
  switch (node.type) {
    case "FunctionDeclaration":
    case "ClassDeclaration":
      return node.id?.name;
    case "ClassMethod":
    case "ObjectMethod":
    case "ClassProperty":
      return node.key.type === "Identifier" ? node.key.name : undefined;
    case "VariableDeclarator":
      return node.id.type === "Identifier" ? node.id.name : undefined;
  }
}

// `x as T`, `x!`, `x satisfies T`: types around code that runs
const WRAPS_CODE: readonly string[] = ["TSAsExpression", "TSNonNullExpression", "TSSatisfiesExpression"];

function isOnlyType({ type }: Node): boolean {
  return type === "ImportDeclaration" || (type.startsWith("TS") && !WRAPS_CODE.includes(type));
}

function partsOf(node: Node): [part: string, node: Node][] {
  return Object.entries(node).flatMap(([part, value]) =>
    (Array.isArray(value) ? value : [value]).filter(isNode).map((child): [string, Node] => [part, child])
  );
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value && "loc" in value &&
    !/^Comment/.test(String(value.type));
}
