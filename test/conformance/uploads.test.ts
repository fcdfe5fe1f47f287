import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { readAll } from "../../registry/content.ts";
import { digestOf } from "../../registry/reference.ts";
import { errorOf } from "../support/server.ts";
import type { Client, Expected, Sent } from "./client.ts";
import { serve } from "./served.ts";

const WHOLE = "abcdef";
const DIGEST = digestOf(Buffer.from(WHOLE));
const NOWHERE = digestOf(Buffer.from("in no registry"));

const piece = (body: string, range?: string, chunked = false): Sent => ({
  body,
  chunked,
  headers: range === undefined ? {} : { "Content-Range": range },
});
const outOfRange = (range: string): Expected => ({ status: 416, code: "RANGE_INVALID", headers: { range } });
const unknown: Expected = { status: 404, code: "BLOB_UPLOAD_UNKNOWN" };

/** What is sent to an upload that has `abc`, and what it has afterwards. Other registries get these wrong. */
const TABLE: Record<
  string,
  { method: string; query?: string; sent?: Sent; expected: Expected; leaves: string | undefined }
> = {
  "a piece that fits": { method: "PATCH", sent: piece("def", "3-5"), expected: { status: 202 }, leaves: "0-5" },
  "a piece that fits, without its length": {
    method: "PATCH",
    sent: piece("def", "3-5", true),
    expected: { status: 202 },
    leaves: "0-5",
  },
  "a piece without a range": { method: "PATCH", sent: piece("def"), expected: { status: 202 }, leaves: "0-5" },
  "a piece without a range or a length": {
    method: "PATCH",
    sent: piece("def", undefined, true),
    expected: { status: 202 },
    leaves: "0-5",
  },
  "an empty piece": { method: "PATCH", sent: piece(""), expected: { status: 202 }, leaves: "0-2" },
  "a piece after a gap": { method: "PATCH", sent: piece("def", "4-6"), expected: outOfRange("0-2"), leaves: "0-2" },
  "a piece sent again": { method: "PATCH", sent: piece("abc", "0-2"), expected: outOfRange("0-2"), leaves: "0-2" },
  "a piece shorter than its range": {
    method: "PATCH",
    sent: piece("d", "3-5"),
    expected: outOfRange("0-2"),
    leaves: "0-2",
  },
  "a piece longer than its range": {
    method: "PATCH",
    sent: piece("defg", "3-5"),
    expected: outOfRange("0-2"),
    leaves: "0-2",
  },
  "a piece longer than its range, without its length": {
    method: "PATCH",
    sent: piece("defg", "3-5", true),
    expected: outOfRange("0-2"),
    leaves: "0-2",
  },
  "a range with a unit": {
    method: "PATCH",
    sent: piece("def", "bytes 3-5/6"),
    expected: outOfRange("0-2"),
    leaves: "0-2",
  },
  "a range too large to be a number": {
    method: "PATCH",
    sent: piece("def", "3-99999999999999999999"),
    expected: outOfRange("0-2"),
    leaves: "0-2",
  },
  "the last bytes without a range": {
    method: "PUT",
    query: `digest=${DIGEST}`,
    sent: piece("def"),
    expected: { status: 201 },
    leaves: undefined,
  },
  "the last bytes without a range or a length": {
    method: "PUT",
    query: `digest=${DIGEST}`,
    sent: piece("def", undefined, true),
    expected: { status: 201 },
    leaves: undefined,
  },
  "the last bytes after a gap": {
    method: "PUT",
    query: `digest=${DIGEST}`,
    sent: piece("def", "4-6"),
    expected: outOfRange("0-2"),
    leaves: "0-2",
  },
  "another digest, after which the right one may follow": {
    method: "PUT",
    query: `digest=${NOWHERE}`,
    expected: { status: 400, code: "DIGEST_INVALID" },
    leaves: "0-2",
  },
  "another digest with the last bytes, which may be sent again": {
    method: "PUT",
    query: `digest=${NOWHERE}`,
    sent: piece("def"),
    expected: { status: 400, code: "DIGEST_INVALID" },
    leaves: "0-2",
  },
  "no digest": { method: "PUT", expected: { status: 400, code: "DIGEST_INVALID" }, leaves: "0-2" },
  "a question how far it is": { method: "GET", expected: { status: 204, headers: { range: "0-2" } }, leaves: "0-2" },
  "a question without interest in the body": {
    method: "HEAD",
    expected: { status: 204, headers: { range: "0-2" } },
    leaves: "0-2",
  },
  "the end of it": { method: "DELETE", expected: { status: 204 }, leaves: undefined },
};

