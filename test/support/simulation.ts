import assert from "node:assert/strict";
import { RegistryError } from "../../registry/errors.ts";
import type { Upload } from "../../registry/registry.ts";
import { orElse } from "../../registry/soon.ts";
import { type DataOptions, type DataStore, openDataStore } from "../../registry/store/data/data-store.ts";
import { codeOf } from "../../registry/store/data/disk.ts";
import { chunksOf } from "./images.ts";
import { at, codeOfRefusal, type Effect, effectOf, type Operation, pushOf, run, unusedIn } from "./operations.ts";
import { type Forgetful, type PowerDisk, powerDisk } from "./power-disk.ts";
import { BLOBS, type Blob, keyOf, look, REPOSITORIES, type View } from "./world.ts";

/**
 * What goes wrong, at which storage call of a step. A step of fewer calls ends, and then the process is killed. After a
 * loss of power with the seed 0 nothing is left of what was not synced.
 */
export type Mishap =
  | { readonly kind: "kill"; readonly at: number }
  | { readonly kind: "power"; readonly at: number; readonly seed: number }
  | { readonly kind: "fault"; readonly at: number; readonly code: string; readonly lasting: boolean };

export type Step =
  | {
      readonly step: "operation";
      readonly operation: Operation;
      readonly beside: boolean;
      readonly mishap?: Mishap | undefined;
    }
  | { readonly step: "image"; readonly repository: number; readonly manifest: number; readonly tags: readonly number[] }
  | { readonly step: "start"; readonly repository: number; readonly blob: number }
  | { readonly step: "append"; readonly session: number; readonly bytes: number; readonly mishap?: Mishap | undefined }
  | { readonly step: "commit"; readonly session: number; readonly mishap?: Mishap | undefined }
  | { readonly step: "cancel"; readonly session: number }
  | { readonly step: "head"; readonly repository: number; readonly blob: number }
  | { readonly step: "collect"; readonly mishap?: Mishap | undefined }
  | { readonly step: "reopen"; readonly mishap?: Mishap | undefined }
  | { readonly step: "wait"; readonly seconds: number }
  | { readonly step: "look" };

export interface Figures {
  sequences: number;
  commands: number;
  /** Mishaps that came before the end of their step. */
  fired: number;
  kills: number;
  powerLosses: number;
  faults: number;
}

export const noFigures = (): Figures => ({ sequences: 0, commands: 0, fired: 0, kills: 0, powerLosses: 0, faults: 0 });

export interface SimulationOptions extends Pick<DataOptions, "sync"> {
  readonly forgetful?: Forgetful;
  readonly figures?: Figures;
}

interface Session {
  readonly id: string;
  readonly repository: string;
  readonly blob: Blob;
  size: number;
}

type Value = string | undefined;

const LEASE = 10_000;
const HOUR = 3_600_000;
const NO_EFFECT: Effect = { changes: new Map(), vouched: [] };
const KILLED = new Error("the process is gone");

/**
 * Takes a data store through steps and compares it with a model after each. `view` is what can be seen. A key of `doubts`
 * could turn out to have another value after a loss of power, because what changed it was never acknowledged.
 */
export async function simulate(steps: readonly Step[], options: SimulationOptions = {}): Promise<void> {
  const figures = options.figures ?? noFigures();
  figures.sequences++;
  const simulation = new Simulation(powerDisk(options.forgetful), options, figures);
  try {
    await simulation.open();
    for (const step of steps) await simulation.take(step);
    await simulation.finish();
  } finally {
    simulation.disk.dispose();
  }
}

class Simulation {
  disk: PowerDisk;
  readonly #options: SimulationOptions;
  readonly #figures: Figures;
  #store: DataStore | undefined;
  #view: View = new Map();
  readonly #doubts = new Map<string, Set<Value>>();
  readonly #leases = new Map<string, number>();
  #sessions: Session[] = [];
  /** Later than every file, whose times are those of the real clock. */
  #now = Date.now() + HOUR;

  constructor(disk: PowerDisk, options: SimulationOptions, figures: Figures) {
    this.disk = disk;
    this.#options = options;
    this.#figures = figures;
  }

