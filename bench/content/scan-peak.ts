import { scan } from "../../registry/store/scan.ts";
import { mebibytesIn } from "../servers/process-tree.ts";

/** What a scan took, printed as JSON. */
export interface ScanPeak {
  readonly milliseconds: number;
  /** The most memory (RSS) that it had, above what the process had before. */
  readonly mebibytes: number;
}

// Usage: scan-peak.js FOLDER. In a process of its own: the kernel remembers the most memory that a process ever had.
const memory = (name: string): number => mebibytesIn("/proc/self/status", name);

const before = memory("VmRSS");
const started = performance.now();
const { archives } = scan(process.argv[2] ?? "");
const milliseconds = performance.now() - started;
if (archives.length !== 1) throw new Error("The archive is not served");
const peak: ScanPeak = { milliseconds, mebibytes: memory("VmHWM") - before };
process.stdout.write(JSON.stringify(peak));
