/** One annotation in the form of Pascal VOC: XML with an `object` for each thing. */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { lookUp } from "../../src/text/nearest.ts";
import { parseDecimal } from "../../src/text/decimal.ts";
import { plainLine, showValue } from "../../src/text/plain.ts";
import { reasonOf } from "../../src/text/plain_errors.ts";
import type { Size } from "../letterbox.ts";
import type { BadBox, FoundBox } from "./_box_checks.ts";

/** What an annotation says. */
export interface VocAnnotation {
  /** What it calls its picture, if it does. */
  readonly filename?: string;
  /** Sides of its picture, if they are said; some programs write zeros. */
  readonly size?: Size;
  readonly boxes: readonly (FoundBox | BadBox)[];
}

/** Says what is wrong with an annotation, as the end of a sentence. */
export class VocError extends Error {
  override readonly name: string = "VocError";
}

/** An element: texts, elements, or lists of them where there are several of one name. */
type Element = Readonly<Record<string, unknown>>;

/** Longer reasons quote whole files. */
const LONGEST_REASON = 120;

/** Elements within elements; objects have four levels. */
const MOST_LEVELS = 32;

/** Entities stay as they are written: what they stand for may be of any size. */
const PARSER = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: false,
  maxNestedTags: MOST_LEVELS,
  isArray: (name) => name === "object",
});

/**
 * Reads an annotation.
 *
 * @throws {VocError} If it is no such XML, or says nothing of a picture.
 */
export function parseVoc(text: string): VocAnnotation {
  const root = parseXml(text);
  const { object: objects = [] } = root;
  const filename = textOf(root, "filename");
  const size = sizeOf(root);
  return {
    ...(filename === undefined || filename === "" ? {} : { filename }),
    ...(size === undefined ? {} : { size }),
    boxes: (Array.isArray(objects) ? objects : []).map((object, i) => boxOf(object, `object ${i + 1}`)),
  };
}

function parseXml(text: string): Element {
  if (text.trim() === "") throw new VocError("it is empty, XML is needed");
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw new VocError("it declares a document type, which is not read");
  // The parser takes much that is no XML, and does not say where what it refuses stands.
  const valid = XMLValidator.validate(text);
  if (valid !== true) {
    throw new VocError(
      `line ${valid.err.line} is no XML: ${plainLine(valid.err.msg, LONGEST_REASON).replace(/\.$/, "")}`,
    );
  }
  const parsed = parse(text);
  const root = isElement(parsed) ? lookUp(parsed, "annotation") : undefined;
  // An empty element is an empty text.
  if (isElement(root)) return root;
  throw new VocError("it has no <annotation>, or one without anything in it");
}

function parse(text: string): unknown {
  try {
    return PARSER.parse(text);
  } catch (cause) {
    throw new VocError(`it is no XML that can be read: ${reasonOf(cause, "it is damaged")}`, { cause });
  }
}

function isElement(value: unknown): value is Element {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function childOf(element: Element, name: string): Element | undefined {
  const child = lookUp(element, name);
  return isElement(child) ? child : undefined;
}

function textOf(element: Element, name: string): string | undefined {
  const text = lookUp(element, name);
  return typeof text === "string" ? withoutReferences(text).trim() : undefined;
}

const REFERENCES: ReadonlyMap<string, string> = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["amp", "&"],
]);

/**
 * Replaces the five references that XML itself has and those to characters by number, each once: what they make is no
 * reference. Those to what is no character stay as they are.
 *
 * Source: Extensible Markup Language 1.0, sections 4.1 and 4.6.
 */
function withoutReferences(text: string): string {
  return text.replace(
    /&(?:#x([\da-fA-F]+)|#(\d+)|(lt|gt|quot|apos|amp));/g,
    (reference: string, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return REFERENCES.get(name) ?? reference;
      return characterOf(hex === undefined ? Number(decimal) : parseInt(hex, 16)) ?? reference;
    },
  );
}

/** Returns a character that XML may have (section 2.2: no surrogates, few controls). */
function characterOf(code: number): string | undefined {
  if (!(code <= 0x10ffff)) return undefined;
  const character = String.fromCodePoint(code);
  return /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]$/u.test(character) ? character : undefined;
}

function sizeOf(root: Element): Size | undefined {
  const size = childOf(root, "size");
  if (size === undefined) return undefined;
  const [width, height] = ["width", "height"].map((side) => parseDecimal(textOf(size, side) ?? ""));
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** The edges of a box, in the order of `FoundBox`. */
const EDGES = ["xmin", "ymin", "xmax", "ymax"] as const;

function boxOf(object: unknown, where: string): FoundBox | BadBox {
  const bad = (because: string) => ({ where, because });
  if (!isElement(object)) return bad("it is empty");
  const className = textOf(object, "name");
  if (className === undefined || className === "") return bad("it has no <name>, or several");
  const box = childOf(object, "bndbox");
  if (box === undefined) return bad("it has no <bndbox>, or several");
  const odd = EDGES.find((edge) => !Number.isFinite(parseDecimal(textOf(box, edge) ?? "")));
  if (odd !== undefined) return bad(`its ${odd} is ${showValue(lookUp(box, odd))}, a finite number is needed`);
  const [left, top, right, bottom] = EDGES.map((edge) => parseDecimal(textOf(box, edge) ?? ""));
  const difficult = textOf(object, "difficult") ?? "0";
  if (difficult !== "0" && difficult !== "1") return bad(`its difficult is ${showValue(difficult)}, 0 or 1 is needed`);
  // Some programs write words there; nothing depends on it.
  const isTruncated = textOf(object, "truncated") === "1";
  return { where, left, top, right, bottom, className, isDifficult: difficult === "1", isTruncated };
}