  get #opened(): DataStore {
    assert.ok(this.#store);
    return this.#store;
  }

  async open(): Promise<void> {
    const { disk } = this;
    this.#leases.clear();
    this.#store = await openDataStore(disk.root, {
      disk,
      now: () => this.#now,
      lock: async () => ({ release: async () => {} }),
      ...(this.#options.sync === undefined ? {} : { sync: this.#options.sync }),
    });
  }

  async take(step: Step): Promise<void> {
    this.#figures.commands++;
    const { registry } = this.#opened;
    switch (step.step) {
      case "operation": {
        const { operation, beside, mishap } = step;
        const act = () => run(registry, operation);
        return this.#attempt(effectOf(operation, this.#view), act, { mishap, beside, uses: usedBy(operation) });
      }
      case "image":
        for (const operation of pushOf(step.repository, step.manifest, step.tags)) {
          await this.take({ step: "operation", operation, beside: false });
        }
        return;
      case "start": {
        const repository = at(REPOSITORIES, step.repository);
        const { id } = await registry.startUpload(repository);
        this.#renew(repository);
        this.#sessions.push({ id, repository, blob: at(BLOBS, step.blob), size: 0 });
        return;
      }
      case "append":
        return this.#withSession(step.session, (session) => this.#append(session, step.bytes, step.mishap));
      case "commit":
        return this.#withSession(step.session, (session) => this.#commit(session, step.mishap));
      case "cancel":
        return this.#withSession(step.session, async (session) => {
          await (await this.#resume(session)).cancel();
          this.#sessions = this.#sessions.filter((each) => each !== session);
        });
      case "head": {
        const repository = at(REPOSITORIES, step.repository);
        const { digest } = at(BLOBS, step.blob);
        const size = await orElse(async () => (await registry.statBlob(repository, digest)).size, codeOfRefusal);
        assert.equal(typeof size === "number", this.#view.has(keyOf.blob(repository, digest)), "HEAD of a blob");
        this.#renew(repository);
        return;
      }
      case "collect":
        return this.#attempt(NO_EFFECT, async () => {}, { mishap: step.mishap, beside: true, uses: [] });
      case "reopen":
        await this.#opened.close();
        this.#store = undefined;
        return this.#attempt(NO_EFFECT, () => this.open(), { mishap: step.mishap, beside: false, uses: [] });
      case "wait":
        this.#now += step.seconds * 1000;
        return;
      case "look":
        return this.#compare(this.#view);
    }
  }

  /** When all is quiet, nothing is left but what can be seen. */
  async finish(): Promise<void> {
    await this.take({ step: "reopen" });
    this.#now += 48 * HOUR;
    for (let time = 0; time < 3; time++) await this.#opened.collect({ grace: 0 });
    const unused = new Set(unusedIn(this.#view));
    const kept = new Map([...this.#view].filter(([key]) => !unused.has(key)));
    await this.#compare(kept);
    for (const folder of ["tmp", "uploads", "trash", "quarantine"]) {
      assert.deepEqual(this.disk.names(`${this.disk.root}/${folder}`), [], `what is left in ${folder}`);
    }
    const stored = this.disk.names(`${this.disk.root}/blobs`).filter((name) => name.split("/").length === 3);
    const seen = [...kept.keys()].filter((key) => key.startsWith("blob ")).map((key) => key.split(":")[1]);
    assert.deepEqual(stored.map((name) => name.split("/")[2]).sort(), [...new Set(seen)].sort(), "the bytes");
    await this.#opened.close();
  }

  async #attempt(
    effect: Effect,
    act: () => Promise<void>,
    { mishap, beside, uses }: { mishap: Mishap | undefined; beside: boolean; uses: readonly number[] },
  ): Promise<void> {
    const before = this.#view;
    const after = changed(before, effect.changes);
    const takeable = beside ? [...unusedIn(before), ...unusedIn(after)].filter((key) => !this.#isLeased(key)) : [];
    const opened = this.#store;
    const fired = this.#arm(mishap);
    const [result, collected] = await Promise.allSettled([act(), beside ? opened?.collect({ grace: 0 }) : undefined]);
    this.disk.trouble = undefined;
    const isOpening = !opened;

    const interrupted = fired() && (result.status === "rejected" || collected.status === "rejected");
    const failed = result.status === "rejected" && !this.#isExpected(result.reason, effect, takeable);
    if (failed && !fired()) throw result.reason;
    if (failed && mishap && opened) assertHonest(result.reason, mishap);
    if (collected.status === "rejected" && !fired()) throw collected.reason;
    if (result.status === "fulfilled") assert.equal(effect.refused, undefined, "it should have been refused");

    const did = result.status === "fulfilled";
    if (did) for (const repository of uses) this.#renew(at(REPOSITORIES, repository));
    const vouched = new Set(did ? effect.vouched : []);
    const allowed = (key: string): Value[] => {
      const old = before.get(key);
      const values: Value[] = !effect.changes.has(key) ? [old] : did ? [] : failed ? [old] : [old];
      if (effect.changes.has(key) && (did || failed)) values.push(effect.changes.get(key));
      if (takeable.includes(key) && !vouched.has(key)) values.push(undefined);
      return values;
    };
    for (const key of vouched) this.#doubts.delete(key);
    if (failed) this.#doubt(effect.changes.keys(), allowed);
    if (interrupted) this.#doubt(takeable, allowed);

    const stopped = mishap?.kind === "kill" || mishap?.kind === "power";
    if (stopped) await this.#succeed(mishap);
    else if (!this.#store) await this.open();
    const lossy = mishap?.kind === "power";
    const isNew = stopped || isOpening;
    if (!mishap && !beside && !isNew) {
      this.#view = did ? after : before;
      return;
    }
    await this.#observe((key) => [...allowed(key), ...(isNew ? (this.#doubts.get(key) ?? []) : [])]);
    if (lossy) this.#doubts.clear();
    if (stopped) await this.#checkSessions(lossy);
  }

  #isExpected(error: unknown, effect: Effect, takeable: readonly string[]): boolean {
    const code = codeOfRefusal(error);
    if (code === undefined) return false;
    // What the collection beside it took may have been what it needs.
    return code === effect.refused || (takeable.length > 0 && /_UNKNOWN$/.test(code));
  }

  #doubt(keys: Iterable<string>, allowed: (key: string) => Value[]): void {
    for (const key of keys) {
      this.#doubts.set(key, new Set([...(this.#doubts.get(key) ?? []), ...allowed(key)]));
    }
  }

  #isLeased(key: string): boolean {
    const used = this.#leases.get(key.split(" ")[1] ?? "");
    return used !== undefined && used >= this.#now - LEASE;
  }

  #renew(repository: string): void {
    this.#leases.set(repository, this.#now);
  }

  /** Gives whether it has happened. */
  #arm(mishap: Mishap | undefined): () => boolean {
    if (!mishap) return () => false;
    const first = this.disk.calls;
    let fired = false;
    this.disk.trouble = (call) => {
      const isNow = call - first === mishap.at;
      const goesOn = fired && (mishap.kind !== "fault" || mishap.lasting);
      if (!isNow && !goesOn) return undefined;
      if (!fired) this.#figures.fired++;
      fired = true;
      return mishap.kind === "fault" ? Object.assign(new Error(mishap.code), { code: mishap.code }) : KILLED;
    };
    if (mishap.kind === "fault") this.#figures.faults++;
    return () => fired;
  }

  /** Another process opens what is left. */
  async #succeed(mishap: Mishap): Promise<void> {
    if (mishap.kind === "power") {
      this.#figures.powerLosses++;
      this.disk = this.disk.crash(mishap.seed === 0 ? () => 0 : randomFrom(mishap.seed));
    } else {
      this.#figures.kills++;
      this.disk = this.disk.kill();
    }
    await this.open();
  }

  async #observe(allowed: (key: string) => Value[]): Promise<void> {
    const view = await look(this.#opened.registry);
    for (const key of new Set([...this.#view.keys(), ...view.keys(), ...this.#doubts.keys()])) {
      const values = allowed(key);
      assert.ok(values.includes(view.get(key)), `${key} is ${view.get(key)}, and should be ${values.join(" or ")}`);
    }
    this.#view = view;
  }

  #compare(expected: View): Promise<void> {
    return this.#observe((key) => [expected.get(key)]);
  }

  async #withSession(index: number, action: (session: Session) => Promise<void>): Promise<void> {
    const session = this.#sessions[index % Math.max(1, this.#sessions.length)];
    if (session) await action(session);
  }

  #resume({ repository, id }: Session): Promise<Upload> {
    return this.#opened.registry.resumeUpload(repository, id);
  }

  async #append(session: Session, bytes: number, mishap: Mishap | undefined): Promise<void> {
    const { blob, size } = session;
    const piece = blob.bytes.subarray(size, size + bytes);
    const act = async () => {
      const upload = await this.#resume(session);
      assert.equal(upload.size, size, "the size of an upload");
      await upload.append({ body: chunksOf(piece), start: size, end: size + piece.length });
      session.size += piece.length;
    };
    await this.#attempt(NO_EFFECT, act, { mishap, beside: false, uses: [] });
    // What an append that failed leaves is for the client to ask.
    if (mishap?.kind === "fault") this.#sessions = this.#sessions.filter((each) => each !== session);
  }

  async #commit(session: Session, mishap: Mishap | undefined): Promise<void> {
    const { blob, repository, size } = session;
    this.#sessions = this.#sessions.filter((each) => each !== session);
    const act = async () => {
      const upload = await this.#resume(session);
      await upload.commit(blob.digest, { body: chunksOf(blob.bytes.subarray(size)), start: size });
    };
    const key = keyOf.blob(repository, blob.digest);
    const effect: Effect = { changes: new Map([[key, "there"]]), vouched: [key] };
    const uses = [REPOSITORIES.indexOf(repository)];
    await this.#attempt(effect, act, { mishap, beside: false, uses });
  }

  /** A killed process leaves what was acknowledged of an upload; a loss of power may leave anything, which must not pass. */
  async #checkSessions(lossy: boolean): Promise<void> {
    if (!lossy) {
      for (const session of this.#sessions) {
        const { size } = await this.#resume(session);
        assert.ok(size >= session.size, `an upload has ${size} bytes, and ${session.size} were acknowledged`);
        session.size = size;
      }
      return;
    }
    const sessions = this.#sessions;
    this.#sessions = [];
    for (const session of sessions) {
      const { blob, repository } = session;
      const upload = await this.#resume(session).catch(() => undefined);
      if (!upload) continue;
      this.#renew(repository);
      const rest = { body: chunksOf(blob.bytes.subarray(upload.size)), start: upload.size };
      const digest = await upload.commit(blob.digest, rest).then((done) => done.digest, codeOfRefusal);
      if (digest === blob.digest)
        this.#view = changed(this.#view, new Map([[keyOf.blob(repository, digest), "there"]]));
      else assert.equal(digest, "DIGEST_INVALID");
    }
  }
}

/** An operation that meets a fault says what it was: for lack of room a refusal, else the error itself. */
function assertHonest(error: unknown, mishap: Mishap): void {
  if (mishap.kind !== "fault") return;
  const expected =
    { ENOSPC: "INSUFFICIENT_STORAGE", EMFILE: "UNAVAILABLE", EROFS: "UNAVAILABLE" }[mishap.code] ?? mishap.code;
  const said = error instanceof RegistryError ? error.code : codeOf(error);
  assert.equal(said, expected, `a refusal for ${mishap.code}: ${error}`);
}

function usedBy(operation: Operation): number[] {
  const uses = operation.do === "push" || operation.do === "mount" || operation.do === "manifest";
  return uses ? [operation.repository] : [];
}

export function changed(view: View, changes: Effect["changes"]): View {
  const next = new Map(view);
  for (const [key, value] of changes) {
    if (value === undefined) next.delete(key);
    else next.set(key, value);
  }
  return next;
}

/** Numbers from 0 to 1, always the same of one seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
