import type { Handler } from "../operation.ts";

/** GET /v2: the base path without its slash. */
export const redirectToBase: Handler<"redirectToBase"> = () => ({ status: 301, headers: { Location: "/v2/" } });
