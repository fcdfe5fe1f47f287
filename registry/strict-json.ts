/** How deep objects and arrays may lie in each other. Real manifests need six. */
const DEPTH_LIMIT = 32;

const TOKENS = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;

/**
 * Parses JSON as JSON.parse does, and refuses what two readers could read differently or choke on: a key that occurs
 * twice in one object, bytes that are not UTF-8 or begin with a byte order mark, and nesting of more than 32 levels. Throws Error that says which.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const value: unknown = JSON.parse(text);
  assertPlain(text);
  return value;
}

/** Walks over valid JSON: what is open, and of each open object the keys so far. */
function assertPlain(text: string): void {
  const open: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(TOKENS)) {
    if (token === "{" || token === "[") {
      if (open.push(new Set()) > DEPTH_LIMIT) throw new Error(`it is nested deeper than ${DEPTH_LIMIT} levels`);
    } else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      const key: string = JSON.parse(token.slice(0, token.length - colon.length));
      const keys = open.at(-1);
      if (keys?.has(key)) throw new Error(`the key ${JSON.stringify(key.slice(0, 100))} occurs twice in one object`);
      keys?.add(key);
    }
  }
}
