import { testOps } from "../../tests/_support/op_cases.ts";
import { cases } from "./group_conv2d_cases.ts";
import { OPS } from "./mod.ts";

testOps(OPS, cases);
