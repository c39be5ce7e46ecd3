import type { ModelCache } from '../cache/model-cache.ts';
import type { RelocationOptions, RelocationResult } from '../cache/relocation/relocate-cache.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Logger } from '../common/log.ts';
import type { HostConfig } from '../config.ts';
import type { Conversations } from '../conversations/conversations.ts';
import type { Engine } from '../engine/engine.ts';
import type { ExternalModels } from '../external/external-models.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Hub } from '../hub/hub.ts';
import type { LmStudio } from '../lmstudio/lm-studio.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import type { ClientKind } from '../protocol/actions/local-only.ts';
import type { ActionName } from '../protocol/actions/requests.ts';
import type { EventPayloads, EventType, PayloadOf, RequestId, RequestOf } from '../protocol/messages.ts';
import type { Remote } from '../remote/remote.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { GenerationSettings } from '../settings/generation-settings.ts';

/** The parts that know. Each is made when it is first asked for, so a host that answers PING has loaded none of them. */
export interface Services {
  readonly config: HostConfig;
  readonly log: Logger;
  cache(): Promise<ModelCache>;
  /** Closes the cache and moves it to another folder; it is opened there by whoever asks next. See `moveCache`. */
  relocateCache(to: string, options: Pick<RelocationOptions, 'signal' | 'onProgress'>): Promise<RelocationResult>;
  hub(): Promise<Hub>;
  external(): Promise<ExternalModels>;
  catalog(): Promise<Catalog>;
  hardware(): Promise<Hardware>;
  /** llama.cpp on this machine. */
  engine(): Promise<Engine>;
  /** The LM Studio of this machine. */
  lmStudio(): Promise<LmStudio>;
  /** Remote engines. */
  remote(): Promise<Remote>;
  /** Every loaded model, local and remote. */
  models(): Promise<ModelRegistry>;
  /** The settings of generations that are kept over restarts. */
  settings(): Promise<GenerationSettings>;
  conversations(): Promise<Conversations>;
  /** What the user gave the host to keep for itself. */
  secrets(): Promise<Secrets>;
}

/** What an action is given besides its request. */
export interface Call {
  readonly services: Services;
  /** The request's, by which another request can name it. */
  readonly requestId?: RequestId | undefined;
  readonly client: ClientKind;
  /** Aborted when the client goes away or the host stops; its reason is what to throw. */
  readonly signal: AbortSignal;
  /** Tells the client how the work is going; the event carries the request's id. */
  emit<T extends EventType>(type: T, payload: EventPayloads[T]): void;
}

/** What an action answers. */
export interface ActionResult<P> {
  readonly payload: P;
  readonly message?: string;
  /** Fields the original also put at the top level of the reply. */
  readonly topLevel?: Readonly<Record<string, unknown>>;
}

/** One action: a request in, an answer out, a `HostError` when it cannot be done. */
export type Action<A extends ActionName> = (request: RequestOf<A>, call: Call) => Promise<ActionResult<PayloadOf<A>>>;

/** A group of actions, as its module exports them. */
export type Actions<A extends ActionName> = { readonly [K in A]: Action<K> };
