/** The folder where float models, results of rows and the split of CIFAR-10 are kept, so that a later run goes on. */
import { SHARED } from "../_jobs.ts";
import { exists, runDeno, runTask } from "../_children.ts";
import type { MethodResult } from "./_figures.ts";
import { type FloatSource, type Net, netOf } from "./_nets.ts";
import { writeCifar, writeCifarCalibration, writeMnistCalibration } from "./_splits.ts";

/** Sizes to try the table with, and the whole ones. */
export interface Scale {
  readonly isQuick: boolean;
  readonly threads: number | undefined;
}

/** All layers in float: so `deno task qat` trains a float model as it trains others. */
const ALL_FLOAT = { rules: [{ match: {}, then: { float: true } }] };

/** What is kept from run to run. */
export class Cache {
  constructor(readonly dir: string, readonly scale: Scale) {}

  /** Returns what `--data` takes for a net, and `--calibrate`, having written the folders. */
  async samplesOf({ samples }: Net): Promise<{ readonly data: string; readonly calibrate: string }> {
    const { isQuick } = this.scale;
    const [own, some] = [`${this.dir}/${samples}`, `${this.dir}/${samples}-calibration`];
    const count = isQuick ? 32 : undefined;
    switch (samples) {
      case "cifar10":
        await writeCifar(`${SHARED}/data/cifar10`, own, isQuick ? { train: 320, test: 200 } : {});
        await writeCifarCalibration(own, some, count);
        return { data: `cifar10:${own}`, calibrate: `cifar10:${some}` };
      case "mnist":
        await writeMnistCalibration(`${SHARED}/data/mnist`, some, count);
        return { data: `mnist:${SHARED}/data/mnist`, calibrate: `mnist:${some}` };
      case "brackets":
        return { data: "generated:brackets", calibrate: "generated:brackets" };
    }
  }

  /** Flags that all commands are given. */
  get commonFlags(): readonly string[] {
    const { threads, isQuick } = this.scale;
    return [...(threads === undefined ? [] : ["--threads", `${threads}`]), ...(isQuick ? ["--limit", "320"] : [])];
  }

  /** Returns the folder of a row's results. */
  outOf(net: string, row: string): string {
    return `${this.dir}/${net}/${row}`;
  }

  /** Returns the model.json of the net's float model, having made it where it is not there. */
  async floatOf(net: Net): Promise<string> {
    const { float } = net;
    if (float.kind === "file") return float.path;
    const out = this.outOf(net.name, "float");
    const model = `${out}/float/model.json`;
    if (await exists(`${out}/report.json`) || (float.kind === "rescaled" && await exists(model))) return model;
    if (float.kind === "rescaled") {
      const source = await this.floatOf(netOf(float.from));
      await runDeno("_tools/results/methods/rescale.ts", [source, `${out}/float`]);
    } else {
      await this.#train(net, float, out);
    }
    return model;
  }

  async #train(net: Net, float: Extract<FloatSource, { kind: "trained" }>, out: string): Promise<void> {
    const recipe = `${this.dir}/float.json`;
    await Deno.writeTextFile(recipe, JSON.stringify(ALL_FLOAT));
    const start = float.from === undefined ? [] : ["--model", await this.floatOf(netOf(float.from))];
    const { isQuick } = this.scale;
    const flags = isQuick ? float.quick : float.flags;
    // A run that was stopped goes on; there is nothing else in its folder then.
    const isBegun = await exists(`${out}/run`);
    await runTask(
      "qat",
      isBegun ? ["--resume", out] : [
        ...[...start, ...flags, "--data", (await this.samplesOf(net)).data, "--no-control", "--recipe", recipe],
        ...["--out", out, ...this.commonFlags],
      ],
    );
  }

  /** Returns the results so far. */
  async results(): Promise<readonly MethodResult[]> {
    const text = await Deno.readTextFile(`${this.dir}/results.json`).catch(() => "[]");
    return JSON.parse(text);
  }

  /** Keeps a result in the place of one of the same row. */
  async keep(result: MethodResult): Promise<readonly MethodResult[]> {
    const others = (await this.results()).filter(({ net, row }) => net !== result.net || row !== result.row);
    const all = [...others, result];
    await Deno.writeTextFile(`${this.dir}/results.json.new`, `${JSON.stringify(all, null, 2)}\n`);
    await Deno.rename(`${this.dir}/results.json.new`, `${this.dir}/results.json`);
    return all;
  }
}
