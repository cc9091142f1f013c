import { testOps } from "../../tests/_support/op_cases.ts";
import { cases } from "./mat_mul_cases.ts";
import { OPS } from "./mod.ts";

testOps(OPS, cases);
