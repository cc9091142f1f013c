/** Lint plugin "style": the rules of style (CONTRIBUTING.md) that a machine can check and Deno's own rules do not. */
import { projectPath } from "./_project_path.ts";
import { BELONGS_TO_TESTS } from "./rooms.ts";

/** At this length something wants to be two. */
const MAX_LINES = 400;

/** Where printing is the job. */
const MAY_PRINT = [
  /^cli(\.ts|\/)/,
  /^_tools\//,
  /^examples\//,
  /^tests\/(bench|conformance|fuzz|kill)\//,
  /_bench\.ts$/,
];

/** Code that others import; tests and programs are not. */
const IS_LIBRARY = /^(mod\.ts|(src|data|models|tasks|quantize|train|export|report|job)\/.*)$/;

/** Refuses `x as unknown as T`, which switches the type check off. */
const doubleCast: Deno.lint.Rule = {
  create: (context) => ({
    "TSAsExpression > TSAsExpression": (node: Deno.lint.TSAsExpression) => {
      const { type } = node.typeAnnotation;
      if (type !== "TSUnknownKeyword" && type !== "TSAnyKeyword") return;
      const message = "A double cast switches the type check off";
      context.report({ node, message, hint: "One cast at a boundary, with a comment saying why it is true" });
    },
  }),
};

/** Refuses `console` where printing is not the job. */
const noConsole: Deno.lint.Rule = {
  create(context) {
    const file = projectPath(context.filename);
    if (MAY_PRINT.some((pattern) => pattern.test(file))) return {};
    return {
      "MemberExpression[object.name='console']": (node: Deno.lint.MemberExpression) =>
        context.report({
          node,
          message: `"${file}" prints`,
          hint: "Return the text, or call a function of the caller's",
        }),
    };
  },
};

/** Refuses files that want to be two. */
const fileLength: Deno.lint.Rule = {
  create: (context) => ({
    Program(node) {
      const lines = context.sourceCode.text.trimEnd().split("\n").length;
      if (lines <= MAX_LINES) return;
      context.report({ node, message: `The file has ${lines} lines, at most ${MAX_LINES} are allowed` });
    },
  }),
};

/** Refuses a test file that tests nothing: it calls neither Deno.test nor a function named testX. */
const emptyTest: Deno.lint.Rule = {
  create(context) {
    if (!context.filename.endsWith("_test.ts")) return {};
    let hasTest = false;
    return {
      "MemberExpression[object.name='Deno'][property.name='test']": () => void (hasTest = true),
      "CallExpression[callee.name=/^test/]": () => void (hasTest = true),
      "Program:exit": (node: Deno.lint.Program) => {
        if (!hasTest) context.report({ node, message: "The file has no test", hint: "Deno.test, or a function testX" });
      },
    };
  },
};

/** Refuses statements that do something when a library module is imported. */
const sideEffect: Deno.lint.Rule = {
  create(context) {
    const file = projectPath(context.filename);
    if (!IS_LIBRARY.test(file) || BELONGS_TO_TESTS.test(file)) return {};
    const hint = "Put it into a function that may be called twice, as registerX() may";
    const report = (node: Deno.lint.Node) => context.report({ node, message: "Importing the module does this", hint });
    return {
      "Program > ExpressionStatement": report,
      "Program > VariableDeclaration > VariableDeclarator > CallExpression[callee.name=/^register[A-Z]/]": report,
      ImportDeclaration(node) {
        if (node.specifiers.length === 0 && node.source.value.startsWith(".")) report(node);
      },
    };
  },
};

/** The rooms that know tasks by their contract alone. */
const KNOWS_NO_TASK = /^(train|export|report|job)\//;

/** What only one task speaks of. A layer has a class as well, a type subclasses: those are other words. */
const TASK_WORDS =
  /accurac(?:y|ies)|classif(?:y|ies|ied|ier|ication)|(?<!layers?'? ?|sub|super)classes(?! of (?:the )?layers?)|classNames/gi;

/** Refuses words of one task in rooms that know none: what they say must hold for every task. */
const taskWords: Deno.lint.Rule = {
  create(context) {
    const file = projectPath(context.filename);
    if (!KNOWS_NO_TASK.test(file) || BELONGS_TO_TESTS.test(file)) return {};
    return {
      Program() {
        for (const { 0: word, index } of context.sourceCode.text.matchAll(TASK_WORDS)) {
          context.report({
            range: [index, index + word.length],
            message: `"${file}" speaks of "${word}", which one task knows`,
            hint: "Say it by the task's contract (metrics, targets), or move it into the task's folder",
          });
        }
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "style",
  rules: {
    "double-cast": doubleCast,
    "no-console": noConsole,
    "file-length": fileLength,
    "empty-test": emptyTest,
    "side-effect": sideEffect,
    "task-words": taskWords,
  },
};
export default plugin;
