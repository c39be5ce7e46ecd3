import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostProcess, Message } from '../host/host-process.ts';
import { type DownloadState, type Expected, ModelChecks, stateOf } from './model-checks.ts';
import { configure, HUB_MODELS, namingOf } from './shared-folder.ts';
import type { CacheLimit, Control, Damage, Killable } from './steps.ts';
import { eventually, get, must, request, same, send, type World, withReplyTimeout } from './world.ts';

const NOT_FOUND = ['DOWNLOAD_NOT_FOUND', 'MODEL_NOT_DOWNLOADED', 'INVALID_REQUEST'];
const LOAD = { n_gpu_layers: 0, n_ctx: 128, n_threads: 1 };
const ACTIONS = {
  download: 'DOWNLOAD_MODEL',
  pause: 'PAUSE_DOWNLOAD',
  resume: 'RESUME_DOWNLOAD',
  cancel: 'CANCEL_DOWNLOAD',
} as const;

/** The interval at which the downloads of a race are cancelled until all have ended, in milliseconds. */
const CANCEL_INTERVAL_MS = 500;

/** Performs steps on models, and checks the hosts and the disk against the expected state. */
export class ModelArea {
  readonly #world: World;
  readonly #expected: readonly Expected[];
  readonly #checks: ModelChecks;

