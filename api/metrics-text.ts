/**
 * The values of one process by series, as in `ociregistry_connections` or `ociregistry_sent_bytes_total{content="blob"}`:
 * plain, so that it can be sent to another process and added to those of others.
 */
export type Snapshot = Readonly<Record<string, number>>;

interface Family {
  readonly type: "counter" | "gauge" | "histogram";
  /** What several processes have together. */
  readonly merge: (one: number, other: number) => number;
  readonly help: string;
}

const sum = (one: number, other: number): number => one + other;

const counter = (help: string): Family => ({ type: "counter", merge: sum, help });
const histogram = (help: string): Family => ({ type: "histogram", merge: sum, help });
const gauge = (help: string, merge: Family["merge"] = sum): Family => ({ type: "gauge", merge, help });

/** All that is measured, in the order in which it is shown. What processes have in common is no sum. */
const FAMILIES = {
  ociregistry_build_info: gauge("Version of ociregistry and of Node.", Math.max),
  ociregistry_http_requests_total: counter("Requests that were answered, or whose client went before."),
  ociregistry_http_responses_broken_total: counter("Answers that ended before their last byte."),
  ociregistry_http_request_duration_seconds: histogram("From the head of a request to the last byte of its answer."),
  ociregistry_sent_bytes_total: counter("Bytes of blobs and manifests that were sent."),
  ociregistry_received_bytes_total: counter("Bytes of blobs and manifests that were received."),
  ociregistry_handed_over_total: counter("Blobs that a proxy was told to send (--proxy-sends-blobs)."),
  ociregistry_connections: gauge("Connections that are open."),
  ociregistry_blob_sending_info: gauge("How blobs are sent.", Math.max),
  ociregistry_transfers: gauge("Blobs that are on their way out of files."),
  ociregistry_transfer_memory_bytes: gauge("Memory that they hold."),
  ociregistry_transfer_memory_limit_bytes: gauge("Memory that they may hold (--transfer-memory)."),
  ociregistry_folder_repositories: gauge("Repositories in the folder of archives.", Math.max),
  ociregistry_folder_images: gauge("Images with a tag in the folder of archives.", Math.max),
  ociregistry_folder_skipped: gauge("Files in the folder of archives that are not served.", Math.max),
  ociregistry_uploads: gauge("Uploads that are open."),
  ociregistry_collections_total: counter("Collections of garbage that came to their end."),
  ociregistry_collected_blobs_total: counter("Blobs that collections moved to the trash."),
  ociregistry_collected_bytes_total: counter("Bytes of those blobs."),
  ociregistry_event_loop_delay_seconds: histogram("How late the event loop comes to what is due, looked at regularly."),
  process_cpu_seconds_total: counter("CPU time of the process, of user and system."),
  process_resident_memory_bytes: gauge("Physical memory of the process."),
  process_start_time_seconds: gauge("When the process was started, since 1970.", Math.min),
  process_open_fds: gauge("File descriptors that are open."),
  nodejs_heap_size_used_bytes: gauge("Memory of the objects of JavaScript."),
  nodejs_external_memory_bytes: gauge("Memory of buffers and of what else lies beside the heap."),
} as const satisfies Record<string, Family>;

export type FamilyName = keyof typeof FAMILIES;

/** The name of a series. The values of labels come from this program, never from a client. */
export function seriesOf(name: FamilyName, labels: Readonly<Record<string, string>>, ending = ""): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return `${name}${ending}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""}`;
}

/** The values of several processes as those of one. */
export function mergeSnapshots(snapshots: readonly Snapshot[]): Snapshot {
  const merged: Record<string, number> = {};
  for (const snapshot of snapshots) {
    for (const [series, value] of Object.entries(snapshot)) {
      const before = merged[series];
      merged[series] = before === undefined ? value : familyOf(series)[1].merge(before, value);
    }
  }
  return merged;
}

/** Of the values of a process that has ended, those that still count: not what it was like at a moment. */
export const cumulative = (snapshot: Snapshot): Snapshot =>
  Object.fromEntries(Object.entries(snapshot).filter(([series]) => familyOf(series)[1].type !== "gauge"));

/** What a text in the format of `textOf` is. */
export const TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";

/** As Prometheus reads it ("Exposition formats", text-based format 0.0.4). */
export function textOf(snapshot: Snapshot): string {
  const lines = new Map<FamilyName, string[]>();
  for (const [series, value] of Object.entries(snapshot)) {
    const [name] = familyOf(series);
    const own = lines.get(name) ?? [];
    own.push(`${series} ${value}\n`);
    lines.set(name, own);
  }
  const names = Object.keys(FAMILIES) as FamilyName[];
  return names
    .filter((name) => lines.has(name))
    .map((name) => {
      const { help, type } = FAMILIES[name];
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.get(name)?.join("")}`;
    })
    .join("");
}

function familyOf(series: string): [FamilyName, Family] {
  const name = series.replace(/\{.*/s, "");
  const found = [name, name.replace(/_(bucket|sum|count)$/, "")].find((each) => Object.hasOwn(FAMILIES, each));
  if (found === undefined) throw new Error(`${series} belongs to nothing that is measured`);
  return [found as FamilyName, FAMILIES[found as FamilyName]];
}

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
