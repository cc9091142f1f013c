/** Which backend TF.js trains on. */
import * as tf from "@tensorflow/tfjs-core";
import { addChainedMethods } from "./_chained_methods.ts";
import type { BackendOptions } from "./options.ts";
import { BACKEND, registerBackend } from "./register.ts";

/** What {@linkcode selectBackend} takes. */
export const BACKEND_NAMES = ["auto", "onnxruntime", "tensorflow", "cpu"] as const;

/** A backend by the name that users ask for it with; "auto" is "onnxruntime". */
export type BackendName = (typeof BACKEND_NAMES)[number];

/** How a backend is selected. */
export interface SelectOptions extends BackendOptions {
  /** Loads TF.js's node backend, which registers itself as "tensorflow". Default: imports `@tensorflow/tfjs-node`. */
  readonly loadTensorflow?: () => Promise<unknown>;
}

/** The release that belongs to the TF.js in use: all of its packages carry one version. */
const TFJS_NODE = `npm:@tensorflow/tfjs-node@${tf.version_core}`;

/** Where `deno install` puts its entry, seen from the folder of the project. */
const ENTRY = "node_modules/@tensorflow/tfjs-node/dist/index.js";

/**
 * Makes TF.js compute on a backend: "onnxruntime" (this project's), "cpu" (TF.js's own, in JavaScript: slow, and what the
 * others are held against) or "tensorflow" (libtensorflow, which must be installed).
 *
 * @param options Of the backend "onnxruntime"; the others take none.
 * @returns The name under which TF.js knows the backend.
 * @throws {Error} If libtensorflow cannot be loaded; it says why and how to install it.
 */
export async function selectBackend(
  name: BackendName,
  options: SelectOptions = {},
): Promise<Exclude<BackendName, "auto">> {
  const { loadTensorflow = importTensorflow, ...own } = options;
  if (name === "auto" || name === "onnxruntime") {
    await registerBackend(own);
    return BACKEND;
  }
  tf.env().set("PROD", true);
  if (name === "cpu") await import("@tensorflow/tfjs-backend-cpu");
  else await load(loadTensorflow);
  addChainedMethods();
  await tf.setBackend(name);
  return name;
}

/**
 * Imports the package where it was installed, in the current folder or the project's. By its file, not its name: a name that
 * nobody installed would be fetched, and written into the lock file.
 */
async function importTensorflow(): Promise<unknown> {
  const folders = [`file://${Deno.cwd()}/`, new URL("../../", import.meta.url).href];
  const entry = folders.map((folder) => new URL(ENTRY, folder)).find(isFile);
  if (entry === undefined) throw new Error(`there is no ${ENTRY}`);
  const loaded: unknown = await import(entry.href);
  if (tf.findBackendFactory("tensorflow") === null) {
    throw new Error("the package that is installed has a TF.js of its own");
  }
  return loaded;
}

function isFile(url: URL): boolean {
  try {
    return url.protocol === "file:" && Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}

async function load(loadTensorflow: () => Promise<unknown>): Promise<void> {
  try {
    await loadTensorflow();
  } catch (error) {
    throw new Error(
      `Cannot use backend "tensorflow": ${reasonOf(error)}; needed is libtensorflow, installed by ` +
        `deno install --no-lock --node-modules-dir=auto --allow-scripts=npm:@tensorflow/tfjs-node --entrypoint ${TFJS_NODE}, ` +
        "and a program run with deno run -A --no-lock --node-modules-dir=auto",
      { cause: error },
    );
  }
}

/** The first line: TF.js's own advice below it is for npm, and does not help under Deno. */
function reasonOf(error: unknown): string {
  const [line] = (error instanceof Error ? error.message : String(error)).trim().split("\n");
  return line.trim().replace(/\.$/, "");
}