  constructor(world: World) {
    this.#world = world;
    this.#expected = HUB_MODELS.map((model) => ({
      model,
      state: 'gone',
      isPinned: false,
      isDamaged: false,
      runners: new Set(),
      waiters: [],
      owner: undefined,
      loadedIn: new Set(),
    }));
    this.#checks = new ModelChecks(world, this.#expected);
  }

  /** Updates the expected state after a host was killed or closed. */
  hostEnded(slot: number): void {
    for (const expected of this.#expected) {
      release(expected, slot);
      expected.waiters = expected.waiters.filter((waiter) => waiter.slot !== slot);
      if (!expected.runners.delete(slot)) continue;
      if (expected.state === 'downloading' && expected.runners.size === 0) expected.state = 'paused';
    }
  }

  /** Makes the hub stall or continue. If it continues, the current downloads complete. */
  async setStalls(stalls: boolean): Promise<void> {
    this.#world.stalls = stalls;
    if (stalls) return;
    for (const expected of this.#expected) {
      if (expected.state === 'downloading') await this.#completed(expected);
    }
  }

  /** Requests to download, pause, resume or cancel. */
  async control(slot: number, host: HostProcess, control: Control, at: number, naming: number): Promise<void> {
    const expected = this.#at(at);
    const { model, state } = expected;
    const fields = namingOf(model, naming);
    if (control === 'download') return this.#download(slot, host, expected, fields);
    const reply = await request(host, ACTIONS[control], fields);
    if (state === 'gone') {
      must(NOT_FOUND.includes(reply.code), `${control} of a missing download fails`, reply);
      return;
    }
    must(reply.status === 'success', `${control} of ${model.id}, which is ${state}, succeeds`, reply);
    const next =
      state === 'present' ? 'completed' : { pause: 'paused', cancel: 'cancelled', resume: 'downloading' }[control];
    must(reply.payload.status === next, `${control} of ${model.id}, which is ${state}, replies ${next}`, reply.payload);
    if (state === 'present') return;
    if (control === 'resume') {
      expected.runners.add(slot);
      expected.state = 'downloading';
      if (!this.#world.stalls) await this.#completed(expected);
    } else await this.#stopped(expected, control);
  }

  /** Sends several requests to one host without waiting for replies. The last one determines the state. */
  async burst(slot: number, host: HostProcess, at: number, controls: readonly Control[]): Promise<void> {
    const expected = this.#at(at);
    const { model } = expected;
    if (expected.state === 'present') return;
    const before = expected.state;
    const sent = controls.map((control, i) => ({
      control,
      reply: send(host, ACTIONS[control], namingOf(model, control === 'resume' ? i % 2 : i)),
    }));
    if (!this.#world.stalls) {
      const replies = await allReplies(sent);
      const last = controls.at(-1);
      const allowed: DownloadState[] =
        last === 'download' ? ['present'] : last === 'cancel' ? ['present', 'gone'] : ['present', 'gone', 'paused'];
      const isCompleting = last === 'resume' && replies.at(-1)?.status === 'success';
      await eventually(() => this.#observe(expected, isCompleting ? ['present'] : allowed));
      return;
    }
    let state = before;
    let stoppedAt = -1;
    for (const [i, control] of controls.entries()) {
      if (control === 'download' || (control === 'resume' && state === 'paused')) state = 'downloading';
      if (control === 'pause' && state === 'downloading') state = 'paused';
      if (control === 'cancel') state = 'gone';
      if (state !== 'downloading') stoppedAt = i;
    }
    const isAnswered = ({ control }: (typeof sent)[number], i: number) => control !== 'download' || i <= stoppedAt;
    await allReplies(sent.filter(isAnswered));
    if (stoppedAt >= 0) {
      await allReplies(expected.waiters);
      expected.waiters = [];
      expected.runners.clear();
    }
    for (const [i, item] of sent.entries())
      if (!isAnswered(item, i)) expected.waiters.push({ slot, reply: item.reply });
    if (
      state === 'downloading' &&
      controls.slice(stoppedAt + 1).some((each) => each === 'download' || each === 'resume')
    )
      expected.runners.add(slot);
    expected.state = state;
    if (state === 'downloading') await eventually(() => this.#checks.download(expected));
  }

  /**
   * Sends requests to several hosts concurrently. They must agree on an outcome, which must be that of one of the
   * requests.
   */
  async race(at: number, controls: readonly Control[]): Promise<void> {
    const expected = this.#at(at);
    if (expected.state === 'present') return;
    const { running, stalls } = this.#world;
    const sent = controls.map((control, i) => {
      const host = running[i % running.length] as HostProcess;
      return { control, reply: send(host, ACTIONS[control], namingOf(expected.model, i % 2)) };
    });
    await allReplies(sent.filter(({ control }) => control !== 'download'));
    const ended = allReplies([...sent, ...expected.waiters]);
    // Ends the remaining downloads. A host may start its download only after another one received the request to cancel
    // it.
    while (stalls && !(await Promise.race([ended.then(() => true), delay(CANCEL_INTERVAL_MS).then(() => false)]))) {
      await request(this.#world.any(), 'CANCEL_DOWNLOAD', namingOf(expected.model, 0));
    }
    await ended;
    expected.waiters = [];
    expected.runners.clear();
    // A download that was resumed behind the cancellations runs although no request waits for it.
    if (stalls && controls.includes('resume')) {
      await request(this.#world.any(), 'CANCEL_DOWNLOAD', namingOf(expected.model, 0));
    }
    // A pause that comes behind the cancellations ends the downloads, too.
    const ends: DownloadState[] = controls.includes('pause') ? ['gone', 'paused'] : ['gone'];
    await eventually(() => this.#observe(expected, stalls ? ends : ['gone', 'paused', 'present']));
  }

  async delete(host: HostProcess, at: number): Promise<void> {
    const expected = this.#at(at);
    const reply = await request(host, 'DELETE_MODEL', namingOf(expected.model, 0));
    const isBusy = expected.loadedIn.size > 0 || expected.state === 'downloading';
    const code = isBusy ? 'MODEL_IN_USE' : expected.state === 'gone' ? 'MODEL_NOT_DOWNLOADED' : undefined;
    must(reply.code === code, `DELETE_MODEL of ${this.#describe(expected)} replies ${code ?? 'success'}`, reply);
    if (code === undefined) gone(expected);
  }

  async prune(host: HostProcess, partials: boolean): Promise<void> {
    const fields = { dryRun: false, maxBytes: 0, ...(partials ? { partialDays: 0 } : {}) };
    await get(host, 'PRUNE_CACHE', fields);
    for (const expected of this.#expected) {
      if (isPrunable(expected)) gone(expected);
      // A paused download without any bytes has nothing to prune, and remains paused.
      else if (partials && expected.state === 'paused') await this.#observe(expected, ['gone', 'paused']);
    }
  }

  async pin(host: HostProcess, at: number, isPinned: boolean): Promise<void> {
    const expected = this.#at(at);
    const reply = await request(host, isPinned ? 'PIN_MODEL' : 'UNPIN_MODEL', namingOf(expected.model, 1));
    if (isPinned && expected.state !== 'present') {
      must(reply.code === 'MODEL_NOT_DOWNLOADED', `PIN_MODEL of ${this.#describe(expected)} fails`, reply);
      return;
    }
    if (reply.status === 'success') expected.isPinned = isPinned;
    else
      must(expected.state !== 'present', `${isPinned ? 'PIN' : 'UNPIN'}_MODEL of ${expected.model.id} succeeds`, reply);
  }

  async verify(host: HostProcess, at: number, action: 'VERIFY_MODEL' | 'REPAIR_MODEL'): Promise<void> {
    const expected = this.#at(at);
    if (action === 'REPAIR_MODEL' && (expected.state !== 'present' || this.#isUnrepairable(expected))) return;
    const reply = await request(host, action, namingOf(expected.model, at));
    if (action === 'REPAIR_MODEL' && expected.loadedIn.size > 0) {
      must(reply.code === 'MODEL_IN_USE', `REPAIR_MODEL of ${this.#describe(expected)} fails`, reply);
      return;
    }
    const isGood = reply.status === 'success' && reply.payload.models[0]?.state === 'good';
    if (action === 'REPAIR_MODEL') expected.isDamaged = false;
    const wanted = expected.state === 'present' && !expected.isDamaged;
    must(isGood === wanted, `${action} of ${this.#describe(expected)} has the right result`, reply);
  }

  /** Another program changes, truncates or removes a file of a model. */
  async damage(at: number, damage: Damage): Promise<void> {
    const expected = this.#at(at);
    const { model, state, loadedIn } = expected;
    const isSplit = model.files.length > 1;
    if (state !== 'present' || loadedIn.size > 0 || (damage === 'remove' && isSplit)) return;
    const path = join(this.#world.cacheFolder, 'models', model.repo, model.files.at(-1) ?? '');
    if (damage === 'remove') {
      rmSync(path);
      become(expected, 'gone');
      return;
    }
    const content = readFileSync(path);
    const middle = content.length >> 1;
    if (damage === 'truncate') truncateSync(path, middle);
    else writeFileSync(path, content.fill((content[middle] ?? 0) ^ 1, middle, middle + 1));
    expected.isDamaged = true;
  }

  /** A download within a size limit of the cache: models that nobody uses or has pinned make space for it. */
  async evict(host: HostProcess, at: number, limit: CacheLimit): Promise<void> {
    const expected = this.#at(at);
    const isIdle = this.#expected.every(({ state }) => state === 'gone' || state === 'present');
    if (this.#world.stalls || !isIdle || expected.state === 'present') return;
    const others = this.#expected.filter((each) => each !== expected);
    const fixed = others.filter((each) => each.state === 'present' && !isPrunable(each));
    const { size } = expected.model;
    const most = sizeOf([expected, ...others]);
    const bytes = { tooSmall: size - 1, oneModel: size, twoModels: most - size, allModels: most }[limit];
    const fits = sizeOf(fixed) + size <= bytes;
    configure(this.#world.home, bytes);
    try {
      const reply = await request(host, 'DOWNLOAD_MODEL', namingOf(expected.model, 0));
      const code = fits ? undefined : 'CACHE_LIMIT';
      must(reply.code === code, `a download with ${limit} replies ${code ?? 'success'}`, reply);
      if (fits) become(expected, 'present');
      else await request(host, 'CANCEL_DOWNLOAD', namingOf(expected.model, 0));
      for (const each of others) {
        if (each.state === 'present' && !fixed.includes(each))
          await this.#observe(each, fits ? ['present', 'gone'] : ['present']);
      }
      const stats = await get(host, 'GET_CACHE_STATS');
      must(!fits || stats.totalBytes <= bytes, 'a download keeps the cache within its limit', stats);
    } finally {
      configure(this.#world.home);
    }
  }

  /** Moves the cache while hosts use it, which is refused. */
  async moveUsedCache(): Promise<void> {
    for (const host of this.#world.running) await get(host, 'GET_CACHE_STATS');
    const before = this.#world.cacheFolder;
    const code = await this.#world.moveCache();
    must(code !== 0 && this.#world.cacheFolder === before, 'a cache that hosts use is not moved', code);
  }

  /** Moves the cache while no host runs. If the command is killed, the cache is in one of the two folders. */
  async moveCache(killAfterMs: number | undefined): Promise<void> {
    const before = this.#world.cacheFolder;
    const code = await this.#world.moveCache(killAfterMs);
    if (killAfterMs !== undefined) return;
    must(code === 0 && this.#world.cacheFolder !== before, 'a cache that nobody uses is moved', code);
  }

  async cancelVerify(host: HostProcess, at: number): Promise<void> {
    const { model, state } = this.#at(at);
    if (state !== 'present') return;
    const verification = request(host, 'VERIFY_MODEL', namingOf(model, 2));
    const { cancelled } = await get(host, 'CANCEL_VERIFY', namingOf(model, at));
    const reply = await verification;
    must(
      cancelled === 1 ? reply.code === 'CANCELLED' : reply.status === 'success',
      `a verification ends as CANCEL_VERIFY reports (${cancelled})`,
      reply,
    );
  }

  async load(slot: number, host: HostProcess, at: number): Promise<void> {
    const expected = this.#at(at);
    if (!this.#canLoad(expected)) return;
    await get(host, 'LOAD_MODEL', { ...namingOf(expected.model, 0), settings: LOAD });
    become(expected, 'present');
    expected.runners.clear();
    // A model that another host has loaded is used there.
    expected.owner ??= slot;
    expected.loadedIn.add(slot);
  }

  async unload(host: HostProcess, at: number): Promise<void> {
    const expected = this.#at(at);
    const reply = await request(host, 'UNLOAD_MODEL', namingOf(expected.model, at));
    const isLoaded = expected.owner !== undefined;
    // A model that another host has loaded is unloaded there.
    if (isLoaded) release(expected, expected.owner);
    must(
      isLoaded ? reply.payload?.wasLoaded === true : reply.code === 'MODEL_NOT_LOADED',
      `UNLOAD_MODEL of a model that ${isLoaded ? 'is' : 'is not'} loaded`,
      reply,
    );
  }

  async loadAndUnload(host: HostProcess, at: number): Promise<void> {
    const expected = this.#at(at);
    if (!this.#canLoad(expected) || expected.owner !== undefined) return;
    const load = request(host, 'LOAD_MODEL', { ...namingOf(expected.model, at), settings: LOAD });
    const unload = await request(host, 'UNLOAD_MODEL', namingOf(expected.model, 0));
    const reply = await load;
    must(['CANCELLED', undefined].includes(reply.code), 'LOAD_MODEL is cancelled or succeeds', reply);
    must(unload.status === 'success', 'UNLOAD_MODEL directly after LOAD_MODEL succeeds', unload);
    if (expected.state !== 'present') await eventually(() => this.#observe(expected, ['gone', 'paused', 'present']));
  }

  async unloadAll(slot: number, host: HostProcess): Promise<void> {
    const loaded = this.#expected.filter(({ loadedIn }) => loadedIn.has(slot));
    for (const expected of loaded) release(expected, slot);
    const { unloadedModels } = await get(host, 'UNLOAD_ALL_MODELS');
    same(
      unloadedModels,
      loaded.map(({ model }) => model.id),
      'UNLOAD_ALL_MODELS unloads every model',
    );
  }

  async generate(slot: number, host: HostProcess, at: number, stops: boolean): Promise<void> {
    const expected = this.#at(at);
    const generation = request(host, 'GENERATE', {
      modelId: expected.model.id,
      messages: [{ role: 'user', content: 'once upon' }],
      settings: { max_new_tokens: stops ? 100_000 : 4 },
    });
    const stopped = stops ? await get(host, 'STOP_GENERATION', { modelId: expected.model.id }) : undefined;
    const reply = await generation;
    if (!expected.loadedIn.has(slot)) {
      must(reply.code === 'MODEL_NOT_LOADED', 'GENERATE with a model that is not loaded fails', reply);
      return;
    }
    must(reply.status === 'success', `GENERATE with ${expected.model.id} succeeds`, reply);
    if (stopped === undefined) return;
    must(stopped.stopped === 1, 'STOP_GENERATION directly after GENERATE stops it', stopped);
    must(reply.payload.finishReason === 'stopped', 'a stopped generation reports that it was stopped', reply.payload);
  }

  /**
   * Starts a request during which its host is killed. Returns a function that updates the expected state afterwards;
   * undefined if the request is not possible.
   */
  killable(slot: number, host: HostProcess, action: Killable, at: number): (() => Promise<void>) | undefined {
    const expected = this.#at(at);
    const { model, state } = expected;
    const start = (name: string, fields: Message) => void host.request(name, fields).catch(() => {});
    switch (action) {
      case 'download': {
        if (this.#world.stalls) return undefined;
        start('DOWNLOAD_MODEL', namingOf(model, 0));
        return () => this.#observe(expected, state === 'present' ? ['present'] : ['gone', 'paused', 'present']);
      }
      case 'delete': {
        if (state !== 'present' || expected.loadedIn.size > 0) return undefined;
        start('DELETE_MODEL', namingOf(model, 0));
        return () => this.#observe(expected, ['present', 'gone']);
      }
      case 'load': {
        if (!this.#canLoad(expected)) return undefined;
        start('LOAD_MODEL', { ...namingOf(model, 0), settings: LOAD });
        return () => this.#observe(expected, state === 'present' ? ['present'] : ['gone', 'paused', 'present']);
      }
      case 'verify':
        start('VERIFY_MODEL', {});
        return async () => {};
      case 'repair': {
        if (this.#world.stalls || state !== 'present' || expected.loadedIn.size > 0) return undefined;
        start('REPAIR_MODEL', namingOf(model, 0));
        return async () => {
          await this.#observe(expected, ['present', 'paused']);
          if (expected.state !== 'present') return;
          const reply = await request(this.#world.any(), 'VERIFY_MODEL', namingOf(model, 0));
          const isGood = reply.payload?.models[0]?.state === 'good';
          must(isGood || expected.isDamaged, `a repair does not damage ${model.id}`, reply);
          expected.isDamaged = !isGood;
        };
      }
      case 'prune': {
        const prunable = this.#expected.filter((each) => isPrunable(each) && !each.loadedIn.has(slot));
        start('PRUNE_CACHE', { dryRun: false, maxBytes: 0 });
        return async () => {
          for (const each of prunable) await this.#observe(each, ['present', 'gone']);
        };
      }
      case 'pin': {
        if (state !== 'present') return undefined;
        start(expected.isPinned ? 'UNPIN_MODEL' : 'PIN_MODEL', namingOf(model, 0));
        return async () => {
          const { models } = await get(this.#world.any(), 'GET_CACHE_STATS');
          expected.isPinned = models.find(({ id }: Message) => id === model.id)?.pinned;
        };
      }
      default:
        return undefined;
    }
  }

  /** Checks the hosts and the disk. */
  check(): Promise<void> {
    return this.#checks.all();
  }

  async #download(slot: number, host: HostProcess, expected: Expected, fields: Message): Promise<void> {
    const reply = send(host, 'DOWNLOAD_MODEL', fields);
    if (this.#world.stalls && expected.state !== 'present') {
      expected.state = 'downloading';
      expected.runners.add(slot);
      expected.waiters.push({ slot, reply });
      await eventually(() => this.#checks.download(expected));
      return;
    }
    const { status, message } = await withReplyTimeout(reply, `the download of ${expected.model.id}`);
    must(status === 'success', `DOWNLOAD_MODEL of ${expected.model.id} succeeds`, message);
    become(expected, 'present');
    expected.runners.clear();
  }

  async #completed(expected: Expected): Promise<void> {
    for (const { status, ...rest } of await allReplies(expected.waiters)) {
      must(status === 'success', `the download of ${expected.model.id} succeeds`, rest);
    }
    expected.waiters = [];
    expected.runners.clear();
    become(expected, 'present');
    await eventually(() => this.#checks.download(expected));
  }

  async #stopped(expected: Expected, control: 'pause' | 'cancel'): Promise<void> {
    const code = control === 'pause' ? 'DOWNLOAD_PAUSED' : 'DOWNLOAD_CANCELLED';
    for (const found of await allReplies(expected.waiters)) {
      must(found.code === code, `a request for a download that was stopped replies ${code}`, found);
    }
    expected.waiters = [];
    expected.runners.clear();
    expected.state = control === 'pause' ? 'paused' : 'gone';
  }

  /** Updates the expected state to what a host reports, which must be one of the possible states. */
  async #observe(expected: Expected, allowed: readonly DownloadState[]): Promise<void> {
    const found = await stateOf(this.#world.any(), expected.model);
    const isAllowed = allowed.some((state) => state === found);
    must(isAllowed, `${expected.model.id} is ${allowed.join(' or ')}`, found);
    become(expected, found as DownloadState);
    if (found === 'gone') gone(expected);
  }

  /** A repair downloads from the hub. */
  #isUnrepairable({ isDamaged }: Expected): boolean {
    return isDamaged && this.#world.stalls;
  }

  #canLoad({ model, state, isDamaged }: Expected): boolean {
    return model.isLoadable && !isDamaged && (state === 'present' || (!this.#world.stalls && state !== 'downloading'));
  }

  #at(at: number): Expected {
    return this.#expected[at] as Expected;
  }

  #describe({ model, state, loadedIn }: Expected): string {
    return `${model.id}, which is ${state}${loadedIn.size > 0 ? ' and loaded' : ''},`;
  }
}

/** Updates the expected state after a host ended its use of a model: the copy of the host that loaded it is gone then. */
function release(expected: Expected, slot: number | undefined): void {
  if (slot === undefined) return;
  expected.loadedIn.delete(slot);
  if (expected.owner !== slot) return;
  expected.owner = undefined;
  expected.loadedIn.clear();
}

/** Files that have just been downloaded are not damaged. */
function become(expected: Expected, state: DownloadState): void {
  if (expected.state !== 'present' || state !== 'present') expected.isDamaged = false;
  expected.state = state;
}

function gone(expected: Expected): void {
  become(expected, 'gone');
  expected.isPinned = false;
}

function sizeOf(models: readonly Expected[]): number {
  return models.reduce((sum, { model }) => sum + model.size, 0);
}

function isPrunable({ state, isPinned, loadedIn }: Expected): boolean {
  return state === 'present' && !isPinned && loadedIn.size === 0;
}

function allReplies(requests: readonly { readonly reply: Promise<Message> }[]): Promise<Message[]> {
  return Promise.all(requests.map(({ reply }) => withReplyTimeout(reply, 'a request for a download')));
}
