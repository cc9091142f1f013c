/** Returns the folder for temporary files, which scripts that start Deno let it write to. */
export function temporaryFolder(): string {
  return Deno.env.get("TMPDIR") ?? Deno.env.get("TEMP") ?? Deno.env.get("TMP") ?? "/tmp";
}
