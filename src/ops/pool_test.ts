import { testOps } from "../../tests/_support/op_cases.ts";
import { OPS } from "./mod.ts";
import { cases } from "./pool_cases.ts";

testOps(OPS, cases);
