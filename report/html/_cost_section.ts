/** Latency and size. */
import { byteSize, escapeHtml, joulesOf, milliseconds, plural, ratio } from "../_format.ts";
import { modelWords } from "../_method_words.ts";
import { describeDoubt, describeShare, describeShrinkage, otherDevice } from "../_words.ts";
import type { OfBoth, Report } from "../schema.ts";
import { cssPercent, type HtmlSection, section } from "./_markup.ts";

/** Bars of latency and size; nothing where there is no file. */
export const costSection: HtmlSection = {
  name: "cost",
  render: (report, { speedup, shrinkage }) => {
    const { latencyMs, bytes, machine } = report;
    const { short } = modelWords(report);
    if (bytes === undefined || shrinkage === undefined) return undefined;
    const size = group("Size of the ONNX file", {
      float: { value: bytes.float, text: byteSize(bytes.float) },
      deployed: { value: bytes.deployed, text: byteSize(bytes.deployed), note: describeShrinkage(shrinkage) },
    }, short);
    if (latencyMs === undefined) {
      return section("Size", { lead: "Latency was not measured.", body: `<div class="bars">${size}</div>` });
    }
    const { float, deployed, batch, threads, decoding, unsteady } = latencyMs;
    const time = group("Median time of a run", {
      float: { value: float.p50, text: milliseconds(float.p50), note: `p95 ${milliseconds(float.p95)}` },
      deployed: {
        value: deployed.p50,
        text: milliseconds(deployed.p50),
        note: `p95 ${milliseconds(deployed.p95)} · ${ratio(speedup)} as fast`,
      },
    }, short);
    const decoded = decoding === undefined ? "" : groupOf("With decoding", {
      times: { float: float.p50 + decoding.p50, deployed: deployed.p50 + decoding.p50 },
      note: `decoding ${milliseconds(decoding.p50)}`,
      short,
    });
    const device = otherDevice(report);
    const where = machine === undefined ? "" : ` ${escapeHtml(machine)}.`;
    return section("Latency and size", {
      lead:
        `Warm runs in ONNX Runtime${device === undefined ? "" : ` on ${escapeHtml(device)}`}, batch ${batch}, ${
          plural(threads, "thread")
        }; ` +
        `p95 is the 95th percentile.${where}${sayDecoding(report)}${sayWork(report)}` +
        (unsteady === undefined ? "" : ` <span class="fair">${escapeHtml(describeDoubt(unsteady))}</span>`),
      body: `<div class="bars">${time}${decoded}${renderWork(report, short)}${size}</div>`,
    });
  },
};

function sayDecoding({ latencyMs }: Report): string {
  if (latencyMs?.decoding === undefined) return "";
  return " Decoding is what is made of the answer to one sample, which the network's own time is without.";
}

function sayWork({ work }: Report): string {
  if (work === undefined) return "";
  const energy = work.noJoules === undefined ? "" : ` Energy was not measured: ${escapeHtml(work.noJoules)}.`;
  return ` CPU time is that of all threads of the process, in the program and in the system.${energy}`;
}

/** CPU time on one thread and on all, and energy; of one thread alone once. */
function renderWork({ work, latencyMs }: Report, short: string): string {
  if (work === undefined || latencyMs === undefined) return "";
  const { cpuMs, singleCpuMs, joules } = work;
  const { threads } = latencyMs;
  const single = groupOf("CPU time of a run, 1 thread", { times: singleCpuMs, short });
  const all = threads === 1
    ? ""
    : groupOf(`CPU time of a run, ${plural(threads, "thread")}`, { times: cpuMs, note: "all threads together", short });
  const energy = joules === undefined ? "" : group("Energy of a run, all of the processor", {
    float: { value: joules.float, text: joulesOf(joules.float) },
    deployed: { value: joules.deployed, text: joulesOf(joules.deployed), note: describeShare(joules) },
  }, short);
  return `${single}${all}${energy}`;
}

interface Times {
  readonly times: OfBoth;
  /** Of the deployed model. */
  readonly note?: string;
  readonly short: string;
}

/** Makes bars of times, with the share that the deployed model takes. */
function groupOf(heading: string, { times, note, short }: Times): string {
  const notes = [describeShare(times), note].filter(Boolean).join(" · ");
  return group(heading, {
    float: { value: times.float, text: milliseconds(times.float) },
    deployed: { value: times.deployed, text: milliseconds(times.deployed), note: notes },
  }, short);
}

interface Bar {
  readonly value: number;
  readonly text: string;
  readonly note?: string;
}

function group(heading: string, bars: { readonly float: Bar; readonly deployed: Bar }, short: string): string {
  const longest = Math.max(bars.float.value, bars.deployed.value);
  const row = (kind: "float" | "int8", name: string, { value, text, note = "" }: Bar) =>
    `<div class="bar"><span>${name}</span><span class="track">` +
    `<span class="fill ${kind}" style="width:${cssPercent(longest === 0 ? 0 : 0.62 * value / longest)}"></span>` +
    `<span><b>${text}</b> <small>${note}</small></span></span></div>`;
  return `<div><h3>${heading}</h3>${row("float", "float", bars.float)}${row("int8", short, bars.deployed)}</div>`;
}
