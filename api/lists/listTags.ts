import type { Handler } from "../operation.ts";
import { linkTo, takePage } from "../pages.ts";

/** GET /v2/{name}/tags/list: which tags does a repository have? */
export const listTags: Handler<"listTags"> = async ({ path: { name }, query: { n, last } }, registry) => {
  const page = await takePage(registry.listTags(name, { after: last ?? "" }), n);
  const link = linkTo(`/v2/${name}/tags/list`, page, { n, last: page.entries.at(-1) });
  return { status: 200, headers: link, json: { name, tags: page.entries } };
};
