import type { Declared, FoundAction, GroupName } from '../protocol/actions/index.ts';
import type { ActionDeclaration } from '../protocol/define.ts';
import type { Handler, HandlerOf } from './action.ts';
import { ping } from './ping.ts';

/** The handlers of a group, exported under the names of their declarations. */
type Handlers<G extends GroupName> = {
  [K in keyof Declared<G>]: HandlerOf<Extract<Declared<G>[K], ActionDeclaration>>;
};

/**
 * The module of each group's handlers. It loads with the first request of the group, and the services it uses with it;
 * PING, the first request of a browser, is in the start file.
 */
const MODULES = {
  ping: async () => ({ ping }),
  system: () => import('./system.ts'),
  downloads: () => import('./downloads.ts'),
  updates: () => import('./updates.ts'),
  verification: () => import('./verification.ts'),
  cache: () => import('./cache.ts'),
  load: () => import('./load.ts'),
  loadedModels: () => import('./loaded-models.ts'),
  fit: () => import('./fit.ts'),
  catalog: () => import('./catalog.ts'),
  repos: () => import('./repos.ts'),
  external: () => import('./external.ts'),
  generation: () => import('./generation.ts'),
  prompts: () => import('./prompts.ts'),
  settings: () => import('./settings.ts'),
  modelSettings: () => import('./model-settings.ts'),
  embeddings: () => import('./embeddings.ts'),
  ranking: () => import('./ranking.ts'),
  conversations: () => import('./conversations.ts'),
  token: () => import('./token.ts'),
  lmstudio: () => import('./lmstudio.ts'),
  remote: () => import('./remote.ts'),
  command: () => import('./command.ts'),
} satisfies { [G in GroupName]: () => Promise<Handlers<G>> };

/** Loads the handler of an action. */
export async function loadHandler({ group, key }: FoundAction): Promise<Handler> {
  const handlers: Readonly<Record<string, unknown>> = await inOrder<Readonly<Record<string, unknown>>>(
    MODULES[group](),
  );
  // `satisfies` above has checked that every declaration of the group has its handler under the same name.
  return handlers[key] as Handler;
}

/** Settles when the modules of all earlier requests are loaded. */
let earlier: Promise<unknown> = Promise.resolve();

/**
 * Waits for the modules of earlier requests as well, so that actions start in the order of their requests: a CANCEL whose
 * module is loaded already must not overtake the LOAD it cancels.
 */
function inOrder<T>(module: Promise<T>): Promise<T> {
  const loaded = Promise.allSettled([earlier, module]).then(() => module);
  earlier = loaded.catch(() => {});
  return loaded;
}
