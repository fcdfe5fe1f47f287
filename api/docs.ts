import { readFile } from "node:fs/promises";
import { type Request, type Response, Router } from "express";
import swaggerUi, { type SwaggerUiOptions } from "swagger-ui-express";
import { document } from "../gen/document.ts";

/** `/docs/` (Swagger UI, nothing from outside) and the document itself, `/openapi.json` and `/openapi.yaml`. */
export function docs(): Router {
  const router = Router({ strict: true });
  const json = JSON.stringify(document);
  router.get("/openapi.json", (_request, response) => {
    response.set("Cache-Control", "no-cache").type("json").send(json);
  });
  router.get("/openapi.yaml", async (_request, response) => {
    const yaml = await readFile(new URL("../../ociregistry.yaml", import.meta.url));
    response.set({ "Cache-Control": "no-cache", "Content-Type": "application/yaml; charset=utf-8" }).send(yaml);
  });
  router.get("/docs", (_request, response) => response.redirect(301, "/docs/"));
  router.get("/docs/", policy, swaggerUi.setup(undefined, OPTIONS));
  router.use("/docs/", policy, ...swaggerUi.serve);
  return router;
}

/** Swagger UI brings an inline style sheet; all else comes from this server or not at all. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function policy(_request: Request, response: Response, next: () => void): void {
  response.set({ "Content-Security-Policy": POLICY, "Cache-Control": "no-cache" });
  next();
}

const OPTIONS: SwaggerUiOptions = {
  customSiteTitle: "ociregistry API",
  // By URL and never as a value: swagger-ui-express would paste it into a script where `$&` in a text breaks the page.
  swaggerUrl: "/openapi.json",
  swaggerOptions: {
    deepLinking: true,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    displayOperationId: true,
    docExpansion: "list",
    validatorUrl: null,
    requestSnippetsEnabled: true,
    requestInterceptor: unescapeNames,
  },
};

/**
 * Makes Swagger UI send (and show, in the curl commands) `team/web` and `sha256:…` as people write them; it escapes
 * slashes and colons in path parameters. Runs in the browser, from its source text: it must use nothing from outside.
 */
function unescapeNames(request: { url: string }): { url: string } {
  const [path = "", query] = request.url.split("?", 2);
  const plain = path.replace(/%2F/gi, "/").replace(/%3A/gi, ":");
  request.url = query === undefined ? plain : `${plain}?${query}`;
  return request;
}
