import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostProcess, Message } from '../host/host-process.ts';
import { ENGINES } from './shared-folder.ts';
import type { Killable } from './steps.ts';
import { all, get, must, same, type World } from './world.ts';

/** Performs steps on settings, secrets and the list of models. Every host must report the last written values. */
export class SettingsArea {
  readonly #world: World;
  readonly #params = new Map<string, number>();
  readonly #secrets = new Set<string>();
  readonly #listed = new Set<string>();
  #next = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async setParams(host: HostProcess, field: string, value: number): Promise<void> {
    const [scaled, settings] = paramOf(field, value);
    await get(host, 'UPDATE_SETTINGS', { settings });
    this.#params.set(field, scaled);
  }

  /** Saves the keys of several remote engines concurrently, distributed over all hosts. */
  async setSecrets(count: number): Promise<void> {
    const engines = ENGINES.slice(0, count);
    await this.#inAll(engines, (engine) => ['SET_REMOTE_KEY', { engine, key: `key-${this.#next++}` }]);
    for (const engine of engines) this.#secrets.add(engine);
  }

  async setToken(host: HostProcess): Promise<void> {
    await get(host, 'SET_HF_TOKEN', { token: `hf_example${this.#next++}example` });
    this.#secrets.add('token');
  }

  async clearToken(host: HostProcess): Promise<void> {
    await get(host, 'CLEAR_HF_TOKEN');
    this.#secrets.delete('token');
  }

  /** Adds several models to the list concurrently, distributed over all hosts. */
  async addToList(count: number): Promise<void> {
    const ids = Array.from({ length: count }, () => `added/repo-GGUF/model-${this.#next++}.gguf`);
    await this.#inAll(ids, (id) => ['ADD_MODEL_TO_LIST', { model: { id } }]);
    for (const id of ids) this.#listed.add(id);
  }

  killable(host: HostProcess, action: Killable): (() => Promise<void>) | undefined {
    if (action === 'setParams') {
      const value = this.#next++ % 100;
      const [, settings] = paramOf('top_k', value);
      void host.request('UPDATE_SETTINGS', { settings }).catch(() => {});
      return async () => {
        const { params } = await get(this.#world.any(), 'GET_PARAMS');
        const before = this.#params.get('top_k');
        must(
          before === undefined || [value, before].includes(params.top_k),
          'a setting is the old or the new one',
          params,
        );
        this.#params.set('top_k', params.top_k);
      };
    }
    if (action === 'setSecret') {
      void host.request('SET_HF_TOKEN', { token: `hf_example${this.#next++}example` }).catch(() => {});
      return async () => {
        const { saved } = await get(this.#world.any(), 'GET_HF_TOKEN_STATUS');
        must(saved || !this.#secrets.has('token'), 'a token that was saved before is still saved');
        if (saved) this.#secrets.add('token');
      };
    }
    return undefined;
  }

  async check(): Promise<void> {
    for (const host of this.#world.running) {
      const { params } = await get(host, 'GET_PARAMS');
      for (const [field, value] of this.#params) must(params[field] === value, `${field} is ${value}`, params);
      const { saved } = await get(host, 'GET_HF_TOKEN_STATUS');
      must(saved === this.#secrets.has('token'), 'every host reports whether a token is saved', saved);
      const models = await all(host, 'GET_AVAILABLE_MODELS', 'models');
      const ids = models.map(({ modelId }) => modelId).filter((id: string) => id.startsWith('added/'));
      same(ids, [...this.#listed], 'every host lists the added models');
    }
    same(this.#saved(), [...this.#secrets], 'the secrets file contains every saved secret');
  }

  #saved(): string[] {
    try {
      const names = Object.keys(JSON.parse(readFileSync(join(this.#world.home, 'secrets.json'), 'utf8')));
      return names.map((name) => ENGINES.find((engine) => name.includes(engine)) ?? 'token');
    } catch {
      return [];
    }
  }

  async #inAll<T>(items: readonly T[], request: (item: T) => [action: string, fields: Message]): Promise<void> {
    const { running } = this.#world;
    await Promise.all(items.map((item, i) => get(running[i % running.length] as HostProcess, ...request(item))));
  }
}

function paramOf(field: string, value: number): [scaled: number, settings: Message] {
  const scaled = field === 'top_k' ? value : value / 100;
  return [scaled, { [field]: scaled }];
}
