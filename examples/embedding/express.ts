/** Catena inside an Express app, mounted under /api: before any middleware that parses bodies. */
import express, { type Express } from "express";
import type { Catena } from "../../src/index.ts";

/** `catena` was started with `http: { basePath: "/api", keys: [...] }`. */
export const expressApp = (catena: Catena): Express => {
  const app = express();
  app.use("/api", catena.handler);
  app.use(express.json());
  app.post("/echo", (request, response) => {
    response.json(request.body);
  });
  return app;
};
