/** Options as they are written on the command line. */
import { type OptionOf, STEPS } from "../quantize/methods/mod.ts";

/** "freezeBnAfter" → "--freeze-bn-after". */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** "correct-bias" → "correctBias". */
export function optionOf<Name extends string>(name: Name): OptionOf<Name> {
  // What the type does with the name, in values.
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()) as OptionOf<Name>;
}

/** An option and its value as they were asked for, for messages: "--limit 20", "--strict", "--per-tensor". */
export function argumentOf(key: string, value: unknown): string {
  if (key === "perChannel") return value === true ? "--per-channel" : "--per-tensor";
  return value === true ? flagOf(key) : `${flagOf(key)} ${[value].flat().join(LISTS.includes(key) ? "," : " ")}`;
}

/** Options whose values are one argument, between commas. */
const LISTS = ["targets", "outputs"];

/** Options that are on where nothing is said, or may be. */
const NEGATED: ReadonlySet<string> = new Set(["augment", "control", ...STEPS.map(({ name }) => optionOf(name))]);

/** Returns the command line that does the same as a job of these options. */
export function commandOf(options: object, command: string = "qat"): string {
  const flags = Object.entries(options).filter(([, value]) => value !== undefined).map(([key, value]) => {
    if (key === "perChannel") return argumentOf(key, value);
    if (typeof value === "boolean") {
      return value ? flagOf(key) : NEGATED.has(key) ? flagOf(key).replace("--", "--no-") : "";
    }
    if (LISTS.includes(key)) return `${flagOf(key)} ${quote([value].flat().join(","))}`;
    return `${flagOf(key)} ${[value].flat().map((part) => quote(String(part))).join(" ")}`;
  });
  return [`deno task ${command}`, ...flags.filter((flag) => flag !== "")].join(" ");
}

/** Quotes what a shell would take apart. */
export function quote(text: string): string {
  return /^[\w./:,=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
