/** Catena inside a Fastify app, mounted under /api, with Fastify's own reading of bodies turned off there. */
import fastify, { type FastifyInstance } from "fastify";
import type { Catena } from "../../src/index.ts";

/** `catena` was started with `http: { basePath: "/api", keys: [...] }`. */
export const fastifyApp = (catena: Catena): FastifyInstance => {
  const app = fastify();
  app.register(
    (scope, _options, done) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser("*", (_request, _payload, parsed) => {
        parsed(null);
      });
      scope.all("/*", (request, reply) => {
        reply.hijack();
        catena.handler(request.raw, reply.raw);
      });
      done();
    },
    { prefix: "/api" },
  );
  app.post("/echo", (request, reply) => reply.send(request.body));
  return app;
};
