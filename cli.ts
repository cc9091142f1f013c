/** The command line; each command is a file in `cli/`. */
import { main } from "./cli/main.ts";

if (import.meta.main) await main(Deno.args);
