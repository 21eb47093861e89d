/** A bug as it is recorded: what it says, and the first line of the stack that is the user's own. */
import { fileURLToPath } from "node:url";
import type { Defect } from "../../steps/failure.ts";

const foreign = /\(?node:|[\\/]node_modules[\\/]/;
/** Where this package's own code lies, as a URL and as a path. */
const own = [
  new URL("../../", import.meta.url).href,
  fileURLToPath(new URL("../../", import.meta.url)),
];

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

/** The first line of a stack that is neither Node's, nor a package's, nor ours; else its first line at all. */
export const firstLineInUserCode = (
  stack: string,
  { isStrict = false }: { readonly isStrict?: boolean } = {},
): string | undefined => {
  const lines = stack.split("\n").filter((line) => line.trimStart().startsWith("at "));
  const isOwn = (line: string): boolean => own.some((place) => line.includes(place));
  const found = lines.find((line) => !foreign.test(line) && !isOwn(line));
  return (found ?? (isStrict ? undefined : lines[0]))?.trim();
};
