/** The files API (/v1/files) and the delivery of output files at unguessable paths. */
import { randomUUID, timingSafeEqual } from "node:crypto";
import { ACCOUNT } from "../account.ts";
import type { Emulation } from "../emulation.ts";
import type { AnswerFault } from "../faults/fault.ts";
import { parameter, type Call } from "../http/call.ts";
import { notFound, problem, unauthenticated } from "../http/problems.ts";
import { bytes, errorPage, json, type Reply } from "../http/reply.ts";
import { isJsonObject, parseJson } from "../json.ts";
import { isDataRemoved } from "../predictions/prediction-view.ts";
import { expiresAt } from "../storage/retention.ts";
import type { StoredFile } from "../storage/file-store.ts";
import { hmacBase64 } from "../webhooks/signature.ts";
import { pageOf } from "./paging.ts";

const MAXIMUM_NAME_BYTES = 255;

/** Multipart `content` with optional `metadata` JSON; 201 with the file object. */
export async function uploadFile(emulation: Emulation, call: Call): Promise<Reply> {
  const form = await formOf(call);
  const content = form?.get("content");
  if (
    form === undefined ||
    content === null ||
    content === undefined ||
    typeof content === "string"
  ) {
    return problem(400, "Missing content", "Bad request");
  }
  if (Buffer.byteLength(content.name) > MAXIMUM_NAME_BYTES)
    return problem(400, "Filename is too long");
  const metadata = await metadataOf(form);
  if (metadata === undefined) return problem(400, "Metadata is not a JSON object");
  const file = emulation.files.add(
    {
      // The provider's ids are UUIDs, written in base64.
      id: Buffer.from(randomUUID()).toString("base64url"),
      purpose: "upload",
      name: content.name,
      contentType: content.type === "" ? "application/octet-stream" : content.type,
      createdAt: emulation.settings.now(),
      metadata,
    },
    Buffer.from(await content.arrayBuffer()),
  );
  emulation.retention.keep(file);
  return json(201, viewFile(emulation, call, file));
}

export function listFiles(emulation: Emulation, call: Call): Reply {
  const items = emulation.files
    .all()
    .filter((file) => isUpload(emulation, file))
    .reverse();
  const page = { items, size: emulation.settings.pageSize, idOf: ({ id }: StoredFile) => id };
  return pageOf(call, page, (file) => viewFile(emulation, call, file));
}

export function getFile(emulation: Emulation, call: Call): Reply {
  const file = uploadOf(emulation, call);
  return file === undefined
    ? notFound("File not found")
    : json(200, viewFile(emulation, call, file));
}

/** The bytes, for whoever has a signature of the account that is not over. */
export function downloadFile(emulation: Emulation, call: Call): Reply {
  if (!isSigned(emulation, call)) return unauthenticated();
  const file = uploadOf(emulation, call);
  return file === undefined
    ? notFound("File not found")
    : bytes(emulation.files.read(file), file.contentType);
}

/** `signature` is the base64 HMAC-SHA256 of `{owner} {id} {expiry}` under the account's secret, `expiry` in seconds. */
function isSigned({ clock, webhookSecret }: Emulation, call: Call): boolean {
  const query = call.url.searchParams;
  const [owner, expiry] = [query.get("owner"), query.get("expiry")];
  if (owner !== ACCOUNT.username || !(Number(expiry) * 1_000 > clock.now())) return false;
  const expected = hmacBase64(webhookSecret, `${owner} ${parameter(call, "id")} ${expiry}`);
  const given = Buffer.from(query.get("signature") ?? "");
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected));
}

export function deleteFile(emulation: Emulation, call: Call): Reply {
  const file = uploadOf(emulation, call);
  if (file === undefined) return notFound("File not found");
  emulation.files.delete(file.id);
  return {
    kind: "answer",
    status: 204,
    headers: { "content-type": "text/plain; charset=UTF-8" },
    body: "",
  };
}

/** An output file, or what a fault plan makes of it. */
export function deliverFile(
  emulation: Emulation,
  call: Call,
  fault: AnswerFault | undefined,
): Reply {
  const file = emulation.files.get(parameter(call, "id"));
  const prediction = emulation.predictions.get(file?.predictionId ?? "");
  const isGone = prediction === undefined || isDataRemoved(prediction, emulation.settings);
  if (file === undefined || isGone || fault?.type === "expired-file")
    return notFound("File not found");
  const content = emulation.files.read(file);
  if (fault?.type === "html-file") return { ...errorPage(502), status: 200 };
  const whole = bytes(content, file.contentType);
  if (fault?.type !== "truncated-file") return whole;
  const body = content.subarray(0, Math.floor(content.length / 2));
  return {
    ...whole,
    body,
    ...(fault.promisedLength === "whole" && { promisedBytes: content.length }),
  };
}

async function formOf({ body, headers }: Call): Promise<FormData | undefined> {
  const request = new Response(new Uint8Array(body), {
    headers: { "content-type": String(headers["content-type"]) },
  });
  return request.formData().catch(() => undefined);
}

async function metadataOf(form: FormData): Promise<Readonly<Record<string, unknown>> | undefined> {
  const part = form.get("metadata");
  if (part === null) return {};
  const metadata = parseJson(typeof part === "string" ? part : await part.text());
  return isJsonObject(metadata) ? metadata : undefined;
}

function uploadOf(emulation: Emulation, call: Call): StoredFile | undefined {
  const file = emulation.files.get(parameter(call, "id"));
  return file !== undefined && isUpload(emulation, file) ? file : undefined;
}

function isUpload({ settings, clock }: Emulation, file: StoredFile): boolean {
  return file.purpose === "upload" && clock.now() < expiresAt(file, settings);
}

function viewFile(
  { settings }: Emulation,
  { origin }: Call,
  file: StoredFile,
): Readonly<Record<string, unknown>> {
  return {
    id: file.id,
    name: file.name,
    content_type: file.contentType,
    size: file.sizeBytes,
    etag: file.md5,
    checksums: { sha256: file.sha256, md5: file.md5 },
    metadata: file.metadata,
    created_at: new Date(file.createdAt).toISOString(),
    expires_at: new Date(expiresAt(file, settings)).toISOString(),
    urls: { get: `${origin}/v1/files/${file.id}` },
  };
}
