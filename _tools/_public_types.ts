/** Finds what public signatures name and the module does not export, from the JSON of `deno doc`. */
import { type Docs, isInternal } from "./_public_docs.ts";

/** What is read of a piece of the JSON. */
interface Piece {
  readonly kind?: unknown;
  readonly value?: unknown;
  readonly accessibility?: unknown;
  readonly jsDoc?: Parameters<typeof isInternal>[0];
}

/** A name that users meet in a signature and cannot import. */
export interface Unexported {
  readonly name: string;
  /** The exported names whose signatures have it. */
  readonly usedBy: readonly string[];
}

/**
 * Returns the names of ours that signatures of the exported symbols contain, without being exported themselves.
 *
 * Names are compared, not what they stand for. What is marked `@internal` is no part of the signature.
 *
 * @param docs What `deno doc --json` says of one module that users import.
 */
export function findUnexported(docs: Docs): readonly Unexported[] {
  // What is not exported is in the JSON too, where something exported names it.
  const symbols = Object.values(docs.nodes).flatMap(({ symbols = [] }) => symbols).filter(({ declarations }) =>
    declarations.some(({ declarationKind }) => declarationKind === "export")
  );
  const exported = new Set(symbols.map(({ name }) => name));
  const users = new Map<string, Set<string>>();
  for (const { name, declarations } of symbols) {
    // The declarations of other packages are theirs to export.
    const ours = declarations.filter(({ location }) => !location.filename.includes("/npm/"));
    for (const used of ours.flatMap(namesIn)) {
      if (!exported.has(used)) users.set(used, (users.get(used) ?? new Set()).add(name));
    }
  }
  return [...users].map(([name, usedBy]) => ({ name, usedBy: [...usedBy] })).sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Returns the names of our own types and values below `part`, a piece of the JSON. */
function namesIn(part: unknown): readonly string[] {
  if (typeof part !== "object" || part === null) return [];
  if (Array.isArray(part)) return part.flatMap(namesIn);
  // Any piece may have these, and any others.
  const { kind, value, accessibility, jsDoc } = part as Piece;
  if (accessibility === "private" || isInternal(jsDoc) || isKeysOf(kind, value)) return [];
  const own = kind === "typeRef" ? ownName(value) : kind === "typeQuery" ? [String(value)].filter(isPlain) : [];
  // Types in the text of a docstring are no part of the signature.
  return [...own, ...Object.entries(part).flatMap(([key, inner]) => key === "jsDoc" ? [] : namesIn(inner))];
}

function ownName(reference: unknown): readonly string[] {
  const { typeName, resolution } = reference as {
    readonly typeName: string;
    readonly resolution?: { readonly kind: string; readonly specifier?: string; readonly name?: string };
  };
  const isOurs = resolution?.kind === "local" || resolution?.specifier?.startsWith(".");
  return isOurs ? [resolution?.name ?? typeName.split(".")[0]] : [];
}

/** Whether it is `keyof typeof TABLE`: names, which need no table to be written. */
function isKeysOf(kind: unknown, value: unknown): boolean {
  const { operator, tsType } = (value ?? {}) as { readonly operator?: string; readonly tsType?: Piece };
  return kind === "typeOperator" && operator === "keyof" && tsType?.kind === "typeQuery";
}

/** What is taken from a namespace, as in `typeof tf.relu`, is another package's. */
function isPlain(name: string): boolean {
  return !name.includes(".");
}
