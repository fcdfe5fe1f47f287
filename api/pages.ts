/** Longest page of a list, also when the client asks for more or says nothing; the rest comes with `Link`. */
const PAGE_LIMIT = 10_000;

/** A page of a list, and whether there is more. */
export interface Page<T> {
  readonly entries: T[];
  readonly more: boolean;
}

/** The first `n` entries of a list. Looks one entry further, so that no `Link` leads to an empty page. */
export async function takePage<T>(list: AsyncIterable<T>, n = PAGE_LIMIT): Promise<Page<T>> {
  const limit = Math.min(n, PAGE_LIMIT);
  const entries: T[] = [];
  for await (const entry of list) {
    if (entries.length === limit) return { entries, more: limit > 0 };
    entries.push(entry);
  }
  return { entries, more: false };
}

/** The `Link` header to the page after this one (RFC 8288), or nothing on the last. */
export function linkTo(path: string, { entries, more }: Page<string>): { Link?: string } {
  const last = entries[entries.length - 1];
  if (!more || last === undefined) return {};
  return { Link: `<${path}?n=${entries.length}&last=${encodeURIComponent(last)}>; rel="next"` };
}
