// @ts-check
/**
 * The sample image: a static program for linux/amd64 that prints a greeting, laid out in a folder
 * as `crane pull` followed by `tar -x` leaves an image.
 *
 * Every byte is written here, without a compiler, a network or a compression library, so that the
 * digests are the same on every machine and every version of Node.
 *
 *     node scripts/sample.mjs [FOLDER]
 */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {{ path: string, mode: number, data: Buffer }} Entry A folder's path ends in "/". */
/** @typedef {{ digest: string, size: number }} Blob */
/** @typedef {Blob & { diffId: string }} Layer */
/** @typedef {{ config: Blob, layers: Layer[] }} Sample */
/** @typedef {{ createdBy: string, entries?: Entry[] }} Step Without entries it adds no layer. */

const DEFAULT_FOLDER = fileURLToPath(new URL("../images/hello/latest", import.meta.url));
const REPO_TAG = "localhost:8080/hello:latest";
const CREATED = "2026-01-01T00:00:00Z";

const TAR_BLOCK = 512;
const STORED_BLOCK_LIMIT = 0xffff;

const ELF_HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const EAX = 0;
const EDX = 2;
const ESI = 6;
const EDI = 7;
const SYSCALL = Buffer.of(0x0f, 0x05);

const GREETING = `
Hello! It worked.

ociregistry served this image from an unpacked crane export, the folder
images/hello/latest, and your container runtime has just run it.

What to try next:
  - open http://localhost:8080/docs/ and call the API from the page
  - unpack an image of your own into images/<name>/<tag> and pull it

`;

const README = `hello, the sample image of ociregistry

Its only program, /hello, prints a greeting and exits with status 0.
It is a static executable for linux/amd64 and needs nothing else in here;
the files in /etc give names to its user, its group and the image.

The image has three layers: the files in /etc with an empty /tmp, the
program, and this text. All of it is written by scripts/sample.mjs, the
executable included, and comes out the same, byte for byte, wherever that
script runs.
`;

const PASSWD = `root:x:0:0:root:/root:/hello
nobody:x:65534:65534:nobody:/:/hello
`;

const GROUP = `root:x:0:
nobody:x:65534:
`;

const OS_RELEASE = `ID=hello
NAME="hello"
PRETTY_NAME="hello, the sample image of ociregistry"
VERSION_ID="1.0"
`;

const RUNTIME = {
  User: "65534:65534",
  Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
  Entrypoint: ["/hello"],
  WorkingDir: "/",
  Labels: {
    "org.opencontainers.image.title": "hello",
    "org.opencontainers.image.description": "The sample image of ociregistry: prints a greeting",
    "org.opencontainers.image.version": "1.0",
    "org.opencontainers.image.licenses": "Apache-2.0",
  },
};

/** @type {Step[]} */
const STEPS = [
  {
    createdBy: "COPY base/ /",
    entries: [
      directory("etc/"),
      file("etc/group", GROUP),
      file("etc/os-release", OS_RELEASE),
      file("etc/passwd", PASSWD),
      directory("tmp/", 0o1777),
    ],
  },
  { createdBy: `ENV ${RUNTIME.Env.join(" ")}` },
  {
    createdBy: "COPY --chmod=0755 hello /hello",
    entries: [file("hello", executable(GREETING), 0o755)],
  },
  {
    createdBy: "COPY README /usr/share/doc/hello/README",
    entries: [
      directory("usr/"),
      directory("usr/share/"),
      directory("usr/share/doc/"),
      directory("usr/share/doc/hello/"),
      file("usr/share/doc/hello/README", README),
    ],
  },
  { createdBy: `LABEL ${labels(RUNTIME.Labels)}` },
  { createdBy: `USER ${RUNTIME.User}` },
  { createdBy: `WORKDIR ${RUNTIME.WorkingDir}` },
  { createdBy: `ENTRYPOINT ${JSON.stringify(RUNTIME.Entrypoint)}` },
];

/**
 * Writes the sample image into `folder`, which is made if it is missing. The manifest comes last,
 * so a folder that has one is complete. Nothing that is already there is removed.
 *
 * @param {string} folder
 * @returns {Sample} What was written: the digest and size of the config and of each layer.
 */
export function writeSample(folder) {
  const layers = STEPS.flatMap((step) => (step.entries ? [layer(step.entries)] : []));
  const config = imageConfig(layers.map(({ diffId }) => diffId));
  const manifest = exportManifest(
    digest(config),
    layers.map(({ name }) => name),
  );

  mkdirSync(folder, { recursive: true });
  writePlain(join(folder, digest(config)), config);
  for (const { name, bytes } of layers) writePlain(join(folder, name), bytes);
  writePlain(join(folder, "manifest.json"), manifest);

  return {
    config: blob(config),
    layers: layers.map(({ bytes, diffId }) => ({ ...blob(bytes), diffId })),
  };
}

