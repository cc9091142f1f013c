import assert from "node:assert/strict";
import { type ChooseReport, isTried } from "../report/choose_schema.ts";
import { type ChooseOptions, chooseQuantization } from "./choose.ts";
import { save, tinyModel, withFolder } from "./_test_support.ts";

const SMALL = { data: "generated", limit: 40, samples: 16, threads: 1, precise: true };

const names = ({ rungs }: ChooseReport) => rungs.map(({ name }) => name);
/** When a file was written last; undefined of none. */
function mtimeOf(path: string): Date | null | undefined {
  try {
    return Deno.statSync(path).mtime;
  } catch {
    return undefined;
  }
}

const read = (dir: string): ChooseReport => JSON.parse(Deno.readTextFileSync(`${dir}/choose.json`));

Deno.test("chooseQuantization() stops at the first that is good enough, and does nothing twice", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const out = `${dir}/choose`;
    const asked = { ...SMALL, model, out, tolerance: 100, speedup: 0 };
    const report = await chooseQuantization(asked);
    assert.deepEqual([names(report), report.chosen, report.ended], [["weights"], 0, "met"]);
    const [rung] = report.rungs;
    assert.ok(isTried(rung) && rung.bytes! > 0 && report.bytesFloat! > 0 && rung.seconds > 0);
    assert.ok(Deno.statSync(`${out}/${rung.dir}/${rung.deploy}`).isFile);
    assert.equal(Deno.readTextFileSync(`${out}/choose.json`), `${JSON.stringify(report, null, 2)}\n`);
    assert.match(Deno.readTextFileSync(`${out}/choose.html`), /weights is within 100 points of float/);
    const written = Deno.statSync(`${out}/weights/report.json`).mtime;
    assert.deepEqual(JSON.parse(JSON.stringify(await chooseQuantization(asked))), read(out));
    assert.deepEqual(Deno.statSync(`${out}/weights/report.json`).mtime, written);
    await assert.rejects(chooseQuantization({ ...asked, samples: 17 }), {
      name: "OutputError",
      message: /it has another search \(choose\.json\), --overwrite replaces it$/,
    });
    await chooseQuantization({ ...asked, samples: 17, tolerance: 99, overwrite: true });
    assert.equal(read(out).tolerance, 99);
  }));

Deno.test("chooseQuantization() climbs to training where nothing is fast enough, each rung by its own report", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const out = `${dir}/choose`;
    const told: string[] = [];
    const asked = { ...SMALL, model, out, speedup: 1000 };
    const report = await chooseQuantization(asked, { onRung: ({ name }) => told.push(name) });
    assert.deepEqual([report.chosen, report.ended], [undefined, "all"]);
    assert.deepEqual(told, names(report));
    assert.deepEqual(names(report).slice(-3), ["qat-1", "qat-4", "qat-8"]);
    for (const rung of report.rungs) {
      if (!isTried(rung)) continue;
      const { metrics, deploy } = JSON.parse(Deno.readTextFileSync(`${out}/${rung.dir}/report.json`));
      assert.equal(rung.value, metrics[0].deployed);
      assert.ok(Deno.statSync(`${out}/${rung.dir}/${deploy ?? "model.int8.onnx"}`).isFile);
    }
    // What was run before is not run again, be it searched, calibrated or trained.
    const writtenAt = () => names(report).map((name) => mtimeOf(`${out}/${name}/report.json`));
    const searched = `${out}/${names(report).find((name) => name.endsWith("+keep-float"))!.split("+keep")[0]}/debug`;
    const timesOf = () => [...writtenAt(), mtimeOf(`${searched}/debug.json`)];
    const before = timesOf();
    assert.ok(before.at(-1) !== undefined);
    assert.deepEqual(names(await chooseQuantization(asked)), names(report));
    assert.deepEqual(timesOf(), before);
    // Its metric is the float model's as it was loaded, whatever a rung went on from.
    const first = report.rungs.find(isTried)!;
    assert.equal(report.float, JSON.parse(Deno.readTextFileSync(`${out}/${first.dir}/report.json`)).metrics[0].float);
  }));

