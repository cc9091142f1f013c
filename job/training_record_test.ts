import assert from "node:assert/strict";
import { bindTasks } from "../tasks/bind.ts";
import { classification, regression } from "../tasks/mod.ts";
import { disk } from "../src/io/disk.ts";
import { EVENT_FILES } from "./_outputs.ts";
import type { EpochMetric, StageEpoch } from "./_stage_epoch.ts";
import { withFolder, withoutWallTimes } from "./_test_support.ts";
import { TrainingRecord } from "./_training_record.ts";

const TASK = bindTasks({ task: classification() }, { outputs: [{ name: "y", shape: [3] }], model: "m" });

function metric(value: number): EpochMetric {
  return { name: "accuracy", output: "y", unit: "fraction", better: "higher", count: 4, value };
}

function epoch(number: number, values: Partial<StageEpoch> = {}): StageEpoch {
  return {
    epoch: number,
    epochs: 9,
    loss: 1 / number,
    metrics: [{ name: "accuracy", unit: "fraction", better: "higher", value: number / 8 }],
    observing: false,
    fakeQuantizing: false,
    trainingBatchNorm: true,
    learningRate: 0.1,
    steps: 3,
    stepMs: 1,
    samplesPerSecond: 1,
    endedAt: 1000 * number,
    ...values,
  };
}

const HEAD =
  "stage,epoch,learning_rate,training loss,training accuracy,float accuracy,simulated accuracy,deployed accuracy";

function record(dir: string, said: string[] = []): TrainingRecord {
  return new TrainingRecord({ dir, onFailure: (message) => said.push(message) }, TASK);
}

const read = (path: string) => Deno.readTextFileSync(path);

Deno.test("TrainingRecord has a line an epoch, of all stages in the same columns, by RFC 4180", () =>
  withFolder((dir) => {
    const written = record(dir);
    written.set("float", [epoch(1, { float: [metric(0.5)] }), epoch(2)]);
    written.write("float");
    assert.equal(
      read(`${dir}/metrics.csv`),
      `${HEAD}\r\nfloat,1,0.1,1,0.125,0.5,,\r\nfloat,2,0.1,0.5,0.25,,,\r\n`,
    );
    const { learningRate: _, ...still } = epoch(1, { simulated: [metric(NaN)], deployed: [metric(1e-7)] });
    written.set("qat", [still]);
    written.write("qat");
    const lines = read(`${dir}/metrics.csv`).split("\r\n");
    assert.equal(lines[0], HEAD);
    assert.equal(lines[3], "qat,1,,1,0.125,,NaN,1e-7");
    assert.equal(lines.length, 5);
    return Promise.resolve();
  }));

Deno.test("TrainingRecord names columns by outputs where there are several, and quotes what needs it", () =>
  withFolder((dir) => {
    const outputs = [{ name: 'a "b", c', shape: [1] }, { name: "d", shape: [1] }];
    const task = bindTasks({ task: outputs.map(({ name }) => regression({ output: name })) }, { outputs, model: "m" });
    const own = new TrainingRecord({ dir, onFailure: assert.fail }, task);
    own.set("float", []);
    own.write("float");
    const [head] = read(`${dir}/metrics.csv`).split("\r\n");
    assert.ok(head.includes(',"float a ""b"", c MAE",'), head);
    assert.ok(head.includes(",float d MAE,"), head);
    return Promise.resolve();
  }));

Deno.test("TrainingRecord adds to the event file of a stage, and a process that goes on has neither lost nor doubled any", () =>
  withFolder((dir) => {
    const path = `${dir}/${EVENT_FILES.float}`;
    const first = record(dir);
    const epochs = [epoch(1), epoch(2, { float: [metric(0.25)] }), epoch(3)];
    first.set("float", epochs.slice(0, 1));
    first.write("float");
    const file = Deno.openSync(path);
    first.set("float", epochs.slice(0, 2));
    first.write("float");
    // Who had it open sees what was added.
    assert.equal(file.statSync().size, Deno.statSync(path).size);
    file.close();
    // Dead within a third epoch's record; the state has two.
    disk.append(path, Uint8Array.of(1, 2, 3));
    const second = record(dir);
    second.set("float", epochs.slice(0, 2));
    second.set("float", epochs);
    second.write("float");
    const whole = record(`${dir}/whole`);
    whole.set("float", epochs);
    whole.write("float");
    const bytes = Deno.readFileSync(path);
    assert.deepEqual(bytes, Deno.readFileSync(`${dir}/whole/${EVENT_FILES.float}`));
    const files = second.files();
    assert.deepEqual(files.map(({ path }) => path), ["metrics.csv", EVENT_FILES.float]);
    assert.deepEqual([files[0].bytes, files[1].bytes], [read(`${dir}/metrics.csv`), bytes]);
    // Times are told, and nothing else differs by them.
    const later = record(`${dir}/later`);
    later.set("float", epochs.map((epoch) => ({ ...epoch, endedAt: 5 })));
    later.write("float");
    const other = Deno.readFileSync(`${dir}/later/${EVENT_FILES.float}`);
    assert.notDeepEqual(other, bytes);
    assert.deepEqual(withoutWallTimes(other), withoutWallTimes(bytes));
    return Promise.resolve();
  }));

Deno.test("TrainingRecord says once that it cannot be written, and has all in the end", () =>
  withFolder((dir) => {
    const said: string[] = [];
    Deno.writeTextFileSync(`${dir}/file`, "");
    const failing = record(`${dir}/file`, said);
    failing.set("float", [epoch(1)]);
    failing.write("float");
    failing.write("float");
    assert.equal(said.length, 1);
    assert.match(said[0], /^Cannot write to ".*file\/metrics.csv": /);
    assert.equal(failing.files().length, 2);
    return Promise.resolve();
  }));
