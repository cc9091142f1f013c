/** Tables as comma-separated values. */

/**
 * Writes rows, the first of which names the columns. Source: RFC 4180, with line feeds alone.
 *
 * @param rows Texts, numbers, and null or undefined for nothing.
 */
export function toCsv(rows: readonly (readonly (string | number | null | undefined)[])[]): string {
  return rows.map((row) => `${row.map(cellOf).join(",")}\n`).join("");
}

function cellOf(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return "";
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