Deno.test("chooseQuantization() ends when its time is over, and goes on where it was", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const out = `${dir}/choose`;
    const control = new AbortController();
    const asked = { ...SMALL, model, out, speedup: 1000 };
    const stop = () => control.abort(new Error("stopped"));
    await assert.rejects(chooseQuantization(asked, { signal: control.signal, onRung: stop }), { message: "stopped" });
    assert.deepEqual(names(read(out)), ["weights"]);
    const written = Deno.statSync(`${out}/weights/report.json`).mtime;
    const more = new AbortController();
    const seen: string[] = [];
    const onRung = ({ name }: { readonly name: string }) => {
      if (seen.push(name) === 3) more.abort(new Error("stopped"));
    };
    await assert.rejects(chooseQuantization(asked, { signal: more.signal, onRung }), { message: "stopped" });
    assert.deepEqual(names(read(out)).length, 3);
    assert.deepEqual(Deno.statSync(`${out}/weights/report.json`).mtime, written);
    await assert.rejects(chooseQuantization({ ...asked, out: `${dir}/short`, minutes: 1e-6 }), {
      name: "RangeError",
      message: /^Cannot quantize ".*" in any way: there was no time for one$/,
    });
  }));

Deno.test("chooseQuantization() goes on when its minutes were over: each sitting has its own, and may want less", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const out = `${dir}/choose`;
    const asked = { ...SMALL, model, out, speedup: 1000, minutes: 10 };
    /** Searches until there are `count` rungs. */
    const until = async (count: number, more: ChooseOptions = {}) => {
      const control = new AbortController();
      const seen: string[] = [];
      const onRung = ({ name }: { readonly name: string }) => {
        if (seen.push(name) === count) control.abort(new Error("stopped"));
      };
      await assert.rejects(chooseQuantization({ ...asked, ...more }, { signal: control.signal, onRung }), {
        message: "stopped",
      });
      assert.equal(names(read(out)).length, count);
    };
    await until(1);
    const written = mtimeOf(`${out}/weights/report.json`);
    // As if it had taken all of the minutes.
    const first = read(out);
    const slow = { ...first, rungs: first.rungs.map((rung) => ({ ...rung, seconds: 1000 })) };
    Deno.writeTextFileSync(`${out}/choose.json`, JSON.stringify(slow));
    await until(2);
    assert.deepEqual(read(out).rungs.map((rung) => isTried(rung) && rung.seconds === 1000), [true, false]);
    // More minutes than a timer takes.
    await until(3, { minutes: 1_000_000 });
    await until(4, { minutes: undefined, tolerance: 0.25 });
    // Time is over behind a rung: what is written says so.
    const wait = () => {
      for (const end = performance.now() + 1300; performance.now() < end;);
    };
    const short = await chooseQuantization({ ...asked, minutes: 0.02 }, { onRung: wait });
    assert.deepEqual([names(short), short.ended, read(out).ended], [["weights"], "time", "time"]);
    // What was tried is judged by what is good enough now.
    const enough = await chooseQuantization({ ...asked, tolerance: 100, speedup: 0 });
    assert.deepEqual([names(enough), enough.chosen, enough.tolerance], [["weights"], 0, 100]);
    assert.deepEqual(mtimeOf(`${out}/weights/report.json`), written);
    for (const other of [{ limit: 41 }, { seed: 1 }, { threads: 2 }, { data: "generated:faces" }]) {
      await assert.rejects(chooseQuantization({ ...asked, ...other }), {
        name: "OutputError",
        message: /it has another search \(choose\.json\), --overwrite replaces it$/,
      });
    }
  }));

Deno.test("chooseQuantization() says in one line what it cannot do", () =>
  withFolder(async (dir) => {
    const model = await save(tinyModel(), `${dir}/in`);
    const refused: readonly [Record<string, unknown>, RegExp][] = [
      [{ model: undefined }, /^Cannot choose without --model: it is needed$/],
      [{ data: undefined }, /^Cannot choose without --data: it is needed$/],
      [{ tolerance: -1 }, /^Cannot use --tolerance -1: it must be a number from 0/],
      [{ minutes: 0 }, /^Cannot use --minutes 0: it must be a number above 0/],
      [{ tolerence: 1 }, /tolerence.*did you mean/],
      [{ model: `${dir}/none` }, /none/],
    ];
    Deno.mkdirSync(`${dir}/other`);
    for (const text of ["", "{", "null", '{"schema":1,"rungs":3}']) {
      Deno.writeTextFileSync(`${dir}/other/choose.json`, text);
      await assert.rejects(chooseQuantization({ ...SMALL, model, out: `${dir}/other` }), {
        name: "OutputError",
        message: /^Cannot write to ".*other": it has another search \(choose\.json\), --overwrite replaces it$/,
      });
    }
    for (const [options, message] of refused) {
      await assert.rejects(chooseQuantization({ ...SMALL, model, out: `${dir}/refused`, ...options }), { message });
      assert.throws(() => Deno.statSync(`${dir}/refused/choose.json`));
    }
  }));
