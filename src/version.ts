/** This project's name and version as files name their maker; a test holds them to deno.json. */
export const MAKER = { name: "tfjs-qat", version: "0.1.0" } as const;
