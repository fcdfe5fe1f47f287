import { parseArgs } from "node:util";
import { STALL_LIMIT } from "../api/stall-limit.ts";
import { TRANSFER_MEMORY } from "../api/transfers.ts";
import { UPLOAD_LIMITS, type UploadLimits } from "../registry/store/data/upload-limits.ts";
import { LONGEST_INTERVAL, parseCount, parseDuration, parseInterval, parseSize } from "./quantities.ts";
import { UsageError } from "./usage-error.ts";

/** What the command line asks for. */
export type Command = { readonly name: "help" | "version" } | ListCommand | CheckCommand | GcCommand | ServeCommand;

export interface ListCommand extends FolderCommand {
  readonly name: "list";
}

export interface CheckCommand extends FolderCommand {
  readonly name: "check";
}

export interface GcCommand {
  readonly name: "gc";
  readonly data: string;
  /** How long what nobody needs is kept, in ms. */
  readonly gcGrace: number;
  readonly dryRun: boolean;
}

interface FolderCommand {
  readonly folder: string;
  /** Where pushes are kept. */
  readonly data: string;
  /** Undefined: the user's cache folder. */
  readonly cache: string | undefined;
  readonly format: "table" | "text" | "json";
}

/** How what is pushed is kept. */
export interface StoreOptions {
  readonly data: string;
  readonly readOnly: boolean;
  /** Patterns of tags that mean the same for ever. */
  readonly immutable: readonly string[];
  readonly limits: UploadLimits;
  readonly sparse: boolean;
  readonly deleteInUse: boolean;
  readonly sync: boolean;
}

export interface ServeCommand extends StoreOptions {
  readonly name: "serve";
  readonly folder: string;
  /** Undefined: the user's cache folder. */
  readonly cache: string | undefined;
  /** Undefined: both loopback addresses. */
  readonly host: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  readonly accessLog: boolean;
  /** Whether blobs may go through the kernel. */
  readonly native: boolean;
  /** Which proxy in front of the server sends blobs that it can read itself; undefined: none. */
  readonly proxySendsBlobs: ProxyKind | undefined;
  /** What all transfers together hold in memory, in bytes. */
  readonly transferMemory: number;
  /** How many processes answer clients; one does everything itself. */
  readonly workers: number;
  /** How long nothing may move before a connection is cut, in ms; 0: for ever. */
  readonly stallLimit: number;
  /** How often garbage is collected, in ms; 0 never. */
  readonly gcInterval: number;
  /** How long what nobody needs is kept, in ms. */
  readonly gcGrace: number;
}

/** nginx: `X-Accel-Redirect`; Apache and lighttpd: `X-Sendfile`. */
export type ProxyKind = "nginx" | "x-sendfile";

