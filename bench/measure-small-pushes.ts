import { push } from "./clients.ts";
import { DISTRIBUTION, findDistribution, startDistribution } from "./distribution.ts";
import { onEmpty } from "./on-empty.ts";
import type { Figure, Target } from "./report.ts";
import { compare, type Effort, interleave } from "./rounds.ts";
import { type ServerProcess, startDataRegistry } from "./server-process.ts";

const IMAGES = 1000;
const CLIENTS = 8;

const TARGET: Target = { of: "ratio", is: "at least", limit: 1.5 };

/** Many small images, each in a repository of its own: what counts is what the disk is made to wait for. */
export async function measureSmallPushes(folder: string, { rounds }: Effort): Promise<Figure[]> {
  await findDistribution();
  const imagesPerSecond = async (server: ServerProcess): Promise<number> => {
    const { seconds } = await push("images", server.origin, IMAGES, CLIENTS);
    return IMAGES / seconds;
  };
  const results = await interleave(rounds, {
    distribution: () => onEmpty(folder, startDistribution, imagesPerSecond),
    durable: () => onEmpty(folder, startDataRegistry, imagesPerSecond),
    unsynced: () => onEmpty(folder, (empty) => startDataRegistry(empty, "--no-sync"), imagesPerSecond),
  });
  const what = `${IMAGES} small images from ${CLIENTS} clients (${DISTRIBUTION})`;
  const speed = (value: number): number => value;
  return [
    { what, unit: "images/s", ...compare(results.durable, results.distribution, speed), target: TARGET },
    { what: `${what}, without syncs`, unit: "images/s", ...compare(results.unsynced, results.distribution, speed) },
  ];
}
