import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "./server.ts";

/** An unpacked image export: which files are its config and its layers, and all its files. */
export interface Export {
  config: string;
  layers: string[];
  /** By their digest, whatever they are called. */
  files: Map<string, Buffer>;
}

/** Reads the folder of an unpacked export, as `crane pull` and `tar -x` leave it. */
export async function readExport(folder: string): Promise<Export> {
  const text = await readFile(join(folder, "manifest.json"), "utf8");
  const [image] = JSON.parse(text) as { Config: string; Layers: string[] }[];
  if (image === undefined) throw new Error(`there is no image in ${folder}`);
  const digestOf = async (name: string) => sha256(await readFile(join(folder, name)));
  return {
    config: await digestOf(image.Config),
    layers: await Promise.all(image.Layers.map(digestOf)),
    files: await filesByDigest(folder),
  };
}

/** Every file directly in a folder, by the digest of its content. */
export async function filesByDigest(folder: string): Promise<Map<string, Buffer>> {
  const names = await readdir(folder);
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return new Map(contents.map((content) => [sha256(content), content]));
}