export const USAGE = `ociregistry: point it at a folder of image archives, and any client can pull from it

Usage:
  ociregistry serve [FOLDER] [--data DIR] [--read-only] [--host HOST] [--port PORT] [...]
  ociregistry list [FOLDER] [--data DIR] [--format table|json] [--cache DIR]
  ociregistry check [FOLDER] [--data DIR] [--format text|json] [--cache DIR]
  ociregistry gc [--data DIR] [--dry-run] [--gc-grace TIME]
  ociregistry --help | --version

FOLDER holds image archives as container tools write them: tars anywhere, or unpacked at <repository>/<tag>/. It may
change at any time. Without it, "images" is taken.

  --data DIR     where pushes are kept (data); made with the first push
  --cache DIR    where tars that are compressed as a whole are unpacked, and where it is kept what was read of the archives
                 and which blobs were found to be damaged; without it ~/.cache/ociregistry

serve
  --host HOST    listen on this address; without it only on this machine (127.0.0.1 and ::1)
  --port PORT    listen on this port (8080); 0 takes a free one
  --access-log   write one line of JSON to stdout for each request
  --read-only    refuse pushes and deletes
  --immutable PATTERN      tags that are set once and never moved or deleted, such as 'v*'; may be repeated
  --gc-interval TIME       how often what no manifest needs is collected (1h, at most 24d); 0 never
  --gc-grace TIME          how old it has to be (24h); what a client is using is kept in any case
  --allow-sparse           take manifests of which not all parts are there
  --allow-delete-in-use    delete what a manifest is made of, too
  --max-blob-size SIZE     refuse larger blobs (64G)
  --max-upload-space SIZE  what unfinished uploads may take together (256G)
  --max-uploads NUMBER     how many uploads one client may have open (1000)
  --upload-expiry TIME     give up an upload that nobody has continued for so long (24h); 0 never
  --transfer-memory SIZE   what all blobs on their way to clients may take in memory (64M)
  --workers NUMBER         how many processes answer clients (1), for machines with more cores than one can use
  --stall-limit TIME       cut a connection on which nothing has moved for so long (2m, at most 24d); 0 never
  --no-native              send blobs by reading and writing, also where the kernel could (sendfile)
  --proxy-sends-blobs nginx|x-sendfile
                           let the proxy in front of this server send blobs that are files (docs/nginx.md)
  --no-sync                do not wait for the disk: a loss of power may then take what was pushed

list: what would be served, what is skipped and why, and what a server or a check has found to be damaged
check: reads every blob and compares it with its digest; exit code 1 when something is wrong
  --format json  for programs

gc: collects now what no manifest needs, also while a server runs; then the server gives up old uploads, too
  --dry-run      only say what would go

TIME is a number with ms, s, m, h or d; SIZE a number of bytes, or one with K, M, G or T (powers of 1024).

Examples:
  ociregistry serve                              serve ./images at http://localhost:8080
  ociregistry serve /srv/images --host 0.0.0.0 --read-only
                                                 serve to other machines, which may not push
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
  if (name === "gc") return parseGc(rest);
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
    ...DATA,
    ...GRACE,
    "gc-interval": { type: "string", default: "1h" },
    "read-only": { type: "boolean", default: false },
    immutable: { type: "string", multiple: true, default: [] },
    "allow-sparse": { type: "boolean", default: false },
    "allow-delete-in-use": { type: "boolean", default: false },
    "max-blob-size": { type: "string" },
    "max-upload-space": { type: "string" },
    "max-uploads": { type: "string" },
    "upload-expiry": { type: "string" },
    "no-sync": { type: "boolean", default: false },
    "no-native": { type: "boolean", default: false },
    "transfer-memory": { type: "string" },
    workers: { type: "string" },
    "stall-limit": { type: "string" },
    "proxy-sends-blobs": { type: "string" },
  });
  const given = <T>(option: string, parseValue: (option: string, text: string) => T, otherwise: T): T =>
    values[option] === undefined ? otherwise : parseValue(`--${option}`, String(values[option]));
  const { immutable } = values;
  return {
    name: "serve",
    data: folderOf(values["data"]),
    readOnly: values["read-only"] === true,
    immutable: Array.isArray(immutable) ? immutable.map(String) : [],
    gcInterval: parseInterval("--gc-interval", String(values["gc-interval"])),
    gcGrace: parseDuration("--gc-grace", String(values["gc-grace"])),
    sparse: values["allow-sparse"] === true,
    deleteInUse: values["allow-delete-in-use"] === true,
    sync: values["no-sync"] !== true,
    limits: {
      blobSize: given("max-blob-size", parseSize, UPLOAD_LIMITS.blobSize),
      uploadSpace: given("max-upload-space", parseSize, UPLOAD_LIMITS.uploadSpace),
      uploadsPerClient: given("max-uploads", parseCount, UPLOAD_LIMITS.uploadsPerClient),
      uploadExpiry: given("upload-expiry", parseExpiry, UPLOAD_LIMITS.uploadExpiry),
    },
    folder: onlyFolder(positionals),
    cache: textOf(values["cache"]),
    host: textOf(values["host"]),
    port: parsePort(String(values["port"])),
    accessLog: values["access-log"] === true,
    native: values["no-native"] !== true,
    proxySendsBlobs: parseProxy(textOf(values["proxy-sends-blobs"])),
    transferMemory: given("transfer-memory", parseSize, TRANSFER_MEMORY),
    workers: given("workers", parseCount, 1),
    stallLimit: given("stall-limit", parseStallLimit, STALL_LIMIT),
  };
}

/** Not without any limit: that is how connections are told that wait for the server itself. */
const parseStallLimit = (option: string, text: string): number => parseInterval(option, text) || LONGEST_INTERVAL;

const parseExpiry = (option: string, text: string): number => parseDuration(option, text) || Number.POSITIVE_INFINITY;

function parseProxy(kind: string | undefined): ProxyKind | undefined {
  if (kind === undefined || kind === "nginx" || kind === "x-sendfile") return kind;
  throw new UsageError(`--proxy-sends-blobs is nginx or x-sendfile, not "${kind}"`);
}

function parseGc(args: string[]): GcCommand {
  const { values, positionals } = parse(args, { ...DATA, ...GRACE, "dry-run": { type: "boolean", default: false } });
  if (positionals.length > 0) throw new UsageError(`gc takes no folder; say --data "${positionals[0]}"`);
  return {
    name: "gc",
    data: folderOf(values["data"]),
    gcGrace: parseDuration("--gc-grace", String(values["gc-grace"])),
    dryRun: values["dry-run"] === true,
  };
}

const DATA = { data: { type: "string", default: "data" } } as const;
const GRACE = { "gc-grace": { type: "string", default: "24h" } } as const;

function folderOf(value: unknown): string {
  if (value === "") throw new UsageError("the name of the data folder is empty");
  return String(value);
}

function parseFolder(args: string[], words: "table" | "text"): FolderCommand {
  const { values, positionals } = parse(args, {
    format: { type: "string", default: words },
    cache: { type: "string" },
    ...DATA,
  });
  const { format } = values;
  if (format !== words && format !== "json") throw new UsageError(`--format is ${words} or json, not "${format}"`);
  return { folder: onlyFolder(positionals), data: folderOf(values["data"]), cache: textOf(values["cache"]), format };
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
    // Node's message has a second sentence about "--" that helps nobody here; of several lines the last says what to do.
    const [line = ""] = String(error instanceof Error ? error.message : error)
      .split("\n")
      .reverse();
    const [message] = line.replace(/\.$/, "").split(". ");
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
