import type { Handler } from "../operation.ts";
import { linkTo, takePage } from "../pages.ts";

/** GET /v2/_catalog: which repositories are there? */
export const listRepositories: Handler<"listRepositories"> = async ({ query }, registry) => {
  const page = await takePage(registry.listRepositories({ after: query.last ?? "" }), query.n);
  return { status: 200, headers: linkTo("/v2/_catalog", page), json: { repositories: page.entries } };
};
