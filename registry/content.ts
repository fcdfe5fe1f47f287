import { read as readCallback } from "node:fs";
import { promisify } from "node:util";
import { RegistryError } from "./errors.ts";
import type { Body, ByteStream, BytesBody, Content, FileBody } from "./registry.ts";

const read = promisify(readCallback);
const CHUNK = 512 * 1024;

/** The bytes of a body as a stream; reading to the end and leaving early both close it. */
export async function* streamOf(body: Body): ByteStream {
  if (body.kind === "bytes") yield body.bytes;
  else if (body.kind === "stream") {
    try {
      yield* body.stream;
    } finally {
      await body.close();
    }
  } else {
    // The file is read here and not handed to a stream of Node: its reads are too small and its errors too late.
    try {
      for (let done = 0; done < body.length; ) {
        const wanted = Math.min(CHUNK, body.length - done);
        const { bytesRead, buffer } = await read(body.fd, Buffer.allocUnsafe(wanted), 0, wanted, body.offset + done);
        if (bytesRead === 0) throw new RegistryError("UNAVAILABLE", "the file became shorter while it was read");
        done += bytesRead;
        if (done === body.length && !(await body.unchanged())) {
          throw new RegistryError("UNAVAILABLE", "the file changed while it was read");
        }
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await body.close();
    }
  }
}

/** All bytes of a stream. For what is known to be small. */
export async function readAll(stream: ByteStream): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Gives back what a body holds, read or not. May be called twice. */
export async function closeBody(body: Body): Promise<void> {
  if (body.kind !== "bytes") await body.close();
}

/** A part of a whole body, which it shares its bytes or its file with. */
export function partOf(whole: BytesBody | FileBody, { start, end }: Content["range"]): Body {
  if (whole.kind === "file") return { ...whole, offset: whole.offset + start, length: end - start };
  const { bytes } = whole;
  // A view takes longer to make than all else here, and nearly everybody wants the whole.
  return end - start === bytes.length ? whole : { kind: "bytes", bytes: bytes.subarray(start, end) };
}
