import { type IncomingMessage, type RequestListener, STATUS_CODES } from "node:http";
import express, { type NextFunction, type Request, type Response } from "express";
import { RegistryError } from "../registry/errors.ts";
import { quote } from "../registry/reference.ts";
import { docs } from "./docs.ts";
import { errorBody } from "./errors.ts";
import { type Snapshot, TEXT_FORMAT, textOf } from "./metrics-text.ts";

export interface SiteOptions {
  /** Hears of bugs, with the cause that no client is told. */
  readonly onError?: (error: unknown, request: IncomingMessage) => void;
  /** Whether the registry is ready to be asked, for /readyz; without it, it always is. */
  readonly ready?: () => boolean;
  /** What /metrics says; without it, what this server has counted. */
  readonly measured?: () => Snapshot | Promise<Snapshot>;
}

/** Everything that is not `/v2`: the front page, the API documentation, health, figures. */
export function createSite({
  ready = () => true,
  measured,
  onError,
}: SiteOptions & Required<Pick<SiteOptions, "measured">>): RequestListener {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("strict routing", true);
  // A proxy that keeps a path from others tells capitals apart.
  app.set("case sensitive routing", true);
  app.use((_request, response, next) => {
    response.set({ "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer" });
    next();
  });

  app.get("/", frontPage);
  app.get("/livez", (_request, response) => sendText(response, 200, "ok\n"));
  app.get("/readyz", (_request, response) =>
    ready() ? sendText(response, 200, "ok\n") : sendText(response, 503, "not ready\n"),
  );
  app.get("/metrics", async (_request, response) => {
    const text = textOf(await measured());
    response.set("Cache-Control", "no-store").type(TEXT_FORMAT).send(text);
  });
  app.use(docs());

  app.use(({ path, method }: Request, response: Response) => {
    const detail = `there is nothing at ${quote(path)} for ${method}`;
    response.status(404).json(errorBody(new RegistryError("NAME_UNKNOWN", detail)));
  });
  // Express knows an error handler by its four parameters.
  app.use((error: { status?: number }, request: Request, response: Response, _next: NextFunction) => {
    const { status = 500 } = error;
    if (status >= 500) onError?.(error, request);
    const refused = new RegistryError(status >= 500 ? "UNKNOWN" : "UNSUPPORTED", STATUS_CODES[status]);
    response
      .status(status)
      .type("json")
      .send(JSON.stringify(errorBody(refused)));
  });
  return app as RequestListener;
}

function sendText(response: Response, status: number, text: string): void {
  response.status(status).set("Cache-Control", "no-store").type("text/plain").send(text);
}

/** Browsers get links; clients that only check whether somebody is there get nothing to read. */
function frontPage(request: Request, response: Response): void {
  response.set("Cache-Control", "no-cache");
  const { accept = "" } = request.headers;
  if (!accept.includes("text/html")) {
    response.status(200).set("Content-Length", "0").end();
    return;
  }
  response.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  response.type("html").send(FRONT_PAGE);
}

const FRONT_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>ociregistry</title>
<style>
  :root { color-scheme: light dark }
  body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }
</style>
<h1>ociregistry</h1>
<p>This is an OCI registry. Pull from it with docker, containerd, podman, skopeo or crane.</p>
<ul>
  <li><a href="/docs/">The API, to read and to try</a></li>
  <li><a href="/openapi.yaml">The API as OpenAPI document</a> (<a href="/openapi.json">JSON</a>)</li>
  <li><a href="/v2/_catalog">The repositories</a></li>
</ul>
</html>
`;
