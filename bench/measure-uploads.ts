import { push } from "./clients.ts";
import { DISTRIBUTION, findDistribution, startDistribution } from "./distribution.ts";
import { onEmpty } from "./on-empty.ts";
import type { Figure, Target } from "./report.ts";
import { compare, type Effort, interleave } from "./rounds.ts";
import { type ServerProcess, startDataRegistry } from "./server-process.ts";

const SIZE = 1024 ** 3;

const DURABLE: Target = { of: "ratio", is: "at least", limit: 1.1 };
/** Distribution always syncs, so this says what the syncs cost and not who is better. */
const UNSYNCED: Target = { of: "ratio", is: "at least", limit: 2 };

interface Upload {
  readonly gigabytesPerSecond: number;
  readonly cpuSecondsPerGigabyte: number;
}

/** One blob of 1 GiB from one client, in one request and in pieces of 64 MiB. */
export async function measureUploads(folder: string, { rounds }: Effort): Promise<Figure[]> {
  await findDistribution();
  const figures: Figure[] = [];
  for (const how of ["put", "patch"] as const) {
    const upload = async (server: ServerProcess): Promise<Upload> => {
      // The code is compiled, and the folders are there.
      await push("blobs", server.origin, how, 64 * 1024 ** 2, 1);
      const before = server.cpuSeconds();
      const { seconds } = await push("blobs", server.origin, how, SIZE, 1);
      const gigabytes = SIZE / 1e9;
      return {
        gigabytesPerSecond: gigabytes / seconds,
        cpuSecondsPerGigabyte: (server.cpuSeconds() - before) / gigabytes,
      };
    };
    const results = await interleave(rounds, {
      distribution: () => onEmpty(folder, startDistribution, upload),
      durable: () => onEmpty(folder, startDataRegistry, upload),
      unsynced: () => onEmpty(folder, (empty) => startDataRegistry(empty, "--no-sync"), upload),
    });
    const what = `${how === "put" ? "PUT" : "PATCH"} of 1 GiB (${DISTRIBUTION})`;
    const speed = ({ gigabytesPerSecond }: Upload): number => gigabytesPerSecond;
    const cost = ({ cpuSecondsPerGigabyte }: Upload): number => cpuSecondsPerGigabyte;
    figures.push(
      { what, unit: "GB/s", ...compare(results.durable, results.distribution, speed), target: DURABLE },
      { what, unit: "CPU s per GB", ...compare(results.durable, results.distribution, cost) },
      {
        what: `${what}, without syncs`,
        unit: "GB/s",
        ...compare(results.unsynced, results.distribution, speed),
        target: UNSYNCED,
      },
    );
  }
  return figures;
}