describe("an upload that has three bytes", () => {
  const served = serve();

  for (const [title, { method, query, sent, expected, leaves }] of Object.entries(TABLE)) {
    it(`gets ${title}: ${expected.status}`, async () => {
      const client = served.client("uploads/table");
      const session = await started(client, "abc");
      await client.expect(method, query === undefined ? session : `${session}?${query}`, expected, sent);
      const after = leaves === undefined ? unknown : { status: 204, headers: { range: leaves, location: session } };
      await client.expect("GET", session, after);
      if (leaves === "0-2") await client.expect("PUT", `${session}?digest=${DIGEST}`, { status: 201 }, piece("def"));
    });
  }

  it("is known to its repository only", async () => {
    const client = served.client("uploads/mine");
    const session = (await started(client, "abc")).replace(client.name, "uploads/other");
    for (const method of ["GET", "PATCH", "DELETE"]) await client.expect(method, session, unknown);
    await client.expect("PUT", `${session}?digest=${DIGEST}`, unknown);
  });

  it("is known by the name that it was given only", async () => {
    const client = served.client("uploads/invented");
    for (const id of ["x", "12345678-1234-1234-1234-123456789012", "..%2f..%2fx", "%00", "x".repeat(300)]) {
      for (const method of ["GET", "PATCH", "DELETE"]) {
        const { status } = await client.send(method, `blobs/uploads/${id}`);
        assert.equal(status, 404, `${method} ${id}`);
      }
    }
  });

  it("is written by one request at a time: the other is refused at once, and told where to go on", async () => {
    const client = served.client("uploads/busy");
    const session = await started(client, "");
    const slow = httpRequest(served.origin() + session, { method: "PATCH", agent: false });
    slow.write("abc");
    // The first bytes have arrived when a second request is refused; before that it is the second that writes.
    let answer = await client.send("PATCH", session, piece(""));
    while (answer.status === 202) answer = await client.send("PATCH", session, piece(""));
    assert.equal(answer.status, 416);
    assert.equal(errorOf(answer).code, "RANGE_INVALID");
    const finish = await client.send("PUT", `${session}?digest=${DIGEST}`, piece("def"));
    assert.equal(finish.status, 416);
    slow.end("def");
    const [response] = await once(slow, "response");
    await readAll(response);
    assert.equal(response.statusCode, 202);
    await client.expect("PUT", `${session}?digest=${DIGEST}`, { status: 201 });
    await client.expect("GET", `blobs/${DIGEST}`, { status: 200, body: WHOLE });
  });

  it("is finished once, by whichever of two asks for it", async () => {
    const client = served.client("uploads/twice");
    for (let round = 0; round < 20; round++) {
      const session = await started(client, WHOLE);
      const finishing = [1, 2].map(() => client.send("PUT", `${session}?digest=${DIGEST}`));
      const statuses = (await Promise.all(finishing)).map(({ status }) => status).sort();
      assert.equal(statuses[0], 201);
      assert.ok([201, 404, 416].includes(statuses[1] ?? 0), `${statuses}`);
    }
  });

  it("goes on after a connection that broke, from where its status says", async () => {
    const client = served.client("uploads/broken");
    const session = await started(client, "");
    const socket = connect(Number(new URL(served.origin()).port), "127.0.0.1");
    socket.end(`PATCH ${session} HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc`);
    await once(socket.resume(), "close");
    // Until the server has seen the break the upload is busy, and what has arrived may grow.
    const goOn = async () => {
      const { headers } = await client.expect("GET", session, { status: 204 });
      const size = headers.range === "0-0" ? 0 : Number(String(headers.range).slice(2)) + 1;
      return client.send("PATCH", session, piece(WHOLE.slice(size), `${size}-5`));
    };
    let answer = await goOn();
    while (answer.status === 416) answer = await goOn();
    assert.equal(answer.status, 202);
    await client.expect("PUT", `${session}?digest=${DIGEST}`, { status: 201 });
  });

  it("does not change the blob that it would have made again", async () => {
    const client = served.client("uploads/again");
    for (let round = 0; round < 2; round++) assert.equal(await client.pushBlob(WHOLE), DIGEST);
    await client.expect("GET", `blobs/${DIGEST}`, { status: 200, body: WHOLE });
  });
});

async function started(client: Client, body: string): Promise<string> {
  const session = await client.startUpload();
  if (body !== "") await client.expect("PATCH", session, { status: 202 }, { body });
  return session;
}

describe("a body of which it is not sure where it ends", () => {
  const served = serve();

  for (const [title, framing] of [
    ["a length and chunks", "Content-Length: 3\r\nTransfer-Encoding: chunked"],
    ["two lengths", "Content-Length: 3\r\nContent-Length: 4"],
    ["a length that is no number", "Content-Length: 3x"],
    ["an encoding that nobody knows", "Transfer-Encoding: unknown"],
  ] as const) {
    it(`is refused, and the connection ends: ${title}`, async () => {
      const session = await served.client("framing").startUpload();
      const socket = connect(Number(new URL(served.origin()).port), "127.0.0.1");
      socket.write(
        `PATCH ${session} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n`,
      );
      const answers = (await readAll(socket)).toString();
      assert.match(answers, /^HTTP\/1\.1 400 /);
      assert.equal(answers.match(/HTTP\/1\.1 /g)?.length, 1, "what follows is not taken for a request");
      await served.client("framing").expect("GET", session, { status: 204, headers: { range: "0-0" } });
    });
  }
});
