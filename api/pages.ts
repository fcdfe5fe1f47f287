import type { List } from "../registry/registry.ts";

/** Longest page of a list, also when the client asks for more or says nothing; the rest comes with `Link`. */
const PAGE_LIMIT = 10_000;

/**
 * Clients take answers that are as large as a manifest may be, 4 MiB (distribution-spec, "Listing Referrers"); a little
 * of it is for what stands around the list.
 */
const PAGE_BYTES = 4 * 1024 * 1024 - 1024;

/** A page of a list, and whether there is more. */
export interface Page<T> {
  readonly entries: T[];
  readonly more: boolean;
}

/**
 * The first `n` entries of a list, and no more than have room in one answer; one entry always has. Looks one entry
 * further, so that no `Link` leads to an empty page. `sizeOf` says what an entry takes, in bytes.
 */
export async function takePage<T>(
  list: List<T>,
  n = PAGE_LIMIT,
  sizeOf: (entry: T) => number = () => 0,
): Promise<Page<T>> {
  const limit = Math.min(n, PAGE_LIMIT);
  const entries: T[] = [];
  let room = PAGE_BYTES;
  for await (const piece of list) {
    for (const entry of piece) {
      room -= sizeOf(entry);
      if (entries.length === limit || (room < 0 && entries.length > 0)) return { entries, more: limit > 0 };
      entries.push(entry);
    }
  }
  return { entries, more: false };
}

/**
 * The `Link` header to the page after this one (RFC 8288), or nothing on the last. The query is that of this page, with
 * another `last`.
 */
export function linkTo(
  path: string,
  { more }: Pick<Page<unknown>, "more">,
  query: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): { Link?: string } {
  if (!more) return {};
  const pairs = Object.entries(query).flatMap(([name, value = []]) =>
    [value].flat().map((each) => `${name}=${encodeURIComponent(each)}`),
  );
  return { Link: `<${path}?${pairs.join("&")}>; rel="next"` };
}
