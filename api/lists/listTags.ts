import type { Handler } from "../operation.ts";
import { linkTo, takePage } from "../pages.ts";

/** GET /v2/{name}/tags/list: which tags does a repository have? */
export const listTags: Handler<"listTags"> = async ({ path: { name }, query }, registry) => {
  const page = await takePage(registry.listTags(name, { after: query.last ?? "" }), query.n);
  return { status: 200, headers: linkTo(`/v2/${name}/tags/list`, page), json: { name, tags: page.entries } };
};
