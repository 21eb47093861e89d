/** The API for servers that speak Node's `(req, res)`: Express, Fastify, node:http, over HTTP/2 as well. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { createRequestListener } from "@remix-run/node-fetch-server";
import { bodyGone, plainProblem, Problem } from "./problem.ts";
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
    if (isBodyGone(req)) {
      refuse(req, res);
      return;
    }
    res.once("finish", () => {
      passOver(req);
    });
    listener(req, res);
  };
};

type NodeRequest = IncomingMessage | Http2ServerRequest;

const hasBody = (req: NodeRequest): boolean =>
  // Over HTTP/2 a body needs no header.
  "stream" in req
    ? !req.stream.endAfterHeaders
    : req.headers["transfer-encoding"] !== undefined ||
      Number(req.headers["content-length"] ?? "0") > 0;

/** Read to its end, or being read by another. */
const isBodyGone = (req: NodeRequest): boolean =>
  hasBody(req) && (req.readableEnded || req.readableDidRead);

/**
 * Lets what is left of an answered request go by, and keeps nothing of it. Who sends a body to its end before it
 * listens would otherwise never see why it was refused, and nobody else could use the connection.
 */
const passOver = (req: IncomingMessage): void => {
  if (req.complete) return;
  // The request that was made of it keeps what it is given until somebody reads it, which nobody will.
  req.removeAllListeners("data");
  req.resume();
};
