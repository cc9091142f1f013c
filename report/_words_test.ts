import assert from "node:assert/strict";
import { describeAgreement, describeDevice, otherDeclined, summarizeAgreement } from "./_words.ts";
import { trainedReport } from "./_test_sample_report.ts";
import { renderHtml } from "./html/html.ts";
import { formatReport } from "./terminal/terminal.ts";

const refused = { asked: "webgpu", ran: "cpu", because: "Failed to get a WebGPU adapter: No <supported> adapters" };
const mixed = {
  asked: "cuda",
  ran: "cuda",
  operators: { CUDAExecutionProvider: 1200, CPUExecutionProvider: 14 },
};

Deno.test("describeDevice() says where ONNX Runtime ran and why not elsewhere", () => {
  assert.equal(describeDevice({ asked: "cpu", ran: "cpu" }), "cpu");
  assert.equal(describeDevice({ asked: "cuda", ran: "cuda", operators: { CUDAExecutionProvider: 3 } }), "cuda");
  assert.equal(describeDevice(mixed), "cuda, 14 of the int8 model's 1,214 operators on the CPU");
  assert.equal(
    describeDevice(refused),
    "cpu, since webgpu cannot be used: Failed to get a WebGPU adapter: No <supported> adapters",
  );
});

Deno.test("formatReport() tells of the device where another than the cpu was asked for", () => {
  const words = (text: string) => text.replace(/\s+/g, " ");
  assert.ok(
    words(formatReport({ ...trainedReport(), device: refused })).includes(`Ran on ${describeDevice(refused)}.`),
  );
  assert.ok(words(formatReport({ ...trainedReport(), device: mixed })).includes(`Ran on ${describeDevice(mixed)}.`));
  const plain = { ...trainedReport(), device: { asked: "cpu", ran: "cpu" } };
  assert.equal(formatReport(plain), formatReport(trainedReport()));
});

Deno.test("reports of another device say where times are from, and that pairs are fused on a CPU alone", () => {
  const words = (text: string) => text.replace(/<[^>]*>/g, "").replace(/\s+/g, " ");
  const report = { ...trainedReport(), device: mixed };
  const text = words(formatReport(report));
  assert.match(text, /Latency \(on cuda, batch 1, /);
  assert.match(text, /On a CPU: 8 operators in int8, none in float .* on cuda what lies between them runs in float\./);
  const page = words(renderHtml(report));
  assert.match(page, /Warm runs in ONNX Runtime on cuda, batch 1/);
  assert.match(page, /So it is on a CPU\. .* on cuda what lies between them runs in float\./);
  for (const device of [refused, { asked: "cpu", ran: "cpu" }]) {
    const plain = { ...trainedReport(), device };
    for (const render of [formatReport, renderHtml]) {
      assert.doesNotMatch(words(render(plain)), /on a CPU[:.]|on cuda|lies between/i);
    }
  }
});

Deno.test("renderHtml() names the backend that trained and the device, as text", () => {
  const html = renderHtml({ ...trainedReport(), backend: "tensorflow", device: refused });
  assert.match(html, />trained on<[^]*?>tensorflow</);
  assert.match(html, />device<[^]*?>cpu, since webgpu cannot be used: [^<]*No &lt;supported&gt; adapters</);
  assert.doesNotMatch(renderHtml(trainedReport()), />device</);
});

Deno.test("otherDeclined() leaves out what tells already why an operator runs in float", () => {
  const told = { pass: "placeQdq", node: "a/Reshape", op: "Reshape", layer: "a", because: "its grids differ" };
  const other = { ...told, layer: "b" };
  const nameless = { pass: "fold", node: "n", op: "Mul", because: "it is read twice" };
  const float = [{ op: "Reshape", node: "a/Reshape_1", layer: "a", because: "its grids differ" }];
  const report = { ...trainedReport(), declined: [told, other, nameless], fusion: { int8: {}, float } };
  assert.deepEqual(otherDeclined(report), [other, nameless]);
});

Deno.test("summarizeAgreement() takes like answers first, then equal codes, then the largest error", () => {
  const codes = { output: "a", compared: "codes", count: 200, different: 3, maxDifference: 2 } as const;
  const values = { output: "a", compared: "values", count: 200, maxError: 0.25, rmsError: 0.125 } as const;
  assert.deepEqual(summarizeAgreement({ ...codes, alike: 0.5 }), { value: "50.00%", of: "answers" });
  assert.deepEqual(summarizeAgreement({ ...values, alike: 1 }), { value: "100%", of: "answers" });
  assert.deepEqual(summarizeAgreement(codes), { value: "98.50%", of: "output codes" });
  assert.deepEqual(summarizeAgreement(values), { value: "±0.250", of: "output values" });
});

Deno.test("describeAgreement() says how many codes or how large errors there are, and when there are none", () => {
  const codes = { output: "a", compared: "codes", count: 1200, different: 3, maxDifference: 2 } as const;
  assert.equal(describeAgreement(codes), "3 of 1,200 output codes differ, by 2 at most");
  assert.equal(
    describeAgreement({ ...codes, different: 0, maxDifference: 0 }),
    "all 1,200 output codes are equal",
  );
  const values = { output: "a", compared: "values", count: 1200, maxError: 0.25, rmsError: 0.125 } as const;
  assert.equal(describeAgreement(values), "1,200 output values differ by 0.250 at most, 0.125 root mean square");
  assert.equal(describeAgreement({ ...values, maxError: 0, rmsError: 0 }), "all 1,200 output values are equal");
});

Deno.test("describeAgreement() counts one code as one", () => {
  const codes = (count: number, different: number) =>
    describeAgreement({ output: "y", compared: "codes", count, different, maxDifference: different });
  assert.deepEqual([codes(1, 0), codes(2, 0), codes(1, 1)], [
    "the one output code is equal",
    "all 2 output codes are equal",
    "1 of 1 output code differs, by 1 at most",
  ]);
});
