/** Catena inside a Hono app, mounted under /api. */
import { Hono } from "hono";
import type { Catena } from "../../src/index.ts";

/** `catena` was started with `http: { basePath: "/api", keys: [...] }`. */
export const honoApp = (catena: Catena): Hono => {
  const app = new Hono();
  app.get("/", (context) => context.text("the shop"));
  app.all("/api/*", (context) => catena.fetch(context.req.raw));
  return app;
};
