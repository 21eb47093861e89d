/** The API for servers that speak Node's `(req, res)`: Express, Fastify, node:http. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequestListener } from "@remix-run/node-fetch-server";
import { plainProblem, Problem } from "./problem.ts";
import type { Fetch } from "./web-api.ts";

export type NodeHandler = (req: IncomingMessage, res: ServerResponse) => void;

/** Answers every request itself, also one whose body somebody has read before. */
export const nodeHandler = (fetch: Fetch): NodeHandler => {
  const listener = createRequestListener((request) => fetch(request), {
    onError: () => plainProblem(new Problem({ status: 400, detail: "The request cannot be read" })),
  });
  const refuse = createRequestListener(() => plainProblem(bodyGone), {
    onError: () => plainProblem(bodyGone),
  });
  return (req, res) => {
    if (isBodyGone(req)) refuse(req, res);
    else listener(req, res);
  };
};

const bodyGone = new Problem({
  status: 500,
  detail:
    "The body was read before it came here: mount the handler of Catena before middleware that parses" +
    " bodies, such as app.use(catena.handler) before app.use(express.json())",
});

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? "0") > 0;

/** Read to its end, or being read by another. */
const isBodyGone = (req: IncomingMessage): boolean =>
  hasBody(req) && (req.readableEnded || req.readableDidRead);
