import { testOps } from "../../tests/_support/op_cases.ts";
import { OPS } from "./mod.ts";
import { cases } from "./division_cases.ts";

testOps(OPS, cases);
