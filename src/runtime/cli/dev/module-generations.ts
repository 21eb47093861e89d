/**
 * Importing the same files again: Node keeps a module by its URL for ever, so that each generation of the
 * project's modules gets URLs of its own, handed on from importer to imported. What lies in node_modules,
 * Catena included, stays one for all generations.
 */
import { registerHooks } from "node:module";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";

export interface ModuleGenerations {
  /** Every file of the project that any generation has asked for, even where it could not be loaded. */
  readonly files: ReadonlySet<string>;
  readonly stop: () => void;
}

/** The name in a URL's query that tells generations apart. */
const mark = "catena";

/** From here on, what is imported with a mark hands it on to the project's files that it imports. */
export const trackGenerations = (folder: string): ModuleGenerations => {
  const files = new Set<string>();
  const hooks = registerHooks({
    resolve: (specifier, context, nextResolve) => {
      const resolved = nextResolve(specifier, context);
      const path = projectPath(folder, resolved.url);
      const generation = markOf(resolved.url) ?? markOf(context.parentURL);
      // CommonJS modules are found by their path, which has no place for a mark.
      if (path === null || generation === null || context.conditions.includes("require"))
        return resolved;
      files.add(path);
      const url = new URL(resolved.url);
      url.searchParams.set(mark, generation);
      return { ...resolved, url: url.href };
    },
  });
  return { files, stop: () => hooks.deregister() };
};

const ownCode = fileURLToPath(new URL("../../../", import.meta.url));

const projectPath = (folder: string, url: string): string | null => {
  if (!url.startsWith("file:")) return null;
  const path = fileURLToPath(url);
  const isOutside = !path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  const isForeign = path.includes(`${sep}node_modules${sep}`) || path.startsWith(ownCode);
  return isOutside || isForeign ? null : path;
};

const markOf = (url: string | undefined): string | null =>
  url === undefined || !URL.canParse(url) ? null : new URL(url).searchParams.get(mark);
