import type { Services } from './actions/action.ts';
import { loadedEntry } from './actions/model-entry.ts';
import type { ModelCache } from './cache/model-cache.ts';
import type { RelocationOptions, RelocationResult } from './cache/relocation/relocate-cache.ts';
import type { Catalog } from './catalog/catalog.ts';
import { HostError } from './common/errors.ts';
import type { Logger } from './common/log.ts';
import type { HostConfig } from './config.ts';
import type { Conversations } from './conversations/conversations.ts';
import type { Engine } from './engine/engine.ts';
import type { ExternalModels } from './external/external-models.ts';
import type { Hardware } from './hardware/hardware.ts';
import type { Hub } from './hub/hub.ts';
import type { LmStudio } from './lmstudio/lm-studio.ts';
import type { ServedModels } from './models/served-models.ts';
import type { Presence } from './presence/presence.ts';
import type { HostEvent } from './protocol/messages.ts';
import type { Remote } from './remote/remote.ts';
import { HUB_TOKEN } from './secrets/names.ts';
import type { Secrets } from './secrets/secrets.ts';
import type { GenerationSettings } from './settings/generation-settings.ts';
import type { Store } from './store/types.ts';

/** The parts of one host, each made on first use and owned here until the host closes. */
export class HostServices implements Services {
  readonly config: HostConfig;
  readonly log: Logger;
  /** Tells every client what no request asked for. */
  readonly #announce: (event: HostEvent) => void;
  #store: Promise<Store> | undefined;
  #hub: Promise<Hub> | undefined;
  #cache: Promise<ModelCache> | undefined;
  #local: Promise<ExternalModels> | undefined;
  #catalog: Promise<Catalog> | undefined;
  #hardware: Promise<Hardware> | undefined;
  #engine: Promise<Engine> | undefined;
  #lmStudio: Promise<LmStudio> | undefined;
  #remote: Promise<Remote> | undefined;
  #served: Promise<ServedModels> | undefined;
  #presence: Promise<Presence> | undefined;
  #settings: Promise<GenerationSettings> | undefined;
  #conversations: Promise<Conversations> | undefined;
  #secrets: Promise<Secrets> | undefined;

  constructor(config: HostConfig, log: Logger, announce: (event: HostEvent) => void) {
    this.config = config;
    this.log = log;
    this.#announce = announce;
  }

  hub(): Promise<Hub> {
    this.#hub ??= this.#makeHub();
    return this.#hub;
  }

