/** Checkpoints and journals of commits: what this project wrote itself, and somebody damaged. */
import { isDeepStrictEqual } from "node:util";
import { JOURNAL, readJournal } from "../../../src/io/_journal.ts";
import { type Snapshot, Snapshots } from "../../../src/io/snapshots.ts";
import type { Random } from "../../../src/numbers/random.ts";
import { check, type FuzzCase, type Prepare } from "../_case.ts";
import { mutateBytes, mutateJson } from "../_mutate.ts";

const SNAPSHOT: Snapshot = {
  state: { epoch: 3, score: -Infinity, names: ["a", "b"], log: { times: [1.5, NaN] } },
  blobs: { weights: Uint8Array.from({ length: 50 }, (_, i) => i), empty: new Uint8Array(0) },
};

const JOURNAL_OF_TWO = {
  staged: ".commit-01234567-89ab-cdef-0123-456789abcdef",
  put: [{ path: "report.json", sha256: "a".repeat(64) }, { path: "qat/model.json", sha256: "0".repeat(64) }],
  remove: ["model.int8.onnx"],
};

/** A state of which a file is damaged, or a damaged journal. */
export const prepare: Prepare = (dir) => {
  const snapshots = Snapshots.open(dir);
  snapshots.write(SNAPSHOT);
  const folder = `${dir}/000001`;
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort()
    .map((name) => ({ path: `${folder}/${name}`, sound: Deno.readFileSync(`${folder}/${name}`) }));
  return (random) => random.chance(0.3) ? journalCase(random, dir) : stateCase(random, { snapshots, files });
};

interface States {
  readonly snapshots: Snapshots;
  readonly files: readonly { readonly path: string; readonly sound: Uint8Array }[];
}

/** What is read is what was written, whatever was done to its files. */
function stateCase(random: Random, { snapshots, files }: States): FuzzCase {
  const { path, sound } = random.pick(files);
  const { bytes, what } = damageFile(random, sound, path.endsWith(".json"));
  Deno.writeFileSync(path, bytes);
  const read = () => {
    try {
      check(isDeepStrictEqual(snapshots.read(), SNAPSHOT), "another state than was written");
    } finally {
      Deno.writeFileSync(path, sound);
    }
  };
  return { what: `${path}: ${what}`, read };
}

/** A journal is obeyed: all its paths are within the folder. */
function journalCase(random: Random, dir: string): FuzzCase {
  const { bytes, what } = damageFile(random, new TextEncoder().encode(JSON.stringify(JOURNAL_OF_TWO)), true);
  Deno.writeFileSync(`${dir}/${JOURNAL}`, bytes);
  const read = () => {
    const journal = readJournal(dir);
    for (const path of [...journal?.put.map(({ path }) => path) ?? [], ...journal?.remove ?? []]) {
      check(!path.startsWith("/") && !path.split(/[/\\]/).includes(".."), `the path ${path}`);
    }
  };
  return { what: `journal: ${what}`, read };
}

function damageFile(random: Random, sound: Uint8Array, isJson: boolean) {
  if (!isJson || random.chance(0.3)) return mutateBytes(random, sound);
  const root: unknown = JSON.parse(new TextDecoder().decode(sound));
  const what = mutateJson(random, root);
  return { bytes: new TextEncoder().encode(JSON.stringify(root)), what };
}
