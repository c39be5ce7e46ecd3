import type { ActionDeclaration } from '../define.ts';
import * as cache from './cache.ts';
import * as catalog from './catalog.ts';
import * as command from './command.ts';
import * as conversations from './conversations.ts';
import * as downloads from './downloads.ts';
import * as embeddings from './embeddings.ts';
import * as external from './external.ts';
import * as fit from './fit.ts';
import * as generation from './generation.ts';
import * as lmstudio from './lmstudio.ts';
import * as load from './load.ts';
import * as loadedModels from './loaded-models.ts';
import * as modelSettings from './model-settings.ts';
import { ping } from './ping.ts';
import * as prompts from './prompts.ts';
import * as ranking from './ranking.ts';
import * as remote from './remote.ts';
import * as repos from './repos.ts';
import * as settings from './settings.ts';
import * as system from './system.ts';
import * as token from './token.ts';
import * as updates from './updates.ts';
import * as verification from './verification.ts';

/**
 * The declarations of all actions, in groups. `host/actions/` has a module of handlers for each group.
 *
 * Making the schemas takes longer than the rest of the host's start, so the host imports this module with the first
 * request other than PING.
 */
export const GROUPS = {
  ping: { ping },
  system,
  downloads,
  updates,
  verification,
  cache,
  load,
  loadedModels,
  fit,
  catalog,
  repos,
  external,
  generation,
  prompts,
  settings,
  modelSettings,
  embeddings,
  ranking,
  conversations,
  token,
  lmstudio,
  remote,
  command,
} as const;

export type Groups = typeof GROUPS;
export type GroupName = keyof Groups;

/** The declarations a group exports, without its other exports, by their export names. */
export type Declared<G extends GroupName> = {
  [K in keyof Groups[G] as Groups[G][K] extends ActionDeclaration ? K : never]: Groups[G][K];
};

/** A declared action, and where its handler is. */
export interface FoundAction {
  readonly declaration: ActionDeclaration;
  readonly group: GroupName;
  /** The name under which both modules export it. */
  readonly key: string;
}

/** Every action by its name. */
export const ACTIONS: ReadonlyMap<string, FoundAction> = new Map(
  Object.entries(GROUPS).flatMap(([group, module]) =>
    Object.entries(module).flatMap(([key, value]): [string, FoundAction][] =>
      isDeclaration(value) ? [[value.name, { declaration: value, group: group as GroupName, key }]] : [],
    ),
  ),
);

function isDeclaration(value: object): value is ActionDeclaration {
  return 'name' in value && 'request' in value && 'response' in value;
}
