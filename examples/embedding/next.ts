/** Catena inside Next: app/api/[[...catena]]/route.ts. */
import type { Catena } from "../../src/index.ts";

/** `catena` was started with `http: { basePath: "/api", keys: [...] }`. In the file itself: `export const GET = catena.fetch`. */
export const routeHandlers = (catena: Catena) => ({
  GET: catena.fetch,
  POST: catena.fetch,
  DELETE: catena.fetch,
});
