/** Reports: what they say, and how they are shown in a terminal, on a page and in a notebook. */
export type * from "./schema.ts";
export { formatRecord } from "./terminal/record.ts";
export { formatDebug } from "./terminal/debug.ts";
export { renderDebug } from "./html/debug.ts";
export { formatChoice } from "./terminal/choose.ts";
export { formatComparison } from "./terminal/compare.ts";
export { renderComparison } from "./html/compare.ts";
export * from "./compare_schema.ts";
export { formatSweep } from "./terminal/sweep.ts";
export { renderSweep } from "./html/sweep.ts";
export * from "./sweep_schema.ts";
export { renderChoice } from "./html/choose.ts";
export * from "./choose_schema.ts";
export { DEBUG_SCHEMA, type DebugReport, type KeepChoice, type KeepReport } from "./debug_schema.ts";
export { formatReport, type TerminalOptions } from "./terminal/terminal.ts";
export { formatSummary } from "./terminal/summary.ts";
export { formatTargets } from "./terminal/targets.ts";
export {
  DISPLAY,
  type Displayable,
  displayModel,
  displayReport,
  displaySections,
  type Forms,
} from "./notebook/display.ts";
export { renderHtml } from "./html/html.ts";
export {
  createProgress,
  type Progress,
  type ProgressOptions,
  type ProgressStream,
  type WorkInfo,
} from "./terminal/progress.ts";
