import { fileURLToPath } from "node:url";

const ROOT = toSlashes(fileURLToPath(new URL("..", import.meta.url)));

/** Returns `filename` relative to the project's root, with forward slashes; a relative one is returned as it is. */
export function projectPath(filename: string): string {
  const path = toSlashes(filename);
  return path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
}

function toSlashes(path: string): string {
  return path.replaceAll("\\", "/");
}
