/**
 * An oxlint plugin: whoever overrules the compiler or the linter says why, on the line above.
 * `as X` needs a `//` comment directly above it; a lint directive needs its reason after ` -- `.
 * `any` and `!` are errors of their own rules, so they can only stand under such a directive.
 */

interface Position {
  readonly line: number;
}

interface Node {
  readonly loc: { readonly start: Position; readonly end: Position };
}

interface AsExpression extends Node {
  readonly parent: { readonly type: string };
  readonly typeAnnotation: Node & {
    readonly type: string;
    readonly typeName?: { readonly name?: string };
  };
}

interface Comment extends Node {
  readonly type: string;
  readonly value: string;
}

interface Context {
  readonly sourceCode: {
    readonly lines: ReadonlyArray<string>;
    readonly getAllComments: () => ReadonlyArray<Comment>;
  };
  readonly report: (finding: { readonly node: Node; readonly message: string }) => void;
}

const directive = /^\s*(?:oxlint|eslint)-disable/;
const directiveWithReason = /\s--\s+\S{3,}/;
const compilerDirective = /^\s*@ts-/;

const saysWhy = (comment: Comment): boolean =>
  directive.test(comment.value)
    ? directiveWithReason.test(comment.value)
    : !compilerDirective.test(comment.value) && /\w{3,}/.test(comment.value);

const isConst = (node: AsExpression): boolean =>
  node.typeAnnotation.type === "TSTypeReference" && node.typeAnnotation.typeName?.name === "const";

const assertionReason = {
  create(context: Context) {
    const { lines, getAllComments } = context.sourceCode;
    const standsAlone = (comment: Comment): boolean =>
      (lines[comment.loc.start.line - 1] ?? "").trimStart().startsWith("//");
    const reasonEndsAt = new Set(
      getAllComments
        .call(context.sourceCode)
        .filter((comment) => comment.type === "Line" && standsAlone(comment) && saysWhy(comment))
        .map((comment) => comment.loc.end.line),
    );
    return {
      TSAsExpression(node: AsExpression) {
        // `x as unknown as X` is one overrule: the outer assertion speaks for both.
        if (isConst(node) || node.parent.type === "TSAsExpression") return;
        const isExplained = [node.loc.start.line, node.typeAnnotation.loc.start.line].some((line) =>
          reasonEndsAt.has(line - 1),
        );
        if (!isExplained) {
          context.report({
            node,
            message: "A type assertion needs its reason in a // comment on the line above.",
          });
        }
      },
    };
  },
};

const directiveReason = {
  create(context: Context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          if (!directive.test(comment.value) || directiveWithReason.test(comment.value)) continue;
          context.report({
            node: comment,
            message: "A disabled lint rule needs its reason: oxlint-disable-next-line rule -- why.",
          });
        }
      },
    };
  },
};

export default {
  meta: { name: "overrules" },
  rules: { "assertion-reason": assertionReason, "directive-reason": directiveReason },
};
