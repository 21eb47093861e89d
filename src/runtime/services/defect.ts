/** A bug as it is recorded: what it says, and the first line of the stack that is the user's own. */
import type { Defect } from "../../steps/failure.ts";

const foreign = /node:internal|[\\/]node_modules[\\/]|[\\/]catena[^\\/]*[\\/](?:src|dist)[\\/]/;

/** Never throws, whatever was thrown. */
export const defectOf = (thrown: unknown): Defect => {
  try {
    return described(thrown);
  } catch {
    return { _tag: "Defect", message: "thrown: what cannot even be described" };
  }
};

const described = (thrown: unknown): Defect => {
  if (!(thrown instanceof Error)) return { _tag: "Defect", message: `thrown: ${String(thrown)}` };
  const at = firstLineInUserCode(thrown.stack ?? "");
  return {
    _tag: "Defect",
    message: `${thrown.name}: ${thrown.message}`,
    ...(at === undefined ? {} : { at }),
  };
};

const firstLineInUserCode = (stack: string): string | undefined => {
  const lines = stack.split("\n").filter((line) => line.trimStart().startsWith("at "));
  return (lines.find((line) => !foreign.test(line)) ?? lines[0])?.trim();
};
