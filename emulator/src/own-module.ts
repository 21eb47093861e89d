/** Where a module of this package lies: TypeScript in the repository, compiled JavaScript in the published package. */

/** The module beside the one with that URL, named without its ending. */
export function ownModule(name: string, importerUrl: string): URL {
  return new URL(`${name}${importerUrl.endsWith(".ts") ? ".ts" : ".js"}`, importerUrl);
}
