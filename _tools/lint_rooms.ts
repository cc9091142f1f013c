/** Lint plugin "rooms": refuses imports that break the rules of `rooms.ts`. */
import { refuse } from "./rooms.ts";
import { projectPath } from "./_project_path.ts";

const imports: Deno.lint.Rule = {
  create(context) {
    const from = projectPath(context.filename);
    const judge = (node: Deno.lint.Node, source: Deno.lint.Node | null | undefined, typeOnly: boolean) => {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const message = refuse({ from, specifier: source.value, typeOnly });
      if (message) {
        context.report({ node, message, hint: "The rooms are in CONTRIBUTING.md, the table in _tools/rooms.ts" });
      }
    };
    return {
      ImportDeclaration: (node) => judge(node, node.source, node.importKind === "type" || hasOnlyTypes(node)),
      ExportNamedDeclaration: (node) => judge(node, node.source, node.exportKind === "type"),
      ExportAllDeclaration: (node) => judge(node, node.source, node.exportKind === "type"),
      ImportExpression: (node) => judge(node, node.source, false),
      TSImportType: (node) => judge(node, node.argument.type === "TSLiteralType" ? node.argument.literal : null, true),
    };
  },
};

/** Whether every name of the import is marked `type`. */
function hasOnlyTypes(node: Deno.lint.ImportDeclaration): boolean {
  return node.specifiers.length > 0 &&
    node.specifiers.every((it) => it.type === "ImportSpecifier" && it.importKind === "type");
}

const plugin: Deno.lint.Plugin = { name: "rooms", rules: { imports } };
export default plugin;
