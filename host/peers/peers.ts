import { defined } from '../common/defined.ts';
import { HostError } from '../common/errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { Logger } from '../common/log.ts';
import { VERSION } from '../common/version.ts';
import type { LoadedModel } from '../models/model-engine.ts';
import type { Announcement, PeerAccess } from '../presence/announcement.ts';
import { runningHosts } from '../presence/other-hosts.ts';
import type { PresencePaths } from '../presence/presence.ts';
import type { PayloadOf } from '../protocol/messages.ts';
import { acquireLoadLock, type LoadLock } from './load-lock.ts';
import { PeerConnection } from './peer-connection.ts';
import { PeerModel, peerEnded } from './peer-model.ts';

function serverEnded(): HostError {
  return new HostError('ABORTED', 'The server ended before it had loaded the model.');
}

/** The models that the other hosts of this user have loaded. */
export class Peers {
  readonly #paths: PresencePaths;
  readonly #log: Logger;
  /** Returns the address of this host's own server; undefined while it has none. */
  readonly #own: () => Promise<PeerAccess | undefined>;
  readonly #timeoutMs: number;

  /** @param options.timeoutMs Time limit for waiting while another host loads a model, in milliseconds. */
  constructor(options: {
    paths: PresencePaths;
    own: () => Promise<PeerAccess | undefined>;
    timeoutMs: number;
    log: Logger;
  }) {
    this.#paths = options.paths;
    this.#own = options.own;
    this.#timeoutMs = options.timeoutMs;
    this.#log = options.log;
  }

  /** Returns the ids of the models that other hosts have loaded. */
  async modelIds(): Promise<string[]> {
    const others = await this.#others();
    return [...new Set(others.flatMap(({ models }) => models.map(({ model_id }) => model_id)))];
  }

  /**
   * Connects to a host that has loaded a model. Returns undefined if there is none or none can be reached.
   *
   * @param isWanted Returns whether a loaded copy is suitable.
   */
  async find(id: string, isWanted: (model: PeerModel) => boolean = () => true): Promise<PeerModel | undefined> {
    for (const host of await this.#others()) {
      if (!host.models.some(({ model_id }) => model_id === id)) continue;
      const found = await this.#connect(host, id);
      if (found === undefined) continue;
      if (isWanted(found)) return found;
      await found.unload();
    }
    return undefined;
  }

  /**
   * Loads a model in a host that keeps running: `tabagent serve`.
   *
   * @param fields The fields of a `LOAD_MODEL` request.
   * @returns The payload of the reply.
   * @throws HostError `NO_SERVER` if there is no such host; the errors of `LOAD_MODEL`.
   */
  async loadInServer(
    fields: JsonObject,
    options: { signal: AbortSignal; onEvent: (payload: unknown) => void },
  ): Promise<PayloadOf<'LOAD_MODEL'>> {
    for (const { access, pid, program, stays } of await this.#others()) {
      if (stays !== true || access === undefined) continue;
      const opened = await PeerConnection.open(access, { load: true }, serverEnded).catch((error: unknown) => {
        this.#log.warn('peers.unreachable', { pid, error });
        return undefined;
      });
      if (opened === undefined) continue;
      const { connection, answer } = opened;
      if (answer.load !== true) {
        connection.close();
        continue;
      }
      try {
        const payload = await connection.request<PayloadOf<'LOAD_MODEL'>>('LOAD', { request: fields }, options);
        return { ...payload, host: payload.host ?? { pid, ...defined({ program }) } };
      } finally {
        connection.close();
      }
    }
    throw new HostError('NO_SERVER', 'No host that could keep the model loaded is running. Start one: tabagent serve');
  }

  /** Acquires the lock for loading a model; see {@link acquireLoadLock}. */
  acquireLoadLock(id: string, signal: AbortSignal): Promise<LoadLock> {
    return acquireLoadLock(this.#paths, id, { signal, timeoutMs: this.#timeoutMs });
  }

  /** Stops the generations of one model, or of all models, in other hosts. Returns their number. */
  async stopGenerations(id: string | undefined): Promise<number> {
    let stopped = 0;
    for (const host of await this.#others()) {
      for (const { model_id } of host.models) {
        if (id !== undefined && model_id !== id) continue;
        const found = await this.#connect(host, model_id);
        if (found === undefined) continue;
        stopped += await found.stopAll();
        await found.unload();
      }
    }
    return stopped;
  }

  async #others(): Promise<Announcement[]> {
    const [hosts, own] = await Promise.all([runningHosts(this.#paths), this.#own()]);
    // The messages between hosts can differ between versions.
    return hosts.filter(
      ({ version, access }) => version === VERSION && access !== undefined && access.address !== own?.address,
    );
  }

  async #connect({ access, pid, program }: Announcement, id: string): Promise<PeerModel | undefined> {
    if (access === undefined) return undefined;
    try {
      const { connection, answer } = await PeerConnection.open(access, { modelId: id }, () => peerEnded(id));
      const { model, settings } = answer;
      if (model !== undefined) {
        // The cast is safe: the host has proven that it knows the secret, and it has the same version.
        const info = { ...(model as unknown as LoadedModel), host: { pid, ...defined({ program }) } };
        return new PeerModel(info, settings as JsonObject, connection);
      }
      connection.close();
    } catch (error) {
      this.#log.warn('peers.unreachable', { pid, error });
    }
    return undefined;
  }
}
