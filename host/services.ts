import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCache } from './cache/model-cache.ts';
import type { RelocationOptions, RelocationResult } from './cache/relocation/relocate-cache.ts';
import type { Catalog } from './catalog/catalog.ts';
import { systemClock } from './common/clock.ts';
import { defined } from './common/defined.ts';
import { HostError } from './common/errors.ts';
import { loadCancelled, verificationCancelled } from './common/host-errors.ts';
import { type Lazy, lazy } from './common/lazy.ts';
import type { Logger } from './common/log.ts';
import { platformOf } from './common/platform.ts';
import { sum } from './common/sum.ts';
import type { HostConfig } from './config.ts';
import type { AnswerService } from './conversations/answer-service.ts';
import type { ConversationStore } from './conversations/conversation-store.ts';
import type { Engine } from './engine/engine.ts';
import type { StateStore } from './engine/states/state-store.ts';
import type { ExternalModels } from './external/external-models.ts';
import type { Hardware } from './hardware/hardware.ts';
import type { FileKinds } from './hub/file-kinds.ts';
import type { Hub } from './hub/hub.ts';
import { HubSilence } from './hub/hub-silence.ts';
import type { LmStudio } from './lmstudio/lm-studio.ts';
import { loadedEntry } from './models/describe-loaded.ts';
import type { ModelRegistry } from './models/model-registry.ts';
import type { ModelSpeed } from './models/model-speed.ts';
import type { LoadForPeer, OpenPeerSession, PeerServer } from './peers/peer-server.ts';
import type { Peers } from './peers/peers.ts';
import type { Presence } from './presence/presence.ts';
import type { EventPayloads, HostEvent } from './protocol/messages.ts';
import type { Remote } from './remote/remote.ts';
import { ActiveGenerations } from './requests/active-generations.ts';
import { DownloadRequests } from './requests/download-requests.ts';
import { ModelRequests } from './requests/model-requests.ts';
import { HUB_TOKEN_NAME } from './secrets/names.ts';
import type { Secrets } from './secrets/secrets.ts';
import type { GenerationSettings } from './settings/generation-settings.ts';
import type { ModelSettings } from './settings/model-settings.ts';
import type { Store } from './store/types.ts';

