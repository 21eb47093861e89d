/** What a model wraps its answer in: thoughts, labels, fenced blocks. Every function costs one pass. */
import { Result } from "effect";
import type { Issue } from "../failure.ts";
import { cutOff } from "./trouble.ts";

const openingThought = /^\s*<(think|thinking|reasoning)>/i;
const closingThought = /<\/(?:think|thinking|reasoning)>/gi;

/**
 * The answer without the thoughts before it. Some templates open them in the prompt, so that the answer
 * has only their end, on a line's beginning or end. Fails where the thoughts never end.
 */
export const withoutThoughts = (answer: string): Result.Result<string, ReadonlyArray<Issue>> => {
  const text = answer.trim();
  const isOpened = openingThought.test(text);
  closingThought.lastIndex = 0;
  const end = closingThought.exec(text);
  if (end === null)
    return isOpened
      ? Result.fail([cutOff("", "its thoughts are not ended")])
      : Result.succeed(text);
  const after = end.index + end[0].length;
  const isAlone = text[end.index - 1] === "\n" || text[after] === "\n";
  return Result.succeed(isOpened || isAlone ? text.slice(after).trim() : text);
};

const label =
  /^(?:\*\*)?(?:final answer|final output|answer|output|result|response|json)(?:\*\*)?\s*[:：](?:\*\*)?\s*/i;

/** The answer without a word such as `Output:` before it. */
export const withoutLabel = (text: string): string => text.replace(label, "");

const opening = /^[ \t>]*(`{3,}|~{3,})[ \t]*([A-Za-z][\w+#.-]*)?[ \t]*(.*)$/;

/** The contents of the fenced blocks, in order; one that is never closed goes on to the end. */
export const fencedBlocks = (text: string): ReadonlyArray<string> => {
  const blocks: Array<string> = [];
  let fence: string | null = null;
  let lines: Array<string> = [];
  const end = (): void => {
    blocks.push(lines.join("\n").trim());
    fence = null;
    lines = [];
  };
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    if (fence !== null) {
      if (isFence(trimmed, fence)) end();
      else lines.push(line);
      continue;
    }
    const [, mark, , rest = ""] = opening.exec(trimmed) ?? [];
    if (mark === undefined) continue;
    fence = mark;
    lines = rest === "" ? [] : [rest];
    // A block on one line.
    if (rest.endsWith(mark)) {
      lines = [rest.slice(0, -mark.length)];
      end();
    }
  }
  if (fence !== null) end();
  return blocks.filter((block) => block !== "");
};

const isFence = (line: string, fence: string): boolean =>
  line.length >= fence.length && line === (fence[0] ?? "").repeat(line.length);
