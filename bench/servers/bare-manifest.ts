import { createServer } from "node:http";
import { printAddress } from "./print-address.ts";

/** What the bare server says. The same for every request, so that nothing is looked up. */
export interface BareAnswer {
  readonly status: number;
  /** A flat list: name, value, name, value. */
  readonly headers: readonly string[];
  readonly body: string;
}

// The most that node:http can do with an answer in memory: everything is prepared, nothing is decided.
const { status, headers, body } = JSON.parse(process.argv[2] ?? "") as BareAnswer;
const flat = [...headers];
const bytes = Buffer.from(body);

const server = createServer((_request, response) => {
  response.writeHead(status, flat);
  response.end(bytes);
});
server.listen(0, "127.0.0.1", () => printAddress(server));
