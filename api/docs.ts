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
  // Swagger UI brings an index.html of its own, which shows somebody else's API.
  router.get(["/docs", "/docs/index.html"], (_request, response) => response.redirect(301, "/docs/"));
  router.get("/docs/", policy, showPage());
  // Swagger UI would refuse this one by itself, in plain text.
  router.all("/docs/package.json", (_request, _response, next) => next("router"));
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

/** Swagger UI's page says nothing of narrow screens, so a phone would show it in full width, too small to read. */
function showPage(): (request: Request, response: Response) => void {
  const viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">';
  const page = swaggerUi.generateHTML(undefined, OPTIONS).replace("<head>", `<head>\n  ${viewport}`);
  return (_request, response) => void response.type("html").send(page);
}

/** What Swagger UI leaves to be wished: choices with one choice, text in the colour of its ground, narrow screens. */
const STYLE = `
  .swagger-ui .scheme-container:not(:has(.auth-wrapper)), .swagger-ui .response-col_links { display: none }
  .swagger-ui .topbar .topbar-wrapper { flex-direction: row; align-items: center; justify-content: space-between }
  .swagger-ui .parameters-col_description input[type=text] { max-width: 48rem }
  html.dark-mode .swagger-ui table.headers td { color: inherit }
  @media (max-width: 640px) {
    .swagger-ui .wrapper { padding: 0 10px }
    .swagger-ui .opblock .opblock-summary-operation-id, .swagger-ui table.parameters thead { display: none }
    .swagger-ui .info td:first-of-type { min-width: 3em }
    .swagger-ui .info code { overflow-wrap: anywhere }
    .swagger-ui .opblock-tag { flex-wrap: wrap }
    .swagger-ui .opblock-tag small { flex-basis: 100%; order: 1; padding: 0 }
    .swagger-ui .parameters tr, .swagger-ui .parameters td { display: block }
  }
`;

const OPTIONS: SwaggerUiOptions = {
  customSiteTitle: "ociregistry API",
  customCss: STYLE,
  // By URL and never as a value: swagger-ui-express would paste it into a script where `$&` in a text breaks the page.
  swaggerUrl: "/openapi.json",
  swaggerOptions: {
    deepLinking: true,
    tryItOutEnabled: true,
    displayOperationId: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    requestSnippetsEnabled: true,
    requestInterceptor: asPeopleWrite,
  },
};

/**
 * Makes Swagger UI send (and show, in the curl commands) `team/web` and `sha256:…` as people write them; it escapes
 * slashes and colons in path parameters. And curl, told only `-X HEAD`, waits for a body that never comes.
 * Runs in the browser, from its source text: it must use nothing from outside.
 */
function asPeopleWrite(request: BrowserRequest): BrowserRequest {
  const [path = "", query] = request.url.split("?", 2);
  const plain = path.replace(/%2F/gi, "/").replace(/%3A/gi, ":");
  request.url = query === undefined ? plain : `${plain}?${query}`;
  request.curlOptions = request.method === "HEAD" ? ["--head"] : [];
  return request;
}

/** The part of Swagger UI's requests that matters here. */
interface BrowserRequest {
  url: string;
  method?: string;
  curlOptions?: string[];
}