/** @param {Entry[]} entries */
function layer(entries) {
  const archive = tar(entries);
  const bytes = gzip(archive);
  return { name: `${hex(bytes)}.tar.gz`, bytes, diffId: digest(archive) };
}

/**
 * @param {string[]} diffIds
 * @returns {Buffer}
 */
function imageConfig(diffIds) {
  return json({
    created: CREATED,
    author: "ociregistry",
    architecture: "amd64",
    os: "linux",
    config: RUNTIME,
    rootfs: { type: "layers", diff_ids: diffIds },
    history: STEPS.map(historyEntry),
  });
}

/** @param {Step} step */
function historyEntry({ createdBy, entries }) {
  const entry = { created: CREATED, created_by: createdBy };
  return entries ? entry : { ...entry, empty_layer: true };
}

/**
 * @param {string} configName
 * @param {string[]} layerNames
 * @returns {Buffer}
 */
function exportManifest(configName, layerNames) {
  return json([{ Config: configName, RepoTags: [REPO_TAG], Layers: layerNames }]);
}

/** @param {Record<string, string>} pairs */
function labels(pairs) {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(" ");
}

/**
 * @param {string} path
 * @param {number} [mode]
 * @returns {Entry}
 */
function directory(path, mode = 0o755) {
  return { path, mode, data: Buffer.alloc(0) };
}

/**
 * @param {string} path
 * @param {string | Buffer} content
 * @param {number} [mode]
 * @returns {Entry}
 */
function file(path, content, mode = 0o644) {
  return { path, mode, data: Buffer.from(content) };
}

/**
 * A static ELF program that writes `text` to standard output and exits with status 0. The file is
 * mapped into memory as it is: the headers, then the text, then the code.
 *
 * @param {string} text
 * @returns {Buffer}
 */
function executable(text) {
  const baseAddress = 0x400000;
  const data = Buffer.from(text);
  const dataAddress = baseAddress + ELF_HEADER_SIZE + PROGRAM_HEADER_SIZE;
  const code = printAndExit(dataAddress, data.length);
  const entryAddress = dataAddress + data.length;
  const fileSize = entryAddress + code.length - baseAddress;
  const headers = [elfHeader(entryAddress), programHeader(baseAddress, fileSize)];
  return Buffer.concat([...headers, data, code]);
}

/**
 * @param {number} entryAddress
 * @returns {Buffer}
 */
function elfHeader(entryAddress) {
  return Buffer.concat([
    Buffer.from("\x7fELF", "latin1"), // magic number
    Buffer.of(2), // class: 64-bit
    Buffer.of(1), // data: little-endian
    Buffer.of(1), // version of this identification
    Buffer.of(0), // ABI: System V, the one Linux runs
    Buffer.alloc(8), // ABI version, and padding up to 16 bytes
    u16(2), // type: executable at a fixed address
    u16(62), // machine: x86-64
    u32(1), // version of the format
    u64(entryAddress), // where execution starts
    u64(ELF_HEADER_SIZE), // offset of the program headers: right after this one
    u64(0), // offset of the section headers: there are none
    u32(0), // flags: x86-64 defines none
    u16(ELF_HEADER_SIZE),
    u16(PROGRAM_HEADER_SIZE),
    u16(1), // number of program headers
    u16(0), // size of a section header
    u16(0), // number of section headers
    u16(0), // index of the section that holds the section names
  ]);
}

/**
 * @param {number} address
 * @param {number} size
 * @returns {Buffer}
 */
function programHeader(address, size) {
  return Buffer.concat([
    u32(1), // type: PT_LOAD, a part of the file to map into memory
    u32(0b101), // flags: readable (4) and executable (1)
    u64(0), // offset in the file: from its first byte
    u64(address), // virtual address
    u64(address), // physical address, which Linux ignores
    u64(size), // size in the file
    u64(size), // size in memory
    u64(0x1000), // alignment: a page
  ]);
}

/**
 * Linux takes the number of a system call in eax, its arguments in edi, esi and edx.
 *
 * @param {number} address
 * @param {number} length
 * @returns {Buffer}
 */
function printAndExit(address, length) {
  return Buffer.concat([
    mov(EAX, 1), // write(
    mov(EDI, 1), //   standard output,
    mov(ESI, address), //   text,
    mov(EDX, length), //   length)
    SYSCALL,
    mov(EAX, 60), // exit(
    mov(EDI, 0), //   success)
    SYSCALL,
  ]);
}

/**
 * `mov register, value`: one byte that is 0xb8 plus the number of the register, then the value,
 * which also clears the upper half of the 64-bit register.
 *
 * @param {number} register
 * @param {number} value
 * @returns {Buffer}
 */
function mov(register, value) {
  return Buffer.concat([Buffer.of(0xb8 + register), u32(value)]);
}

/**
 * An archive in the ustar format, closed by two blocks of zeros.
 *
 * @param {Entry[]} entries
 * @returns {Buffer}
 */
