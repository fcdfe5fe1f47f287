import type { Handler } from "../operation.ts";

/** GET /v2/: is this a registry? */
export const getBase: Handler<"getBase"> = () => ({ status: 200, headers: {}, json: {} });
