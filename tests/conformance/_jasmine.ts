/** Runs specs written for Jasmine, which declare themselves through globals. */
import jasmineCore from "jasmine-core";
import type { SpecResult } from "./_outcome.ts";

/** What is used of Jasmine, whose package has no types. */
interface Jasmine {
  readonly getEnv: () => {
    readonly configure: (options: Readonly<Record<string, unknown>>) => void;
    readonly addReporter: (reporter: Readonly<Record<string, (result: JasmineResult) => void>>) => void;
    readonly execute: () => Promise<unknown>;
  };
}

interface JasmineResult {
  readonly fullName: string;
  readonly status: string;
  readonly failedExpectations: readonly { readonly message: string; readonly stack?: string }[];
}

/** The package's own function: defines `describe`, `it`, `expect` and the rest as globals. */
const { boot } = jasmineCore as { readonly boot: () => Jasmine };

/** Lines of a stack that are shown. */
const STACK_LINES = 6;

/** Makes Jasmine's globals. Modules that declare specs may be loaded after this. */
export function startJasmine(): Jasmine {
  return boot();
}

/**
 * Runs all specs declared since {@linkcode startJasmine}, in their order.
 *
 * @param options.include Whether the spec of this full name is run; the others do not occur in the result.
 * @param options.rename Turns a full name into the result's.
 */
export async function runSpecs(
  jasmine: Jasmine,
  options: { readonly include: (fullName: string) => boolean; readonly rename: (fullName: string) => string },
): Promise<readonly SpecResult[]> {
  const results: SpecResult[] = [];
  const add = ({ fullName, status, failedExpectations }: JasmineResult) =>
    results.push({
      name: options.rename(fullName),
      status: failedExpectations.length > 0 ? "failed" : status === "passed" ? "passed" : "skipped",
      messages: failedExpectations.map(describe),
    });
  const env = jasmine.getEnv();
  env.configure({
    random: false,
    specFilter: (spec: { readonly getFullName: () => string }) => options.include(spec.getFullName()),
  });
  env.addReporter({
    specDone: (result) => void (result.status !== "excluded" && add(result)),
    // What fails before or after all specs of a suite belongs to none of them.
    suiteDone: (result) => void (result.failedExpectations.length > 0 && add(result)),
    jasmineDone: (result) => void (result.failedExpectations.length > 0 && add({ ...result, fullName: "the suite" })),
  });
  await env.execute();
  return results;
}

function describe({ message, stack = "" }: JasmineResult["failedExpectations"][number]): string {
  const frames = stack.split("\n").filter((line) => /^\s+at (?!<Jasmine>)/.test(line)).slice(0, STACK_LINES);
  return [message, ...frames].join("\n    ");
}
