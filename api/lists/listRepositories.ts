import type { Handler } from "../operation.ts";
import { linkTo, takePage } from "../pages.ts";

/** GET /v2/_catalog: which repositories are there? */
export const listRepositories: Handler<"listRepositories"> = async ({ query: { n, last } }, registry) => {
  const page = await takePage(registry.listRepositories({ after: last ?? "" }), n);
  const link = linkTo("/v2/_catalog", page, { n, last: page.entries.at(-1) });
  return { status: 200, headers: link, json: { repositories: page.entries } };
};
