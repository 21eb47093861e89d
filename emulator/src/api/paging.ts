/**
 * Lists a page at a time: 100 by default, with absolute URLs to the next and the previous page. A page begins at a
 * thing, not at a number: what is made meanwhile does not move it.
 */
import type { Call } from "../http/call.ts";
import { json, type Reply } from "../http/reply.ts";

export interface Paged<Item> {
  /** All of them, in the order of the list. */
  readonly items: readonly Item[];
  /** Things on one page. */
  readonly size: number;
  readonly idOf: (item: Item) => string;
}

/** The page that the request's cursor names; one past the end where what it named is gone. */
export function pageOf<Item>(
  call: Call,
  { items, size, idOf }: Paged<Item>,
  view: (item: Item) => unknown,
): Reply {
  const cursor = call.url.searchParams.get("cursor");
  const start = cursor === null ? 0 : positionOf(items.map(idOf), cursor);
  const urlOf = (index: number): string | null => {
    const first = items[index];
    return first === undefined ? null : pageUrl(call, idOf(first));
  };
  return json(200, {
    next: urlOf(start + size),
    previous: start === 0 ? null : urlOf(Math.max(0, start - size)),
    results: items.slice(start, start + size).map(view),
  });
}

function positionOf(ids: readonly string[], cursor: string): number {
  const position = ids.indexOf(Buffer.from(cursor, "base64url").toString("utf8"));
  return position === -1 ? ids.length : position;
}

function pageUrl({ origin, url }: Call, firstId: string): string {
  const page = new URL(url.pathname + url.search, origin);
  page.searchParams.set("cursor", Buffer.from(firstId).toString("base64url"));
  return page.href;
}
