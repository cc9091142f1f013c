import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import { FileLock } from "../src/io/lock.ts";
import type { Report } from "../report/schema.ts";
import { contentsOf, save, SMALL, stopAfter, Stopped, tinyModel, withFolder } from "./_test_support.ts";
import type { QatOptions } from "./options.ts";
import { runQat } from "./qat.ts";

const { overwrite: _, ...JOB } = { ...SMALL, epochs: 2, floatEpochs: 1, arch: "tiny_yolo", limit: 24, batchSize: 12 };

/** The files of a run that two runs of one job share: all but the reports, with what the reports say without times. */
function resultsIn(dir: string): unknown {
  const files = Object.entries(contentsOf(dir)).map(([path, text]) => [path.slice(dir.length + 1), text]);
  const report: Report = JSON.parse(Deno.readTextFileSync(`${dir}/report.json`));
  return [withoutTimes(report), files.filter(([path]) => !/^report\.|^run/.test(path))];
}

/** The report without what the clock, the memory and the folder decide. */
function withoutTimes({ latencyMs: _, work: ___, train, command: __, options, ...rest }: Report): unknown {
  const epochs = train.epochs.map((epoch) => ({ ...epoch, stepMs: 0 }));
  return { ...rest, epochs, options: { ...options, out: "" } };
}

/** The lines of a table; none where it is not there yet. */
function readLines(path: string): readonly string[] {
  try {
    return Deno.readTextFileSync(path).split("\r\n").slice(0, -1);
  } catch {
    return [];
  }
}

Deno.test("runQat() stopped in every stage, again and again, ends with the files of a run that was not", () =>
  withFolder(async (dir) => {
    await runQat({ ...JOB, out: `${dir}/whole` });
    const out = `${dir}/stopped`;
    let stops = 0;
    const live = () => readLines(`${out}/run/log/metrics.csv`);
    let lines: readonly string[] = [];
    const options: QatOptions[] = [{ ...JOB, out }];
    for (let steps = 1;; steps = steps % 3 + 1) {
      try {
        await runQat(options.at(-1), stopAfter(steps));
        break;
      } catch (error) {
        assert.ok(error instanceof Stopped, String(error));
        stops++;
        // What was told once is told from then on.
        assert.deepEqual(live().slice(0, lines.length), lines);
        lines = live();
        options.push({ resume: out });
      }
    }
    assert.ok(stops >= 4, `${stops}`);
    assert.deepEqual(readLines(`${out}/metrics.csv`).slice(0, lines.length), lines);
    const epochs = readLines(`${out}/metrics.csv`).map((line) => line.split(",", 2).join());
    const expected = { float: 1, adapted: 1, control: 2, "own-adapted": 1, "own-control": 2, qat: 2 };
    const named = Object.entries(expected).flatMap(([stage, count]) =>
      Array.from({ length: count }, (_, i) => `${stage},${i + 1}`)
    );
    assert.deepEqual(epochs, ["stage,epoch", ...named]);
    assert.deepEqual(resultsIn(out), resultsIn(`${dir}/whole`));
    assert.deepEqual([...Deno.readDirSync(`${out}/run`)].map(({ name }) => name).sort(), ["results.json", "run.json"]);
  }));

Deno.test("runQat() says of a run that has ended that it has, and returns its report", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const first = await runQat({ ...SMALL, model, out: `${dir}/out` });
    const before = contentsOf(`${dir}/out`);
    // What a process leaves that dies right behind its results.
    Deno.mkdirSync(`${dir}/out/run/qat/000001`, { recursive: true });
    const log: string[] = [];
    const again = await runQat({ resume: `${dir}/out` }, { log: (line) => log.push(line) });
    assert.deepEqual(JSON.parse(JSON.stringify(again)), JSON.parse(JSON.stringify(first)));
    assert.match(log.join("\n"), /^The run in ".*" has ended, this is its report; --model .*qat goes on training/);
    assert.deepEqual(contentsOf(`${dir}/out`), before);
    Deno.writeTextFileSync(`${dir}/out/report.json`, "{}");
    await assert.rejects(
      runQat({ resume: `${dir}/out` }),
      /^RunError: .* it has ended, and its report\.json was changed/,
    );
  }));

Deno.test("runQat() uses a folder without results as it is, and touches no file of anybody else's", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    Deno.mkdirSync(`${dir}/out/qat`, { recursive: true });
    const foreign = { "notes.txt": "mine", "qat/notes.txt": "too", ".other.tmp": "x" };
    for (const [name, text] of Object.entries(foreign)) Deno.writeTextFileSync(`${dir}/out/${name}`, text);
    await runQat({ ...SMALL, overwrite: false, model, out: `${dir}/out` });
    for (const [name, text] of Object.entries(foreign)) {
      assert.equal(Deno.readTextFileSync(`${dir}/out/${name}`), text);
    }
  }));

Deno.test("runQat() refuses a folder with results, and replaces them all when it is told to", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const out = `${dir}/out`;
    const options = { ...SMALL, overwrite: false, model, out };
    await runQat(options);
    const before = contentsOf(out);
    await assert.rejects(
      runQat(options),
      /^OutputError: Cannot write to ".*": it has results already \(model.int8.onnx\), --overwrite replaces them, --resume .* shows them$/,
    );
    assert.deepEqual(contentsOf(out), before);
    // A simulation has no files for a runtime: those of the run before must not lie beside its report.
    await runQat({ ...options, target: "simulation", overwrite: true });
    assert.ok(!Object.keys(contentsOf(out)).some((path) => path.endsWith(".onnx")));
    // Results of an older version have no record of their run.
    Deno.removeSync(`${out}/run`, { recursive: true });
    await assert.rejects(runQat(options), /results already \(labels.txt\), --overwrite replaces them$/);
  }));

