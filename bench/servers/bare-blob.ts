import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { printAddress } from "./print-address.ts";

// A file the way it is usually sent with node:http: a stream and a pipe, with the sizes that Node has by default.
const path = process.argv[2] ?? "";
const length = String(statSync(path).size);

const server = createServer((_request, response) => {
  response.writeHead(200, ["Content-Type", "application/octet-stream", "Content-Length", length]);
  createReadStream(path).pipe(response);
});
server.listen(0, "127.0.0.1", () => printAddress(server));
