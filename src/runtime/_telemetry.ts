/**
 * Switches off what ONNX Runtime reports to its makers, before the library is loaded.
 *
 * From 1.29 on its official builds for Linux and macOS look up a host of Microsoft's, keep a device id and a database in
 * the user's cache folder and a log in the temporary one, and send events that name graphs and producers. They do so
 * unless ORT_DISABLE_TELEMETRY is exactly "1" when the library's environment is made: once a process. The builds for
 * Windows do not read it; their events go to Windows itself, whose settings decide.
 *
 * This module acts when it is imported, and is imported before the library: see docs/design/telemetry.md.
 */
import process from "node:process";

const VARIABLE = "ORT_DISABLE_TELEMETRY";

/** Sets the variable, whatever it was: nobody who uses a library of ours has agreed to reports on his models. */
function switchOff(): void {
  if (process.platform === "win32" || setByDeno()) return;
  try {
    setByLibrary();
  } catch (cause) {
    // Without it the library cannot be loaded either, and Deno's message names the flag.
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new Error(
      `Cannot load ONNX Runtime: its telemetry is on and cannot be switched off, --allow-env=${VARIABLE} is needed`,
      { cause },
    );
  }
}

/** Sets it where Deno may. Under --ignore-env Deno sets nothing, without a word: only reading it back tells. */
function setByDeno(): boolean {
  if (Deno.permissions.querySync({ name: "env", variable: VARIABLE }).state !== "granted") return false;
  Deno.env.set(VARIABLE, "1");
  return Deno.env.get(VARIABLE) === "1";
}

/**
 * Sets it by the C library that ONNX Runtime's own binding is linked to, for which no permission is needed but that of
 * loading the binding.
 */
function setByLibrary(): void {
  const library = Deno.dlopen(bindingUrl(), { setenv: { parameters: ["buffer", "buffer", "i32"], result: "i32" } });
  const overwrite = 1;
  const code = library.symbols.setenv(cString(VARIABLE), cString("1"), overwrite);
  library.close();
  if (code !== 0) throw new Error(`setenv gave ${code}`);
}

/** The file that onnxruntime-node loads (its dist/binding.js). */
function bindingUrl(): URL {
  const path = `../bin/napi-v6/${process.platform}/${process.arch}/onnxruntime_binding.node`;
  return new URL(path, import.meta.resolve("onnxruntime-node"));
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

// deno-lint-ignore style/side-effect -- it must be done before the library is loaded, which imports do
switchOff();
