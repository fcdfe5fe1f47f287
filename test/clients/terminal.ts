import { mkdir, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Cleanup } from "./cleanup.ts";
import { containerdSocket, startContainerd } from "./containerd.ts";
import { startDockerDaemon } from "./dockerd.ts";
import { findProgram } from "./programs.ts";
import { makeScratch } from "./scratch.ts";

/** What npm and Node's test runner tell the programs they start, and what is a user's own and not the page's. */
const NOT_IN_A_TERMINAL = /^(npm_(?!config_).*|INIT_CWD|NODE|NODE_TEST_CONTEXT|DOCKER_CONFIG|REGISTRY_AUTH_FILE)$/;

/** The environment of a terminal whose user has an empty home, `home`, and installs programs with npm below it. */
export function terminal(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !NOT_IN_A_TERMINAL.test(name));
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return {
    // Which registry npm asks, and by which proxy, is a matter of the machine.
    npm_config_userconfig: join(homedir(), ".npmrc"),
    ...Object.fromEntries(kept),
    npm_config_prefix: join(home, "global"),
    HOME: home,
    XDG_CONFIG_HOME: home,
    PATH: [join(home, "bin"), join(home, "global/bin"), ...path].join(delimiter),
  };
}

/**
 * A terminal in which each client works without being told where its daemon or its files are. None of them is shared
 * with the machine.
 */
export async function terminalWithClients(cleanup: Cleanup): Promise<NodeJS.ProcessEnv> {
  const home = await makeScratch(cleanup);
  const dockerFolder = await makeScratch(cleanup);
  const docker = await startDockerDaemon(dockerFolder, "http://localhost:8080", cleanup);
  const containerdFolder = await makeScratch(cleanup);
  await startContainerd(containerdFolder, cleanup);
  await linkPrograms(join(home, "bin"), { crane: findProgram("crane"), docker: docker.client });
  return {
    ...terminal(home),
    ...(await podmanSettings(home)),
    DOCKER_HOST: docker.socket,
    CONTAINERD_ADDRESS: containerdSocket(containerdFolder),
    CONTAINERD_SNAPSHOTTER: "native",
  };
}

/** Not every client is on the search path, and the first docker there may refuse to talk to the daemon. */
async function linkPrograms(folder: string, programs: Record<string, string>): Promise<void> {
  await mkdir(folder);
  for (const [name, program] of Object.entries(programs)) await symlink(program, join(folder, name));
}

/** What the tests with podman say on its command line. */
async function podmanSettings(home: string): Promise<NodeJS.ProcessEnv> {
  const storage = join(home, "storage.conf");
  const containers = join(home, "containers.conf");
  const [root, runroot, tmp] = ["root", "runroot", "tmp"].map((name) => JSON.stringify(join(home, "podman", name)));
  await writeFile(storage, `[storage]\ndriver = "vfs"\ngraphroot = ${root}\nrunroot = ${runroot}\n`);
  const engine = `cgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\ntmp_dir = ${tmp}`;
  await writeFile(containers, `[engine]\n${engine}\n`);
  return { CONTAINERS_STORAGE_CONF: storage, CONTAINERS_CONF: containers };
}