function tar(entries) {
  const records = entries.flatMap((entry) => [tarHeader(entry), entry.data, padding(entry.data)]);
  return Buffer.concat([...records, Buffer.alloc(2 * TAR_BLOCK)]);
}

/**
 * The checksum is the sum of the header's bytes, counted with eight spaces in its own place.
 *
 * @param {Entry} entry
 * @returns {Buffer}
 */
function tarHeader(entry) {
  const sum = tarFields(entry, " ".repeat(8)).reduce((total, byte) => total + byte, 0);
  return tarFields(entry, `${octal(sum, 7)} `);
}

/**
 * @param {Entry} entry
 * @param {string} checksum
 * @returns {Buffer}
 */
function tarFields({ path, mode, data }, checksum) {
  return Buffer.concat([
    field(path, 100),
    field(octal(mode, 8), 8),
    field(octal(0, 8), 8), // user id
    field(octal(0, 8), 8), // group id
    field(octal(data.length, 12), 12),
    field(octal(Date.parse(CREATED) / 1000, 12), 12), // time of modification
    field(checksum, 8),
    field(path.endsWith("/") ? "5" : "0", 1), // type: directory or regular file
    field("", 100), // target of a link
    field("ustar", 6),
    field("00", 2), // version
    field("root", 32), // user name
    field("root", 32), // group name
    field(octal(0, 8), 8), // device, major number
    field(octal(0, 8), 8), // device, minor number
    field("", 155), // what goes before a path too long for its field
    field("", 12), // fills the block
  ]);
}

/**
 * A number as octal digits and a closing NUL, `width` characters in all.
 *
 * @param {number} value
 * @param {number} width
 */
function octal(value, width) {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

/**
 * @param {string} text
 * @param {number} width
 * @returns {Buffer}
 */
function field(text, width) {
  const bytes = Buffer.alloc(width);
  bytes.write(text);
  return bytes;
}

/**
 * @param {Buffer} data
 * @returns {Buffer}
 */
function padding(data) {
  return Buffer.alloc((TAR_BLOCK - (data.length % TAR_BLOCK)) % TAR_BLOCK);
}

/**
 * A gzip file that stores its content uncompressed: what a compressor makes of the same input
 * changes from one build of zlib to the next, and the digest of a layer must not.
 *
 * @param {Buffer} content
 * @returns {Buffer}
 */
function gzip(content) {
  return Buffer.concat([
    Buffer.of(0x1f, 0x8b), // magic number
    Buffer.of(8), // method: deflate
    Buffer.of(0), // flags: no name, no comment
    u32(0), // time of modification: none
    Buffer.of(0), // extra flags: none
    Buffer.of(255), // operating system: unknown
    ...storedBlocks(content),
    u32(crc32(content)),
    u32(content.length),
  ]);
}

/**
 * Each deflate block: one byte that is 1 in the last block, the length, the length with its bits
 * inverted, the bytes themselves.
 *
 * @param {Buffer} content
 * @returns {Buffer[]}
 */
function storedBlocks(content) {
  /** @type {Buffer[]} */
  const blocks = [];
  for (let start = 0; start < content.length; start += STORED_BLOCK_LIMIT) {
    const part = content.subarray(start, start + STORED_BLOCK_LIMIT);
    const last = start + part.length === content.length;
    blocks.push(Buffer.of(last ? 1 : 0), u16(part.length), u16(0xffff - part.length), part);
  }
  return blocks;
}

/**
 * The checksum in a gzip trailer: CRC-32 with its polynomial written lowest bit first.
 *
 * @param {Buffer} content
 * @returns {number}
 */
function crc32(content) {
  let crc = 0xffffffff;
  for (const byte of content) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** @param {number} value */
function u16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** @param {number} value */
function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** @param {number} value */
function u64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** @param {unknown} value */
function json(value) {
  return Buffer.from(JSON.stringify(value));
}

/** @param {Buffer} bytes */
function hex(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/** @param {Buffer} bytes */
function digest(bytes) {
  return `sha256:${hex(bytes)}`;
}

/**
 * @param {Buffer} bytes
 * @returns {Blob}
 */
function blob(bytes) {
  return { digest: digest(bytes), size: bytes.length };
}

/**
 * The mode is set apart from the writing, where the umask could narrow it.
 *
 * @param {string} path
 * @param {Buffer} bytes
 */
function writePlain(path, bytes) {
  writeFileSync(path, bytes);
  chmodSync(path, 0o644);
}

/** @param {Sample} sample */
function describe({ config, layers }) {
  const lines = layers.flatMap(({ digest, size, diffId }) => [`layer   ${digest} ${size}`, `diff id ${diffId}`]);
  return [`config  ${config.digest} ${config.size}`, ...lines].join("\n");
}

function startedAsCommand() {
  const script = process.argv[1];
  return script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url);
}

if (startedAsCommand()) {
  console.log(describe(writeSample(process.argv[2] ?? DEFAULT_FOLDER)));
}
