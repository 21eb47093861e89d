/** Turns a good output into one of the bad ones that models really give: empty, cut off, null, or not what was asked for. */
import type { ModelAnswer } from "../models/engine.ts";
import type { Outcome } from "./fault.ts";

/** The answer as the outcome wants it; an outcome about something else leaves it as it is. */
export function distortAnswer(answer: ModelAnswer, outcome: Outcome | undefined): ModelAnswer {
  if (outcome?.kind === "null") return withoutFiles(answer, null);
  if (outcome?.kind === "output") return withoutFiles(answer, outcome.output);
  if (outcome?.kind === "empty")
    return withoutFiles(answer, Array.isArray(answer.output) || answer.files ? [] : "");
  if (outcome?.kind === "truncated") return truncated(answer);
  if (outcome?.kind === "malformed") return malformed(answer);
  return answer;
}

function truncated(answer: ModelAnswer): ModelAnswer {
  const { output, files } = answer;
  if (files)
    return {
      ...answer,
      files: files.map((file) => ({
        ...file,
        bytes: file.bytes.subarray(0, file.bytes.length / 2),
      })),
    };
  const isCuttable = Array.isArray(output) || typeof output === "string";
  return isCuttable
    ? { ...answer, output: output.slice(0, Math.floor(output.length / 2)) }
    : answer;
}

function malformed(answer: ModelAnswer): ModelAnswer {
  const { output, files } = answer;
  if (files) return withoutFiles(answer, ["emulated: not a URL"]);
  if (!Array.isArray(output)) return { ...answer, output: `maybe ${String(output)}` };
  const text = output
    .join("")
    .replaceAll('"', "'")
    .replace(/[}.]\s*$/u, "");
  return {
    ...answer,
    output: ["Sure", "! Here you go", ":\n", ...(text.match(/\s?\S+/gu) ?? []), ""],
  };
}

function withoutFiles({ files: _files, ...answer }: ModelAnswer, output: unknown): ModelAnswer {
  return { ...answer, output };
}
