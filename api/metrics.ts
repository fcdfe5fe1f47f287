import { readdirSync } from "node:fs";
import { createHistogram, type Histogram } from "./histogram.ts";
import { type FamilyName, type Snapshot, seriesOf } from "./metrics-text.ts";
import type { Incoming, OperationId } from "./operation.ts";

/** An operation of the document; `site` for the pages beside the API, `none` for what is nothing of all that. */
export type CountedOperation = OperationId | "site" | "none";

/** What one process counts and measures of itself. */
export interface Metrics {
  of(operation: CountedOperation): OperationCounts;
  /** How late the event loop came to what was due. */
  readonly delays: Histogram;
  /** Asks `read` whenever somebody wants to know. */
  add(read: () => Snapshot): void;
  snapshot(): Snapshot;
}

/** What is counted of the requests for one operation. */
export interface OperationCounts {
  /** Bytes of content. */
  sent: number;
  received: number;
  /** Answers whose content a proxy was told to send. */
  handedOver: number;
  /**
   * A request has come to its end. `status` is 0 when the client went before there was one. `seconds` since its head came;
   * `complete` when the whole answer was sent.
   */
  ended(method: string, status: number, seconds: number, complete: boolean): void;
}

/** A request on its way through, counted as that of no operation until one is found. */
export interface Exchange {
  readonly metrics: Metrics;
  /** When its head came, in ms of `performance.now`. */
  readonly started: number;
  counts: OperationCounts;
  /** The address of whoever asks. */
  readonly clientOf: (incoming: Incoming) => string;
}

/** In seconds: from what is in memory to a large blob for a slow client. */
const DURATIONS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30, 300];

const DELAYS = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];

/** Beside the API anything may be asked for, and each label is kept for ever. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const OTHER = "other";

/** One more than the highest status. */
const STATUSES = 600;

export function createMetrics(): Metrics {
  const operations = new Map<CountedOperation, CountsOf>();
  const delays = createHistogram(DELAYS);
  const readers: (() => Snapshot)[] = [processValues];
  return {
    of(operation) {
      const known = operations.get(operation);
      if (known) return known;
      const made = new CountsOf(operation);
      operations.set(operation, made);
      return made;
    },
    delays,
    add: (read) => void readers.push(read),
    snapshot() {
      const all = [...operations.values()];
      return Object.assign(
        {},
        ...all.map((counts) => counts.values()),
        bytesOf(all),
        histogramValues("ociregistry_event_loop_delay_seconds", {}, delays),
        ...readers.map((read) => read()),
      );
    },
  };
}

/** A class, because what is counted of each request must cost next to nothing. */
class CountsOf implements OperationCounts {
  sent = 0;
  received = 0;
  handedOver = 0;
  readonly operation: CountedOperation;
  readonly #requests = new Map<string, Float64Array>();
  readonly #durations = createHistogram(DURATIONS);
  #broken = 0;

  constructor(operation: CountedOperation) {
    this.operation = operation;
  }

  ended(method: string, status: number, seconds: number, complete: boolean): void {
    const statuses = this.#requests.get(method) ?? this.#firstOf(method);
    statuses[status] = (statuses[status] ?? 0) + 1;
    this.#durations.observe(seconds);
    if (!complete) this.#broken++;
  }

  #firstOf(method: string): Float64Array {
    const name = METHODS.has(method) ? method : OTHER;
    const statuses = this.#requests.get(name) ?? new Float64Array(STATUSES);
    this.#requests.set(name, statuses);
    return statuses;
  }

  values(): Snapshot {
    const { operation } = this;
    const values: Record<string, number> = {};
    for (const [method, statuses] of this.#requests) {
      for (const [status, count] of statuses.entries()) {
        const code = status === 0 ? "none" : String(status);
        if (count > 0) values[seriesOf("ociregistry_http_requests_total", { operation, method, code })] = count;
      }
    }
    values[seriesOf("ociregistry_http_responses_broken_total", { operation })] = this.#broken;
    return {
      ...values,
      ...histogramValues("ociregistry_http_request_duration_seconds", { operation }, this.#durations),
    };
  }
}

/** What the bytes are that each operation moves; of others only their number counts. */
const CONTENT: Partial<Record<CountedOperation, "blob" | "manifest">> = {
  getBlob: "blob",
  startUpload: "blob",
  appendUpload: "blob",
  commitUpload: "blob",
  getManifest: "manifest",
  putManifest: "manifest",
};

function bytesOf(all: readonly CountsOf[]): Snapshot {
  const values: Record<string, number> = {};
  for (const content of ["blob", "manifest"] as const) {
    const own = all.filter(({ operation }) => CONTENT[operation] === content);
    const total = (of: (counts: CountsOf) => number): number => own.reduce((sum, counts) => sum + of(counts), 0);
    values[seriesOf("ociregistry_sent_bytes_total", { content })] = total(({ sent }) => sent);
    values[seriesOf("ociregistry_received_bytes_total", { content })] = total(({ received }) => received);
  }
  values["ociregistry_handed_over_total"] = all.reduce((sum, { handedOver }) => sum + handedOver, 0);
  return values;
}

function histogramValues(name: FamilyName, labels: Readonly<Record<string, string>>, histogram: Histogram): Snapshot {
  const values: Record<string, number> = {};
  let all = 0;
  for (const [bound, count] of histogram.counts()) {
    const le = Number.isFinite(bound) ? String(bound) : "+Inf";
    values[seriesOf(name, { ...labels, le }, "_bucket")] = count;
    all = count;
  }
  values[seriesOf(name, labels, "_sum")] = histogram.sum;
  values[seriesOf(name, labels, "_count")] = all;
  return values;
}

const STARTED = Date.now() / 1000 - process.uptime();

function processValues(): Snapshot {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    process_cpu_seconds_total: (user + system) / 1e6,
    process_resident_memory_bytes: rss,
    process_start_time_seconds: STARTED,
    ...openDescriptors(),
    nodejs_heap_size_used_bytes: heapUsed,
    nodejs_external_memory_bytes: external,
  };
}

/** Only Linux says it. */
function openDescriptors(): Snapshot {
  try {
    // One of them is the folder that is being read.
    return { process_open_fds: readdirSync("/proc/self/fd").length - 1 };
  } catch {
    return {};
  }
}
