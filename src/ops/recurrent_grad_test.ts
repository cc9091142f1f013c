import { testOps } from "../../tests/_support/op_cases.ts";
import { OPS } from "./mod.ts";
import { cases } from "./recurrent_grad_cases.ts";

testOps(OPS, cases);
