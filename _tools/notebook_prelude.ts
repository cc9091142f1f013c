/** What a notebook finds when it runs: the display of values, and `Deno.jupyter`, which Deno has under Jupyter only. */

/** The method that Deno's Jupyter kernel asks an object for its MIME bundle with. */
const DISPLAY = Symbol.for("Jupyter.display");

type Bundle = Readonly<Record<string, unknown>>;

/** Prints the heading of cell `number`. */
export function startCell(number: number): void {
  console.log(`\nIn [${number}]:`);
}

/** Prints `value` as Jupyter would show it, in a form for the terminal; undefined shows nothing. */
export function show(value: unknown): void {
  if (value === undefined) return;
  console.log(hasDisplay(value) ? describe(value[DISPLAY]()) : Deno.inspect(value));
}

function hasDisplay(value: unknown): value is { [DISPLAY](): Bundle } {
  return typeof value === "object" && value !== null && DISPLAY in value;
}

/** Writes text and Markdown out, and names the type and size of everything else. */
function describe(bundle: Bundle): string {
  const text = bundle["text/plain"] ?? bundle["text/markdown"];
  if (text !== undefined) return String(text);
  return Object.entries(bundle).map(([type, data]) => `<${type}, ${String(data).length} characters>`).join("\n");
}

/** Makes a template tag whose value displays as `type`. */
function tag(type: string): (strings: TemplateStringsArray, ...values: unknown[]) => unknown {
  return (strings, ...values) => displayable({ [type]: String.raw({ raw: strings }, ...values) });
}

function displayable(bundle: Bundle): { [DISPLAY](): Bundle } {
  return { [DISPLAY]: () => bundle };
}

function display(value: unknown, options?: { readonly raw?: boolean }): Promise<void> {
  show(options?.raw ? displayable(value as Bundle) : value);
  return Promise.resolve();
}

Object.assign(Deno, {
  jupyter: {
    $display: DISPLAY,
    display,
    md: tag("text/markdown"),
    html: tag("text/html"),
    svg: tag("image/svg+xml"),
  },
});
