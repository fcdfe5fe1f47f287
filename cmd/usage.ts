import { parseArgs } from "node:util";

/** What the command line asks for. */
export type Command = { readonly name: "help" | "version" } | ListCommand | CheckCommand | ServeCommand;

export interface ListCommand extends FolderCommand {
  readonly name: "list";
}

export interface CheckCommand extends FolderCommand {
  readonly name: "check";
}

interface FolderCommand {
  readonly folder: string;
  /** Undefined: the user's cache folder. */
  readonly cache: string | undefined;
  readonly format: "table" | "text" | "json";
}

export interface ServeCommand {
  readonly name: "serve";
  readonly folder: string;
  /** Undefined: the user's cache folder. */
  readonly cache: string | undefined;
  /** Undefined: both loopback addresses. */
  readonly host: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  readonly accessLog: boolean;
}

/** A mistake on the command line or in what it names. Its message is one line that says what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const USAGE = `ociregistry: point it at a folder of image archives, and any client can pull from it

Usage:
  ociregistry serve [FOLDER] [--host HOST] [--port PORT] [--access-log] [--cache DIR]
  ociregistry list [FOLDER] [--format table|json] [--cache DIR]
  ociregistry check [FOLDER] [--format text|json] [--cache DIR]
  ociregistry --help | --version

FOLDER holds image archives as container tools write them: tars anywhere, or unpacked at <repository>/<tag>/. It may
change at any time. Without it, "images" is taken.

  --cache DIR    where tars that are compressed as a whole are unpacked; without it ~/.cache/ociregistry

serve
  --host HOST    listen on this address; without it only on this machine (127.0.0.1 and ::1)
  --port PORT    listen on this port (8080); 0 takes a free one
  --access-log   write one line of JSON to stdout for each request

list: what would be served, and what is skipped and why
check: reads every blob and compares it with its digest; exit code 1 when something is wrong
  --format json  for programs

Examples:
  ociregistry serve                              serve ./images at http://localhost:8080
  ociregistry serve /srv/images --host 0.0.0.0   serve to other machines
  ociregistry list /srv/images                   what would be served, and what is skipped and why
  ociregistry check /srv/images                  is everything still as it was?

  docker save alpine:3.20 -o images/alpine.tar   add an image, while the server runs
`;

/** Throws UsageError. */
export function parseCommand(args: readonly string[]): Command {
  const [name, ...rest] = args;
  if (name === undefined || name === "help" || args.includes("--help") || args.includes("-h")) return { name: "help" };
  if (name === "--version" || name === "version") return { name: "version" };
  if (name === "serve") return parseServe(rest);
  if (name === "list") return { name, ...parseFolder(rest, "table") };
  if (name === "check") return { name, ...parseFolder(rest, "text") };
  throw new UsageError(`there is no command "${name}"; see ociregistry --help`);
}

function parseServe(args: string[]): ServeCommand {
  const { values, positionals } = parse(args, {
    host: { type: "string" },
    port: { type: "string", default: "8080" },
    "access-log": { type: "boolean", default: false },
    cache: { type: "string" },
  });
  return {
    name: "serve",
    folder: onlyFolder(positionals),
    cache: textOf(values["cache"]),
    host: textOf(values["host"]),
    port: parsePort(String(values["port"])),
    accessLog: values["access-log"] === true,
  };
}

function parseFolder(args: string[], words: "table" | "text"): FolderCommand {
  const { values, positionals } = parse(args, {
    format: { type: "string", default: words },
    cache: { type: "string" },
  });
  const { format } = values;
  if (format !== words && format !== "json") throw new UsageError(`--format is ${words} or json, not "${format}"`);
  return { folder: onlyFolder(positionals), cache: textOf(values["cache"]), format };
}

function textOf(value: unknown): string | undefined {
  if (value === "") throw new UsageError("an option that takes a value cannot be empty");
  return typeof value === "string" ? value : undefined;
}

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;

function parse(args: string[], options: Options) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    // Node's message has a second sentence about "--" that helps nobody here.
    const [message] = String(error instanceof Error ? error.message : error).split(". ");
    throw new UsageError(`${message}; see ociregistry --help`);
  }
}

function onlyFolder(positionals: readonly string[]): string {
  const [folder = "images", ...more] = positionals;
  if (folder === "") throw new UsageError("the name of the folder is empty");
  if (more.length > 0) throw new UsageError(`one folder at a time, not also "${more[0]}"`);
  return folder;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new UsageError(`--port is a number from 0 to 65535, not "${text}"`);
  return port;
}