/** The services of a host. Each is created on first use: a host that has only answered PING has created none. */
export class HostServices {
  readonly config: HostConfig;
  readonly log: Logger;
  /** Sends an event that belongs to no request. */
  readonly #announce: (event: HostEvent) => void;
  readonly #openPeerSession: OpenPeerSession;
  readonly #loadForPeer: LoadForPeer;
  /** See {@link stay}. */
  #stays = false;
  #program: string | undefined;
  readonly downloadRequests = new DownloadRequests();
  /** Requests that load models. */
  readonly loadRequests = new ModelRequests(loadCancelled);
  /** Requests that verify or repair models. */
  readonly verifyRequests = new ModelRequests(verificationCancelled);
  readonly hub: Lazy<Hub> = lazy(() => this.#createHub());
  readonly hubSilence = new HubSilence();
  readonly fileKinds: Lazy<FileKinds> = lazy(() => this.#createFileKinds());
  readonly cache: Lazy<ModelCache> = lazy(() => this.#openCache());
  readonly external: Lazy<ExternalModels> = lazy(() => this.#createExternal());
  readonly catalog: Lazy<Catalog> = lazy(() => this.#openCatalog());
  readonly hardware: Lazy<Hardware> = lazy(() => this.#createHardware());
  /** Saved states of evaluated prompts. */
  readonly states: Lazy<StateStore> = lazy(() => this.#openStates());
  readonly engine: Lazy<Engine> = lazy(() => this.#createEngine());
  readonly lmStudio: Lazy<LmStudio> = lazy(() => this.#createLmStudio());
  readonly remote: Lazy<Remote> = lazy(() => this.#createRemote());
  readonly models: Lazy<ModelRegistry> = lazy(() => this.#createModels());
  readonly settings: Lazy<GenerationSettings> = lazy(() => this.#openSettings());
  readonly modelSettings: Lazy<ModelSettings> = lazy(() => this.#openModelSettings());
  readonly conversations: Lazy<ConversationStore> = lazy(() => this.#openConversations());
  readonly answers: Lazy<AnswerService> = lazy(() => this.#createAnswers());
  readonly generations = new ActiveGenerations();
  readonly secrets: Lazy<Secrets> = lazy(() => this.#openSecrets());
  readonly speed: Lazy<ModelSpeed> = lazy(() => this.#createSpeed());
  readonly #store: Lazy<Store> = lazy(() => this.#openStore());
  readonly #presence: Lazy<Presence> = lazy(() => this.#createPresence());
  readonly peers: Lazy<Peers> = lazy(() => this.#createPeers());
  readonly #peerServer: Lazy<PeerServer | undefined> = lazy(() => this.#openPeerServer());
  #closed: Promise<void> | undefined;

  constructor(options: {
    config: HostConfig;
    log: Logger;
    announce: (event: HostEvent) => void;
    openPeerSession: OpenPeerSession;
    loadForPeer: LoadForPeer;
    program: string | undefined;
  }) {
    this.config = options.config;
    this.log = options.log;
    this.#announce = options.announce;
    this.#openPeerSession = options.openPeerSession;
    this.#loadForPeer = options.loadForPeer;
    this.#program = options.program;
  }

  async relocateCache(
    to: string,
    { signal, onProgress }: Pick<RelocationOptions, 'signal' | 'onProgress'>,
  ): Promise<RelocationResult> {
    const models = (await this.models.current())?.list() ?? [];
    const loaded = models.filter(({ modelType }) => modelType !== 'remote').map(({ id }) => id);
    if (loaded.length > 0) {
      throw new HostError(
        'MODEL_IN_USE',
        `The cache cannot be moved while models are loaded. Unload ${loaded.join(', ')} first.`,
        {
          details: { models: loaded },
        },
      );
    }
    await (await this.cache.current())?.close();
    this.cache.reset();
    const { relocateCache } = await import('./cache/relocation/relocate-cache.ts');
    return relocateCache({ paths: this.config.paths, to, signal, onProgress, log: this.log });
  }

  /** Notifies every client that a conversation changed. */
  conversationChanged(id: string | null, kind: EventPayloads['conversationChanged']['kind']): void {
    this.#announce({ type: 'conversationChanged', payload: { conversation_id: id, kind } });
  }

  /** Deletes the evaluated prompts of a conversation from memory and from the disk. */
  async forgetEvaluated(conversation: string): Promise<void> {
    await (await this.engine.current())?.forget(conversation);
    await (await this.states()).forget(conversation);
  }

  /** Closes the services that have been created. Can be called several times. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  /** Closes the models before the cache, because their runners may have files of the cache open. */
  async #closeAll(): Promise<void> {
    await (await this.#peerServer.current())?.close();
    await (await this.models.current())?.close();
    await (await this.engine.current())?.close();
    await (await this.#presence.current())?.close();
    await (await this.cache.current())?.close();
    // Unloading the models has stopped their generations, which now store their answers.
    await this.generations.idle();
    await (await this.answers.current())?.close();
    await (await this.conversations.current())?.close();
    await (await this.#store.current())?.close();
  }

  async #openStore(): Promise<Store> {
    const { openStore } = await import('./store/store.ts');
    return openStore(this.config.paths.database, this.log);
  }

  async #openConversations(): Promise<ConversationStore> {
    const { openConversationStore } = await import('./conversations/conversation-store.ts');
    const { paths, runnerEntry: entry } = this.config;
    const onLost = () => this.conversations.reset();
    return openConversationStore({ entry, file: paths.conversations, log: this.log, onLost });
  }

  async #createAnswers(): Promise<AnswerService> {
    const { AnswerService } = await import('./conversations/answer-service.ts');
    return new AnswerService({
      conversations: this.conversations,
      locks: this.config.paths.locks,
      log: this.log,
      onChange: (id, kind) => this.conversationChanged(id, kind),
    });
  }

  async #openSecrets(): Promise<Secrets> {
    const { openSecrets } = await import('./secrets/open-secrets.ts');
    const secrets = openSecrets(this.config, this.log);
    await secrets.removeLeftovers();
    return secrets;
  }

  async #createLmStudio(): Promise<LmStudio> {
    const { LmStudio } = await import('./lmstudio/lm-studio.ts');
    return new LmStudio(this.config.env, this.log);
  }

  async #createHub(): Promise<Hub> {
    const { Hub } = await import('./hub/hub.ts');
    const { hubEndpoint: endpoint, env, limits } = this.config;
    const savedToken = async () => (await this.secrets()).get(HUB_TOKEN_NAME);
    return new Hub({ endpoint, env, limits, savedToken, log: this.log });
  }

  async #createFileKinds(): Promise<FileKinds> {
    const { FileKinds } = await import('./hub/file-kinds.ts');
    return new FileKinds(this.hub, this.log);
  }

  async #openCache(): Promise<ModelCache> {
    const [{ ModelCache }, { openLocation }, { readSizeLimit }] = await Promise.all([
      import('./cache/model-cache.ts'),
      import('./cache/relocation/open-location.ts'),
      import('./cache/size-limit.ts'),
    ]);
    // The database is opened on the first access to the index. Listing and loading models do not need it.
    const limit = () => readSizeLimit(this.config);
    const { paths, release: onClose } = await openLocation(this.config.paths, this.log);
    const config = { ...this.config, paths };
    return ModelCache.open({ config, hub: this.hub, store: this.#store, limit, onClose, log: this.log });
  }

  async #createExternal(): Promise<ExternalModels> {
    const { ExternalModels } = await import('./external/external-models.ts');
    return new ExternalModels({ config: this.config, store: this.#store, log: this.log });
  }

  async #openCatalog(): Promise<Catalog> {
    const [{ Catalog }, store] = await Promise.all([import('./catalog/catalog.ts'), this.#store()]);
    return Catalog.open(store, this.log);
  }

  async #createHardware(): Promise<Hardware> {
    const { Hardware } = await import('./hardware/hardware.ts');
    // Without an engine, for example because TABAGENT_GPU is invalid, only the system's own sources are used.
    const backend = async () => {
      const [engine, models] = await Promise.all([this.engine().catch(() => undefined), this.models.current()]);
      const gpus = await engine?.gpus();
      if (!gpus) return gpus;
      // Not every driver reports the memory in use.
      const { total, free } = gpus.memory;
      const used = sum((models?.list() ?? []).map(({ vramUsed }) => vramUsed));
      return { ...gpus, memory: { ...gpus.memory, free: Math.min(free, Math.max(0, total - used)) } };
    };
    return new Hardware({ log: this.log, env: this.config.env, backend });
  }

  async #openSettings(): Promise<GenerationSettings> {
    const [{ GenerationSettings }, store] = await Promise.all([
      import('./settings/generation-settings.ts'),
      this.#store(),
    ]);
    return new GenerationSettings(store.namespace('settings'), this.#settingsLock, this.log);
  }

  async #openModelSettings(): Promise<ModelSettings> {
    const [{ ModelSettings }, store] = await Promise.all([import('./settings/model-settings.ts'), this.#store()]);
    return new ModelSettings(store.namespace('model_settings'), this.#settingsLock, this.log);
  }

  get #settingsLock(): string {
    return join(this.config.paths.locks, 'settings.lock');
  }

  async #createSpeed(): Promise<ModelSpeed> {
    const [{ ModelSpeed }, { threadRange }, store] = await Promise.all([
      import('./models/model-speed.ts'),
      import('./hardware/threads.ts'),
      this.#store(),
    ]);
    const cpu = async () => (await this.hardware()).cpu();
    return new ModelSpeed({
      store: store.namespace('speed'),
      log: this.log,
      machine: async () => {
        const facts = await cpu();
        return `${facts.modelName} ${facts.variant} ${threadRange(facts).most}`;
      },
      measure:
        this.config.env.TABAGENT_SPEED_TEST?.toLowerCase() === 'off'
          ? undefined
          : async (signal) => (await this.engine()).measureSpeed(threadRange(await cpu()).most, signal),
      isBusy: async () => (await this.models.current())?.isBusy === true,
    });
  }

  async #createEngine(): Promise<Engine> {
    const [{ Engine }, { whyUnsafeToRun }, { findContainment }, { programFolders }, { readLocation, pathsAt }] =
      await Promise.all([
        import('./engine/engine.ts'),
        import('./common/safe-to-run.ts'),
        import('./engine/sandbox/containment.ts'),
        import('./external/program-folders.ts'),
        import('./cache/relocation/location.ts'),
      ]);
    const { runnerEntry, limits, env, paths } = this.config;
    const [refusal, containment, location] = await Promise.all([
      whyUnsafeToRun(runnerEntry),
      findContainment({ env, entry: runnerEntry, home: paths.home }),
      // If the cache is moved later, a model in it is loaded by a process that can only read that model.
      readLocation(paths).catch(() => paths.home),
    ]);
    // A sandboxed process cannot read a folder that did not exist when it was started.
    if (location === paths.home) await mkdir(paths.models, { recursive: true, mode: 0o700 }).catch(() => undefined);
    const others = programFolders({ platform: platformOf(), env }).map(({ folder }) => folder);
    const modelFolders = () => [pathsAt(paths, location).models, ...others];
    const hiddenFolders = [paths.home, location];
    const states = await this.states();
    const folders = { modelFolders, hiddenFolders };
    return new Engine({ runnerEntry, limits, env, log: this.log, refusal, containment, states, ...folders });
  }

  async #openStates(): Promise<StateStore> {
    const { StateStore } = await import('./engine/states/state-store.ts');
    const { paths, limits } = this.config;
    return new StateStore({ folder: paths.states, limitBytes: limits.promptCacheBytes, log: this.log });
  }

  async #createRemote(): Promise<Remote> {
    const { makeRemote } = await import('./remote/remote.ts');
    // A running LM Studio server on this computer needs no configuration.
    const found = async () => {
      const url = await (await this.lmStudio()).runningEndpoint();
      return url === undefined ? [] : [{ name: 'lmstudio', url }];
    };
    return makeRemote({ config: this.config, secrets: this.secrets, found, log: this.log });
  }

  async #createModels(): Promise<ModelRegistry> {
    const { ModelRegistry } = await import('./models/model-registry.ts');
    const models = new ModelRegistry({
      log: this.log,
      clock: systemClock,
      onStart: () => void this.speed.current().then((speed) => speed?.interrupt()),
      onGenerated: (model, { usage }) => {
        this.speed()
          .then((speed) => speed.record(model, usage))
          .catch((error: unknown) => this.log.warn('speed.not-saved', { error }));
      },
    });
    models.onChange(async (change) => {
      if (change.type === 'unloaded' && change.reason !== undefined) {
        this.#announce({ type: 'MODEL_UNLOADED', payload: { modelId: change.id, reason: change.reason } });
      }
      if (change.type === 'lost' && change.wasElsewhere) {
        this.#announce({ type: 'MODEL_UNLOADED', payload: { modelId: change.id, reason: 'host' } });
      }
      await this.#announceModels(models);
    });
    return models;
  }

  /** Announces to the user's other hosts the models that this host has loaded itself, and whether it keeps running. */
  async #announceModels(models: ModelRegistry): Promise<void> {
    const own = models.list().filter(({ modelType, host }) => modelType !== 'remote' && host === undefined);
    if (own.length === 0 && !this.#stays && (await this.#presence.current()) === undefined) return;
    const access = (await this.#peerServer())?.access;
    const program = this.#program;
    await (await this.#presence()).update(own.map(loadedEntry), {
      ...defined({ access, program }),
      stays: this.#stays,
    });
  }

  /** Sets the name of the program that started this host, for its later announcements; undefined changes nothing. */
  setProgram(program: string | undefined): void {
    this.#program = program ?? this.#program;
  }

  /** Allows other hosts of the user to load models in this one, which runs until the user stops it. */
  async stay(): Promise<void> {
    this.#stays = true;
    await this.#announceModels(await this.models());
  }

  async #createPeers(): Promise<Peers> {
    const { Peers } = await import('./peers/peers.ts');
    const { paths, limits } = this.config;
    const own = async () => (await this.#peerServer.current())?.access;
    return new Peers({ paths, own, timeoutMs: limits.loadTimeoutMs, log: this.log });
  }

  /** Opens the server for other hosts. If that fails, those load models themselves. */
  async #openPeerServer(): Promise<PeerServer | undefined> {
    const { PeerServer } = await import('./peers/peer-server.ts');
    const { log, config } = this;
    try {
      const load = () => (this.#stays ? this.#loadForPeer : undefined);
      const options = { models: await this.models(), openSession: this.#openPeerSession, load, log };
      return await PeerServer.open({ folder: config.paths.hosts, ...options });
    } catch (error) {
      log.warn('peers.not-open', { error });
      return undefined;
    }
  }

  async #createPresence(): Promise<Presence> {
    const { Presence } = await import('./presence/presence.ts');
    return new Presence(this.config.paths, this.log);
  }
}

/** The services as handlers use them: without the methods that reset or close them. */
export type Services = {
  readonly [K in Exclude<keyof HostServices, 'close' | 'stay'>]: HostServices[K] extends Lazy<infer T>
    ? () => Promise<T>
    : HostServices[K];
} & {
  /** Returns the client of the hub if it has been created. */
  readonly hub: Pick<Lazy<Hub>, 'current'>;
};
