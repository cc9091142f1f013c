/** The frame of a page: its head, its style, its headline. */
import { escapeHtml } from "../_format.ts";
import { STYLE } from "./_style.ts";

/** What stands on a page. `figures` and `body` are HTML, the rest is text. */
export interface Page {
  /** What kind of report it is. */
  readonly kind: string;
  /** What it is about. */
  readonly name: string;
  readonly headline: string;
  readonly subject: string;
  readonly figures?: string;
  readonly body: string;
}

/** Makes a self-contained page with a title. */
export function page(title: string, { kind, name, headline, subject, figures = "", body }: Page): string {
  return plainPage(
    title,
    `<header>
<p class="meta">${escapeHtml(kind)} · <strong>${escapeHtml(name)}</strong></p>
<h1>${escapeHtml(headline)}</h1>
<p class="meta">${escapeHtml(subject)}</p>
${figures}
</header>
${body}`,
  );
}

/** Makes a self-contained page of HTML alone. */
export function plainPage(title: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}
