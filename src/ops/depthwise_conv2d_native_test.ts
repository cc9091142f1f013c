import { testOps } from "../../tests/_support/op_cases.ts";
import { cases } from "./depthwise_conv2d_native_cases.ts";
import { OPS } from "./mod.ts";

testOps(OPS, cases);
