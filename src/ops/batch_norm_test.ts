import { testOps } from "../../tests/_support/op_cases.ts";
import { registerQuantKernels } from "../quant/mod.ts";
import { cases } from "./batch_norm_cases.ts";
import { OPS } from "./mod.ts";

registerQuantKernels();
testOps(OPS, cases);
