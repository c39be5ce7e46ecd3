import type { HostProcess, Message } from '../host/host-process.ts';
import { filesIn, type HubModel, namingOf } from './shared-folder.ts';
import { get, must, request, same, type World } from './world.ts';

/** `gone`: never downloaded, cancelled, deleted or evicted. */
export type DownloadState = 'gone' | 'downloading' | 'paused' | 'present';

/** A pending DOWNLOAD_MODEL request. */
export interface Waiter {
  readonly slot: number;
  readonly reply: Promise<Message>;
}

/** The expected state of a model. */
export interface Expected {
  readonly model: HubModel;
  state: DownloadState;
  isPinned: boolean;
  /** Whether another program changed its files. */
  isDamaged: boolean;
  /** The hosts that download it, or wait for the host that does. */
  readonly runners: Set<number>;
  waiters: Waiter[];
  /** The host whose process has it loaded, if any. */
  owner: number | undefined;
  /** The hosts that use that copy, the owner among them. */
  readonly loadedIn: Set<number>;
}

/** Checks that the hosts and the disk match the expected state of the models. */
export class ModelChecks {
  readonly #world: World;
  readonly #expected: readonly Expected[];

  constructor(world: World, expected: readonly Expected[]) {
    this.#world = world;
    this.#expected = expected;
  }

  /** Checks what every host reports about the models, and the files on the disk. */
  async all(): Promise<void> {
    for (const expected of this.#expected) await this.download(expected);
    for (const host of this.#world.running) {
      const active = (await get(host, 'GET_ACTIVE_DOWNLOADS')).downloads;
      const listed = this.#expected.filter(({ state }) => state === 'downloading' || state === 'paused');
      same(
        active.map((each: Message) => `${each.modelId} ${each.status}`),
        listed.map(({ model, state }) => `${model.id} ${state}`),
        'GET_ACTIVE_DOWNLOADS lists every download',
      );
      await this.#cache(host);
      await this.#loaded(host);
    }
    this.#disk();
  }

  /** Checks that every host reports the expected state of a download. */
  async download(expected: Expected): Promise<void> {
    for (const host of this.#world.running) {
      const found = await stateOf(host, expected.model);
      must(found === expected.state, `every host reports that ${expected.model.id} is ${expected.state}`, found);
    }
  }

  async #cache(host: HostProcess): Promise<void> {
    const present = this.#expected.filter(({ state }) => state === 'present');
    const stats = await get(host, 'GET_CACHE_STATS');
    same(
      stats.models.map((each: Message) => `${each.id} ${each.pinned} ${each.busy}`),
      present.map(({ model, isPinned, loadedIn }) => `${model.id} ${isPinned} ${loadedIn.size > 0}`),
      'GET_CACHE_STATS lists every model, which are pinned, and which are in use',
    );
    const { models } = await get(host, 'GET_DOWNLOADED_MODELS');
    same(
      models.map((each: Message) => each.modelId),
      present.map(({ model }) => model.id),
      'GET_DOWNLOADED_MODELS lists every model',
    );
  }

  async #loaded(host: HostProcess): Promise<void> {
    const ids = (slot: number) =>
      this.#expected.filter(({ loadedIn }) => loadedIn.has(slot)).map(({ model }) => model.id);
    const running = [0, 1, 2].flatMap((slot) => {
      const each = this.#world.host(slot);
      return each === undefined ? [] : [{ slot, host: each }];
    });
    const own = running.find((each) => each.host === host)?.slot ?? -1;
    const { models } = await get(host, 'GET_LOADED_MODELS');
    same(
      models.map((each: Message) => each.modelId),
      ids(own),
      'GET_LOADED_MODELS lists the models that this host uses',
    );
    const { hosts } = await get(host, 'LIST_HOSTS');
    same(
      hosts.flatMap((each: Message) => each.models.map(({ modelId }: Message) => `${each.pid} ${modelId}`)),
      running.flatMap(({ slot, host: each }) =>
        this.#expected.filter(({ owner }) => owner === slot).map(({ model }) => `${each.pid} ${model.id}`),
      ),
      'LIST_HOSTS lists which host has loaded which model',
    );
  }

  #disk(): void {
    const { home, elsewhere, cacheFolder } = this.#world;
    // A repair that was interrupted leaves the good files of a split model.
    const unfinished = this.#expected.filter(({ state }) => state === 'downloading' || state === 'paused');
    const files = filesIn(cacheFolder).filter(
      (path) => path.startsWith('models/') && !unfinished.some(({ model }) => path.startsWith(`models/${model.repo}/`)),
    );
    const other = cacheFolder === home ? elsewhere : home;
    const behind = filesIn(other).filter((path) => /^(models|partial)\//.test(path));
    must(behind.length === 0, 'the folder that the cache was moved from contains nothing of it', behind);
    const present = this.#expected.filter(({ state }) => state === 'present');
    same(
      files,
      present.flatMap(({ model }) => model.files.map((file) => `models/${model.repo}/${file}`)),
      'the models folder contains only the models',
    );
    for (const { model, state } of this.#expected) {
      if (state === 'downloading' || state === 'paused') continue;
      const [name = ''] = model.repo.split('/').slice(-1);
      const left = filesIn(cacheFolder).filter((path) => path.startsWith('partial/') && path.includes(name));
      must(left.length === 0, `no partial files of ${model.id}, which is ${state}, remain`, left);
    }
  }
}

/** Returns what a host reports about a model: one of {@link DownloadState}, another status, or an error code. */
export async function stateOf(host: HostProcess, model: HubModel): Promise<string> {
  const { status, code, payload } = await request(host, 'GET_DOWNLOAD_STATUS', namingOf(model, 0));
  if (status === 'error') return code === 'DOWNLOAD_NOT_FOUND' ? 'gone' : code;
  if (payload.status === 'cancelled') return 'gone';
  return payload.status === 'completed' ? 'present' : payload.status;
}