  cache(): Promise<ModelCache> {
    this.#cache ??= this.#openCache().catch((error: unknown) => {
      // What failed (a full or read-only disk) may be mended while the host runs: the next request tries again.
      this.#cache = undefined;
      throw error;
    });
    return this.#cache;
  }

  external(): Promise<ExternalModels> {
    this.#local ??= this.#makeLocal();
    return this.#local;
  }

  catalog(): Promise<Catalog> {
    this.#catalog ??= this.#openCatalog().catch((error: unknown) => {
      this.#catalog = undefined;
      throw error;
    });
    return this.#catalog;
  }

  hardware(): Promise<Hardware> {
    this.#hardware ??= this.#makeHardware();
    return this.#hardware;
  }

  engine(): Promise<Engine> {
    this.#engine ??= this.#makeEngine();
    return this.#engine;
  }

  lmStudio(): Promise<LmStudio> {
    this.#lmStudio ??= import('./lmstudio/lm-studio.ts').then(
      ({ LmStudio }) => new LmStudio(this.config.env, this.log),
    );
    return this.#lmStudio;
  }

  remote(): Promise<Remote> {
    this.#remote ??= this.#makeRemote();
    return this.#remote;
  }

  served(): Promise<ServedModels> {
    this.#served ??= this.#makeServed();
    return this.#served;
  }

  settings(): Promise<GenerationSettings> {
    this.#settings ??= this.#openSettings().catch((error: unknown) => {
      this.#settings = undefined;
      throw error;
    });
    return this.#settings;
  }

  conversations(): Promise<Conversations> {
    this.#conversations ??= import('./conversations/conversations.ts')
      .then(({ Conversations }) => Conversations.open(this.config.paths.conversations, this.log))
      .catch((error: unknown) => {
        this.#conversations = undefined;
        throw error;
      });
    return this.#conversations;
  }

  secrets(): Promise<Secrets> {
    this.#secrets ??= import('./secrets/open-secrets.ts').then(({ openSecrets }) => openSecrets(this.config, this.log));
    return this.#secrets;
  }

  async relocateCache(
    to: string,
    { signal, onProgress }: Pick<RelocationOptions, 'signal' | 'onProgress'>,
  ): Promise<RelocationResult> {
    const loaded = (await this.#engine)?.list().map(({ id }) => id) ?? [];
    if (loaded.length > 0) {
      throw new HostError(
        'MODEL_IN_USE',
        `The cache cannot be moved while models are loaded. Unload ${loaded.join(', ')} first.`,
        {
          details: { models: loaded },
        },
      );
    }
    await (await this.#cache?.catch(() => undefined))?.close();
    this.#cache = undefined;
    const { relocateCache } = await import('./cache/relocation/relocate-cache.ts');
    return relocateCache({ paths: this.config.paths, to, signal, onProgress, log: this.log });
  }

  /** Closes what was made, the engine first: its models may have files of the cache open. */
  async close(): Promise<void> {
    (await this.#remote)?.models.close();
    await (await this.#engine)?.close();
    await (await this.#presence)?.close();
    await (await this.#cache?.catch(() => undefined))?.close();
    (await this.#conversations?.catch(() => undefined))?.close();
    await (await this.#store?.catch(() => undefined))?.close();
  }

  #openStore(): Promise<Store> {
    this.#store ??= import('./store/store.ts')
      .then(({ openStore }) => openStore(this.config.paths.database, this.log))
      .catch((error: unknown) => {
        this.#store = undefined;
        throw error;
      });
    return this.#store;
  }

  async #makeHub(): Promise<Hub> {
    const { Hub } = await import('./hub/hub.ts');
    const { hubEndpoint: endpoint, env, limits } = this.config;
    const keptToken = async () => (await this.secrets()).get(HUB_TOKEN);
    return new Hub({ endpoint, env, limits, keptToken, log: this.log });
  }

  async #openCache(): Promise<ModelCache> {
    const [{ ModelCache }, { openLocation }, { readSizeLimit }] = await Promise.all([
      import('./cache/model-cache.ts'),
      import('./cache/relocation/open-location.ts'),
      import('./cache/size-limit.ts'),
    ]);
    // The database is opened when the index is asked: what is on the disk is listed and loaded without one.
    const store = () => this.#openStore();
    const limit = () => readSizeLimit(this.config);
    const { paths, release: onClose } = await openLocation(this.config.paths, this.log);
    const config = { ...this.config, paths };
    return ModelCache.open({ config, hub: () => this.hub(), store, limit, onClose, log: this.log });
  }

  async #makeLocal(): Promise<ExternalModels> {
    const { ExternalModels } = await import('./external/external-models.ts');
    return new ExternalModels({ config: this.config, store: () => this.#openStore(), log: this.log });
  }

  async #openCatalog(): Promise<Catalog> {
    const [{ Catalog }, store] = await Promise.all([import('./catalog/catalog.ts'), this.#openStore()]);
    return Catalog.open(store, this.log);
  }

  async #makeHardware(): Promise<Hardware> {
    const { Hardware } = await import('./hardware/hardware.ts');
    return new Hardware({ log: this.log, env: this.config.env });
  }

  async #openSettings(): Promise<GenerationSettings> {
    const [{ GenerationSettings }, store] = await Promise.all([
      import('./settings/generation-settings.ts'),
      this.#openStore(),
    ]);
    return new GenerationSettings(store.namespace('settings'), this.log);
  }

  async #makeEngine(): Promise<Engine> {
    const [{ Engine }, { whyUnsafeToRun }] = await Promise.all([
      import('./engine/engine.ts'),
      import('./engine/safe-to-run.ts'),
    ]);
    const { runnerEntry, limits, env, paths } = this.config;
    const refusal = await whyUnsafeToRun(runnerEntry);
    const engine = new Engine({ runnerEntry, limits, env, log: this.log, refusal });
    engine.onChange((change) => {
      const { type, id } = change;
      if (type === 'unloaded' && change.reason !== undefined) {
        this.#announce({ type: 'MODEL_UNLOADED', payload: { modelId: id, reason: change.reason } });
      }
      // A cache that could not be opened holds no model for anybody.
      if (type !== 'loaded') this.#cache?.then((cache) => cache.unused(id)).catch(() => {});
      this.#presence ??= this.#makePresence(paths.hosts);
      void this.#presence.then((presence) => presence.update(engine.list().map(loadedEntry)));
    });
    return engine;
  }

  async #makeRemote(): Promise<Remote> {
    const [{ makeRemote }, served] = await Promise.all([import('./remote/remote.ts'), this.served()]);
    // What LM Studio's server has need not be configured, as long as it runs on this machine.
    const found = async () => {
      const url = await (await this.lmStudio()).runningEndpoint();
      return url === undefined ? [] : [{ name: 'lmstudio', url }];
    };
    const remote = makeRemote({ config: this.config, secrets: () => this.secrets(), found, log: this.log });
    served.add(remote.models);
    return remote;
  }

  async #makeServed(): Promise<ServedModels> {
    const [{ ServedModels }, engine] = await Promise.all([import('./models/served-models.ts'), this.engine()]);
    const served = new ServedModels();
    served.add(engine);
    return served;
  }

  async #makePresence(folder: string): Promise<Presence> {
    const { Presence } = await import('./presence/presence.ts');
    return new Presence(folder, this.log);
  }
}
