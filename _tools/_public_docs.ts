/** Judges docstrings from the JSON of `deno doc`. (`deno doc --lint` stumbles over the types of TF.js.) */

/** The parts of `deno doc --json` (version 2) that matter here. */
export interface Docs {
  readonly version: number;
  readonly nodes: Readonly<Record<string, { readonly symbols?: readonly DocSymbol[] }>>;
}

interface JsDoc {
  readonly doc?: string;
  readonly tags?: readonly { readonly kind: string }[];
}

interface DocSymbol {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

interface Declaration {
  readonly kind: string;
  readonly declarationKind: string;
  readonly location: { readonly filename: string; readonly line: number };
  readonly jsDoc?: JsDoc;
  readonly def?: { readonly properties?: readonly Member[]; readonly methods?: readonly Member[] };
}

interface Member {
  readonly name: string;
  readonly jsDoc?: JsDoc;
  readonly accessibility?: string;
  readonly isOverride?: boolean;
}

/** Something public whose docstring is not as CONTRIBUTING.md wants it. */
export interface Flaw {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly because: string;
}

/** A verb in the third person, or "Whether" for "Returns whether". */
const VERB_LIKE = /^(Whether|[A-Z][a-z]*s)$/;
const ENDS_IN_S_BUT_NO_VERB = new Set(["This", "Its", "As", "Was", "Class", "Always", "Thus", "Plus", "Minus"]);

/** How much is asked for: less of what modules export to one another than of what users see. */
type Level = "internal" | "public";

/**
 * Returns the flaws of everything that is exported and ours, each once.
 *
 * - A name has a docstring that starts with a capital (or with code, or is an equation) and ends a sentence.
 * - A public function's starts with a verb: "Rounds", "Returns", "Whether".
 * - Members of a public interface named …Options have one, too, as have methods that a public class adds to its base.
 *
 * @param docs What `deno doc --json` says: of mod.ts for the public names, of all modules for the internal ones.
 * @throws {TypeError} If the JSON is not of version 2.
 */
export function findFlaws(docs: Docs, level: Level): Flaw[] {
  if (docs.version !== 2) throw new TypeError(`Cannot read the docs: their version is ${docs.version}, 2 is needed`);
  const symbols = Object.values(docs.nodes).flatMap(({ symbols = [] }) => symbols);
  const flaws = symbols.flatMap((symbol) => judgeSymbol(symbol, level));
  const unique = new Map(flaws.map((flaw) => [`${flaw.file}:${flaw.name}`, flaw]));
  return [...unique.values()].sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

function judgeSymbol({ name, declarations }: DocSymbol, level: Level): Flaw[] {
  const ours = declarations.filter(isOurs);
  if (ours.length === 0) return [];
  // Overloads and merged declarations: the first docstring speaks for all.
  const described = ours.find((it) => it.jsDoc?.doc) ?? ours[0];
  const { filename: file, line } = described.location;
  const flaw = (name: string, because: string) => ({ file, line: line + 1, name, because });
  const needsVerb = level === "public" && described.kind === "function";
  const because = judgeDocstring(described.jsDoc, { needsVerb });
  const members = level === "public" ? ours.flatMap((it) => membersToDescribe(name, it)) : [];
  return [
    ...(because ? [flaw(name, because)] : []),
    ...members.filter((it) => !it.jsDoc?.doc).map((member) => flaw(`${name}.${member.name}`, "it has no docstring")),
  ];
}

/** Whether the declaration is an export that stands where it says; a "reference" is a name passed on. */
function isOurs({ kind, declarationKind, location }: Declaration): boolean {
  return kind !== "reference" && declarationKind === "export" && !location.filename.includes("/npm/");
}

function membersToDescribe(name: string, { kind, def }: Declaration): readonly Member[] {
  if (kind === "interface" && name.endsWith("Options")) return [...def?.properties ?? [], ...def?.methods ?? []];
  if (kind !== "class") return [];
  const methods = (def?.methods ?? []).filter((it) => !it.isOverride && !it.accessibility && !it.name.startsWith("["));
  return methods.filter(({ jsDoc }) => !isInternal(jsDoc));
}

/** Whether the docstring says that what it describes is for other modules of ours only. */
export function isInternal(jsDoc: JsDoc | undefined): boolean {
  return jsDoc?.tags?.some(({ kind }) => kind === "internal") ?? false;
}

/** Returns what is wrong with a docstring, or undefined. */
export function judgeDocstring(jsDoc: JsDoc | undefined, { needsVerb }: { needsVerb: boolean }): string | undefined {
  const summary = jsDoc?.doc?.trim().split(/\n\s*\n/)[0].trim();
  if (!summary) return "it has no docstring";
  if (/^[a-z]/.test(summary) && !summary.includes(" = ")) {
    return `its docstring does not start with a capital: "${shorten(summary)}"`;
  }
  if (!/[.:!?)`]$/.test(summary)) return `its docstring does not end its first sentence: "${shorten(summary)}"`;
  if (needsVerb && !startsWithVerb(summary)) return `its docstring does not start with a verb: "${shorten(summary)}"`;
  return undefined;
}

function startsWithVerb(summary: string): boolean {
  const first = summary.split(/[\s,]/)[0];
  return VERB_LIKE.test(first) && !ENDS_IN_S_BUT_NO_VERB.has(first);
}

function shorten(text: string): string {
  return text.length > 50 ? `${text.slice(0, 50)}…` : text;
}
