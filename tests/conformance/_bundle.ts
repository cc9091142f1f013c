/**
 * Bundles TF.js's own tests, which its package ships as ES modules that name their files without an extension.
 *
 * esbuild's WebAssembly form runs inside this process: nothing but read permission is needed.
 */
import { createRequire, isBuiltin } from "node:module";
import { dirname, join, resolve as resolvePath } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild-wasm";

/** What the tests are started with: ops, gradients, chained ops, the registry of environments, the tests. */
const ENTRY = `
import "./index";
import "./register_all_gradients";
import "./public/chained_ops/register_all_chained_ops";
export { setTestEnvs } from "./jasmine_util";
export const loadTests = () => import("./tests");
`;

/** What the bundle exports. */
export interface TestBundle {
  /** Says on which backends specs for "all environments" run. To be called before the tests are loaded. */
  readonly setTestEnvs: (envs: readonly TestEnv[]) => void;
  /** Declares the specs. */
  readonly loadTests: () => Promise<unknown>;
}

/** An environment that specs run in. */
export interface TestEnv {
  readonly name: string;
  readonly backendName: string;
  /** Whether tensors can be read synchronously. */
  readonly isDataSync: boolean;
}

/** Modules that the bundle shares with this process instead of containing them. */
const SHARED = /^jasmine-core/;

/** Returns the folder `dist` of the installed `@tensorflow/tfjs-core`. */
function coreFolder(): string {
  return dirname(fileURLToPath(import.meta.resolve("@tensorflow/tfjs-core")));
}

/**
 * Bundles `@tensorflow/tfjs-core` with its tests.
 *
 * @returns The URL of a module that is a {@linkcode TestBundle}.
 */
export async function bundleTests(): Promise<string> {
  const wasm = fileURLToPath(import.meta.resolve("esbuild-wasm/esbuild.wasm"));
  await esbuild.initialize({ wasmModule: await WebAssembly.compile(await Deno.readFile(wasm)), worker: false });
  try {
    const { outputFiles } = await esbuild.build({
      stdin: { contents: ENTRY, resolveDir: coreFolder() },
      bundle: true,
      write: false,
      format: "esm",
      platform: "node",
      // The package declares its tests free of side effects; without this they would be dropped.
      ignoreAnnotations: true,
      banner: {
        js: `import { createRequire } from "node:module"; const require = createRequire("${import.meta.url}");`,
      },
      plugins: [packageFiles],
      logLevel: "silent",
    });
    return URL.createObjectURL(new Blob([outputFiles[0].contents as BlobPart], { type: "text/javascript" }));
  } finally {
    await esbuild.stop();
  }
}

/** Finds and reads files as Deno sees them: npm packages lie in its cache, not in node_modules. */
const packageFiles: esbuild.Plugin = {
  name: "package-files",
  setup(build) {
    build.onResolve({ filter: /.*/ }, ({ path, resolveDir }) => {
      if (SHARED.test(path) || isBuiltin(path)) return { path, external: true };
      const file = path.startsWith(".") ? findFile(resolvePath(resolveDir, path)) : findPackage(path, resolveDir);
      // An optional dependency that is not installed fails when it is required, as it would without bundling.
      return file === undefined ? { path, external: true } : { path: file, namespace: "package" };
    });
    build.onLoad({ filter: /.*/, namespace: "package" }, async ({ path }) => ({
      contents: await Deno.readTextFile(path),
      loader: path.endsWith(".json") ? "json" : "js",
      resolveDir: dirname(path),
    }));
  },
};

/** Returns the file that package `name` is for a module in `folder`, or undefined where it is not installed. */
function findPackage(name: string, folder: string): string | undefined {
  try {
    return createRequire(join(folder, "index.js")).resolve(name);
  } catch {
    return undefined;
  }
}

/** Returns the file that `path` names, which may be without its extension or a folder. */
function findFile(path: string): string {
  for (const candidate of [path, `${path}.js`, join(path, "index.js")]) {
    try {
      if (Deno.statSync(candidate).isFile) return candidate;
    } catch {
      // Try the next candidate.
    }
  }
  throw new TypeError(`Cannot bundle "${path}": there is no such file, with .js added or not, and no such folder`);
}
