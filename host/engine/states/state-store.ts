import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { link, lstat, mkdir, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { atomicWrite } from '../../common/atomic-write.ts';
import { diskSpace } from '../../common/disk-space.ts';
import type { Logger } from '../../common/log.ts';
import { sum } from '../../common/sum.ts';
import type { LoadSettings, StateFolder } from '../ipc.ts';
import { belongsTo, digest, STATE_NAME } from './state-name.ts';

/** Folder that contains the folders of running runners. */
const OPEN = 'open';

/** File in each model's folder that says which files the states belong to. */
const MODEL_FILE = 'model.json';

/** Most states of one model, so that looking for the longest beginning takes little time. */
const MAX_STATES_PER_MODEL = 200;

/** Largest share of the disk space that would be free without states, so that a small disk is not filled. */
const MAX_SHARE = 0.5;

/** What a runner may write beyond the limit and what its sequences hold before it is ended, bytes. */
const EXCESS_BYTES = 2 ** 30;

/**
 * Settings of a load that do not change a state. The number of sequences does: llama.cpp refuses states that were saved
 * beside another number.
 */
const WITHOUT_EFFECT: readonly string[] = [
  'threads',
  'useMmap',
  'useMlock',
  'force',
  'batchSize',
  'chatTemplate',
  'draft',
];

/** A file of a model with what changes when it is replaced. */
interface ModelFile {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** The folder of a runner that has a model. */
interface OpenFolder {
  /** The folder of the model's states. */
  readonly model: string;
  /** What all sequences of the runner can hold, bytes: it may save them at once, before older states are deleted. */
  readonly sequencesBytes: number;
  /** The states in the folder at the last update. */
  names: Set<string>;
}

interface StateFile {
  readonly path: string;
  readonly bytes: number;
  readonly usedMs: number;
}

/**
 * Evaluated prompts on the disk, so that they need not be evaluated again after an unload or a restart.
 *
 * Each model has a folder for its states. A runner sees only its own folder, which contains hard links to the states of
 * its model and into which it writes new ones: whatever a model's file makes it do, it cannot reach the states of other
 * models. The runner checks each file before llama.cpp reads it (`state-file.ts`).
 */
export class StateStore {
  readonly #folder: string;
  readonly #limitBytes: number;
  readonly #log: Logger;
  /** The folders of this host's runners. */
  readonly #open = new Map<string, OpenFolder | undefined>();
  #swept: Promise<void> | undefined;

  /** @param options.limitBytes Most disk space; 0 keeps nothing. */
  constructor(options: { folder: string; limitBytes: number; log: Logger }) {
    this.#folder = options.folder;
    this.#limitBytes = options.limitBytes;
    this.#log = options.log;
  }

  /** Creates the folder of a runner that is about to start; undefined if nothing can be kept. */
  openFolder(): string | undefined {
    if (this.#limitBytes === 0) return undefined;
    const folder = join(this.#folder, OPEN, `${process.pid}-${randomUUID()}`);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      this.#log.warn('states.unusable', { error });
      return undefined;
    }
    this.#open.set(folder, undefined);
    this.#swept ??= this.sweep();
    return folder;
  }

  /**
   * Links the states of a model into a runner's folder.
   *
   * @param model.files The files of the model.
   * @param model.sequenceBytes What a sequence with a full context takes.
   * @throws the error of the file system.
   */
  async fill(
    folder: string,
    { files, sequenceBytes }: { readonly files: readonly string[]; readonly sequenceBytes: number },
    settings: LoadSettings,
  ): Promise<StateFolder> {
    const model = await Promise.all(files.map(modelFile));
    const chosen = Object.entries(settings)
      .filter(([name]) => !WITHOUT_EFFECT.includes(name))
      .sort(([a], [b]) => a.localeCompare(b));
    const key = digest(JSON.stringify([model, chosen])).slice(0, 32);
    const from = join(this.#folder, key);
    await mkdir(from, { recursive: true, mode: 0o700 });
    await atomicWrite(join(from, MODEL_FILE), JSON.stringify(model));
    const states = await statesIn(from);
    const linked = states.slice(0, MAX_STATES_PER_MODEL);
    for (const { path } of linked) await link(path, join(folder, basename(path)));
    for (const { path } of states.slice(MAX_STATES_PER_MODEL)) await remove(path);
    const names = new Set(linked.map(({ path }) => basename(path)));
    this.#open.set(folder, { model: from, sequencesBytes: sequenceBytes * (settings.sequences ?? 1), names });
    // A longer state would be deleted at once, and all others with it.
    const maxTokens = Math.floor((this.#limitBytes * settings.contextSize) / Math.max(1, sequenceBytes));
    return { folder, key, maxTokens };
  }

  /** Takes over the states that a runner has written or removed, and deletes the least recently used ones over the limit. */
  async update(folder: string): Promise<void> {
    const open = this.#open.get(folder);
    if (open === undefined) return;
    const written = await statesIn(folder);
    const names = new Set(written.map(({ path }) => basename(path)));
    for (const { path } of written) await link(path, join(open.model, basename(path))).catch(ignoreExisting);
    for (const name of open.names) if (!names.has(name)) await remove(join(open.model, name));
    open.names = names;
    await this.#enforceLimit();
  }

  /** Returns whether a runner's folder contains more than the runner can have saved before the last update. */
  async exceeds(folder: string): Promise<boolean> {
    const names = await readdir(folder).catch(() => []);
    const sizes = await Promise.all(
      names.map((name) =>
        lstat(join(folder, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    const { sequencesBytes = 0 } = this.#open.get(folder) ?? {};
    return sum(sizes) > this.#limitBytes + sequencesBytes + EXCESS_BYTES;
  }

  /** Removes the folder of a runner that has exited. {@link update} comes before, if its last states are wanted. */
  async close(folder: string): Promise<void> {
    this.#open.delete(folder);
    await rm(folder, { recursive: true, force: true });
  }

  /** Removes the states of a conversation, and those without one. */
  async forget(conversation: string): Promise<void> {
    const folders = [...(await this.#modelFolders()), ...(await this.#runnerFolders())];
    for (const folder of folders) {
      for (const name of await readdir(folder).catch(() => [])) {
        const owner = STATE_NAME.exec(name)?.groups?.owner;
        if (owner !== undefined && belongsTo(owner, conversation)) await remove(join(folder, name));
      }
    }
  }

  /** Removes the states of models whose files were deleted or changed, and folders of runners whose host is gone. */
  async sweep(): Promise<void> {
    for (const folder of await this.#modelFolders()) {
      if (!(await isCurrent(folder))) await rm(folder, { recursive: true, force: true });
    }
    for (const folder of await this.#runnerFolders()) {
      if (!isRunning(Number.parseInt(basename(folder), 10))) await rm(folder, { recursive: true, force: true });
    }
  }

  async #enforceLimit(): Promise<void> {
    const all = (await Promise.all((await this.#modelFolders()).map(statesIn))).flat();
    let bytes = sum(all.map((state) => state.bytes));
    const space = await diskSpace(this.#folder);
    const limit = Math.min(this.#limitBytes, ((space?.available ?? Number.POSITIVE_INFINITY) + bytes) * MAX_SHARE);
    for (const state of all.sort((a, b) => a.usedMs - b.usedMs)) {
      if (bytes <= limit) return;
      bytes -= state.bytes;
      await remove(state.path);
      // The space is free once no runner has it linked either.
      for (const folder of this.#open.keys()) await remove(join(folder, basename(state.path)));
    }
  }

  async #modelFolders(): Promise<string[]> {
    const entries = await readdir(this.#folder, { withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isDirectory() && entry.name !== OPEN)
      .map(({ name }) => join(this.#folder, name));
  }

  async #runnerFolders(): Promise<string[]> {
    const open = join(this.#folder, OPEN);
    return (await readdir(open).catch(() => [])).map((name) => join(open, name));
  }
}

/** Returns the state files in a folder, the last used first, without symbolic links, which a runner could create. */
async function statesIn(folder: string): Promise<StateFile[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => STATE_NAME.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const info = await lstat(path).catch(() => undefined);
      return info?.isFile() === true ? [{ path, bytes: info.size, usedMs: info.mtimeMs }] : [];
    }),
  );
  return found.flat().sort((a, b) => b.usedMs - a.usedMs);
}

async function modelFile(path: string): Promise<ModelFile> {
  const { size, mtimeMs } = await stat(path);
  return { path, size, mtimeMs };
}

async function isCurrent(folder: string): Promise<boolean> {
  try {
    const recorded = JSON.parse(await readFile(join(folder, MODEL_FILE), 'utf8')) as ModelFile[];
    const now = await Promise.all(recorded.map(({ path }) => modelFile(path)));
    return JSON.stringify(now) === JSON.stringify(recorded);
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