Deno.test("runQat() keeps older results until there are new ones", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const options = { ...SMALL, model, out: `${dir}/out`, epochs: 2 };
    await runQat(options);
    const before = Deno.readFileSync(`${dir}/out/model.int8.onnx`);
    await assert.rejects(runQat({ ...options, seed: 1 }, stopAfter(1)), Stopped);
    assert.deepEqual(Deno.readFileSync(`${dir}/out/model.int8.onnx`), before);
    await assert.rejects(
      runQat({ ...options, overwrite: false }),
      /it has a run that has not ended, --resume .* goes on/,
    );
    const { seed } = await runQat({ resume: `${dir}/out` });
    assert.equal(seed, 1);
    assert.notDeepEqual(Deno.readFileSync(`${dir}/out/model.int8.onnx`), before);
  }));

Deno.test("runQat() refuses an option that is not that of the run it goes on with, by name", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const out = `${dir}/out`;
    await assert.rejects(runQat({ ...SMALL, epochs: 2, model, out }, stopAfter(1)), Stopped);
    const refused: readonly [QatOptions, RegExp][] = [
      [{ epochs: 3 }, /^RangeError: Cannot use --epochs 3 with --resume .*: the run was begun with 2$/],
      [{ seed: 7 }, /Cannot use --seed 7 with --resume .*: the run was begun with 0$/],
      [{ keepFloat: ["conv"] }, /Cannot use --keep-float \["conv"\] .*: the run was begun with \[\]$/],
      [{ threads: 1 }, /Cannot use --threads 1 .*: the run was begun without it$/],
      [{ out: `${dir}/other` }, /Cannot use --out ".*other" with --resume/],
      [{ overwrite: true }, /Cannot use --overwrite and --resume together/],
      [{ outputs: ["dense"] }, /Cannot use --outputs \["dense"\] .*: the run was begun without it$/],
    ];
    for (const [options, says] of refused) await assert.rejects(runQat({ resume: out, ...options }), says);
    // What is the same, or changes no number, is fine; so is a run without a state, which starts from its beginning.
    Deno.removeSync(`${out}/run/qat`, { recursive: true });
    await runQat({
      resume: out,
      out,
      epochs: 2,
      seed: 0,
      batchSize: SMALL.batchSize,
      debug: true,
      checkpointMinutes: 1,
    });
  }));

Deno.test("runQat() refuses to go on where there is no run, or where its record, data or model was changed", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const out = `${dir}/out`;
    await assert.rejects(runQat({ resume: out }), /^RunError: Cannot resume ".*": no run was begun there/);
    await assert.rejects(Deno.stat(out), Deno.errors.NotFound);
    await assert.rejects(runQat({ ...SMALL, epochs: 2, model, out }, stopAfter(1)), Stopped);
    const record = Deno.readTextFileSync(`${out}/run/run.json`);
    const changes: readonly [string, string | RegExp, string, RegExp][] = [
      ["its form", '"version": 1', '"version": 2', /it is of version 2, needed is 1$/],
      ["its end", /\}\s*$/, "", /it is damaged, or no record of a run$/],
      ["an option", '"epochs": 2', '"epochs": "two"', /Cannot use --epochs "two"/],
      ["a hash", /"data": "\w{64}"/, '"data": 5', /it is damaged$/],
      [
        "the data",
        /"data": "\w{64}"/,
        `"data": "${"0".repeat(64)}"`,
        /its data is not what it was when the run began$/,
      ],
    ];
    for (const [what, from, to, says] of changes) {
      Deno.writeTextFileSync(`${out}/run/run.json`, record.replace(from, to));
      await assert.rejects(runQat({ resume: out }), says, what);
    }
    Deno.writeTextFileSync(`${out}/run/run.json`, record);
    await save(tinyModel({ classes: 10, activation: "elu" }), `${dir}/in`);
    const weights = Deno.readFileSync(`${dir}/in/weights.bin`);
    weights[0] ^= 1;
    Deno.writeFileSync(`${dir}/in/weights.bin`, weights);
    await assert.rejects(runQat({ resume: out }), /its model is not what it was when the run began$/);
  }));

Deno.test("runQat() refuses a folder where another run works, and none where one died", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const out = `${dir}/out`;
    Deno.mkdirSync(`${out}/run`, { recursive: true });
    const lock = FileLock.take(`${out}/run/lock`)!;
    const options = { ...SMALL, model, out };
    await assert.rejects(runQat(options), /^OutputError: Cannot write to ".*": another run is writing there$/);
    lock.release();
    // What a process that was killed leaves.
    Deno.writeTextFileSync(`${out}/run/lock`, "");
    Deno.writeTextFileSync(`${out}/.report.json.${crypto.randomUUID()}.tmp`, "half");
    Deno.mkdirSync(`${out}/.commit-${crypto.randomUUID()}`);
    await runQat({ ...options, overwrite: false });
    assert.deepEqual([...Deno.readDirSync(out)].map(({ name }) => name).filter((name) => name.startsWith(".")), []);
  }));
