import { seededRandom } from '../../../host/vectors/random.ts';

/** Maximum number of hosts that share the data folder at the same time. */
export const HOSTS = 3;
/** Number of models on the hub. The last one is split into two files and cannot be loaded. */
export const MODELS = 3;
/** Number of conversations that steps use. */
export const CONVERSATIONS = 4;

const LIMITS = ['tooSmall', 'oneModel', 'twoModels', 'allModels'] as const;
/** A size limit of the cache. `tooSmall`: less than the model that is downloaded. */
export type CacheLimit = (typeof LIMITS)[number];

const CONTROLS = ['download', 'pause', 'resume', 'cancel'] as const;
/** A request that controls a download. */
export type Control = (typeof CONTROLS)[number];

const KILLABLE = [
  'download',
  'delete',
  'load',
  'verify',
  'repair',
  'prune',
  'pin',
  'addMessage',
  'deleteConversation',
  'setParams',
  'setSecret',
] as const;
/** A request during which a host is killed. */
export type Killable = (typeof KILLABLE)[number];

/** What another program does to a file of a model. */
export type Damage = 'change' | 'truncate' | 'remove';

/** What a step does. Every action is possible in every state, so that steps can be removed from a sequence. */
export type Action =
  | { readonly kind: 'start' | 'kill' | 'close' | 'unloadAll' | 'clearToken' | 'setToken' | 'moveClock' }
  | { readonly kind: 'hub'; readonly stalls: boolean }
  | { readonly kind: Control; readonly model: number; readonly naming: number }
  | { readonly kind: 'burst'; readonly model: number; readonly controls: readonly Control[] }
  | { readonly kind: 'race'; readonly model: number; readonly controls: readonly Control[] }
  | { readonly kind: 'delete' | 'verify' | 'cancelVerify' | 'repair' | 'pin' | 'unpin'; readonly model: number }
  | { readonly kind: 'prune'; readonly partials: boolean }
  | { readonly kind: 'damage'; readonly model: number; readonly damage: Damage }
  | { readonly kind: 'evict'; readonly model: number; readonly limit: CacheLimit }
  | { readonly kind: 'moveCache'; readonly killAfterMs: number | undefined }
  | { readonly kind: 'moveUsedCache' }
  | { readonly kind: 'load' | 'unload' | 'loadAndUnload' | 'generate' | 'generateAndStop'; readonly model: number }
  | { readonly kind: 'setParams'; readonly field: 'temperature' | 'top_p' | 'top_k'; readonly value: number }
  | { readonly kind: 'setSecrets'; readonly count: number }
  | { readonly kind: 'addToList'; readonly count: number }
  | { readonly kind: 'createConversation' | 'deleteConversation' | 'pushLate'; readonly conversation: number }
  | { readonly kind: 'addMessage' | 'pushTitle' | 'pushMessage' | 'replaceMessage'; readonly conversation: number }
  | {
      readonly kind: 'elsewhere';
      readonly conversation: number;
      readonly change: 'add' | 'delete' | 'title' | 'create';
    }
  | { readonly kind: 'synchronize' | 'copy' }
  | { readonly kind: 'killDuring'; readonly action: Killable; readonly model: number; readonly delayMs: number };

/** A step of a run. `host` is the index of the host that performs it; if it is not running, the step does nothing. */
export type Step = Action & { readonly host: number };

/** The relative frequency of each kind of step. */
const WEIGHTS: Readonly<Record<Action['kind'], number>> = {
  start: 6,
  kill: 2,
  close: 1,
  moveClock: 1,
  hub: 5,
  download: 8,
  pause: 6,
  resume: 6,
  cancel: 4,
  burst: 4,
  race: 3,
  delete: 4,
  verify: 2,
  cancelVerify: 2,
  repair: 1,
  pin: 2,
  unpin: 2,
  prune: 3,
  damage: 3,
  evict: 3,
  moveCache: 2,
  moveUsedCache: 1,
  load: 4,
  unload: 3,
  loadAndUnload: 1,
  unloadAll: 1,
  generate: 2,
  generateAndStop: 2,
  setParams: 2,
  setSecrets: 2,
  setToken: 1,
  clearToken: 1,
  addToList: 1,
  createConversation: 4,
  deleteConversation: 3,
  addMessage: 6,
  pushTitle: 2,
  pushMessage: 2,
  replaceMessage: 2,
  pushLate: 3,
  elsewhere: 4,
  synchronize: 2,
  copy: 1,
  killDuring: 4,
};

/** Returns the steps of a run. The same seed results in the same steps. */
export function makeSteps(seed: number, count: number): Step[] {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]) => items[below(items.length)] as T;
  const kinds = Object.entries(WEIGHTS).flatMap(([kind, weight]) => Array(weight).fill(kind) as Action['kind'][]);
  return Array.from({ length: count }, () => {
    const host = below(HOSTS);
    const model = below(MODELS);
    const conversation = below(CONVERSATIONS);
    const kind = pick(kinds);
    switch (kind) {
      case 'hub':
        return { host, kind, stalls: random() < 0.7 };
      case 'download':
      case 'pause':
      case 'resume':
      case 'cancel':
        return { host, kind, model, naming: below(4) };
      case 'burst':
      case 'race':
        return { host, kind, model, controls: Array.from({ length: 2 + below(4) }, () => pick(CONTROLS)) };
      case 'delete':
      case 'verify':
      case 'cancelVerify':
      case 'repair':
      case 'pin':
      case 'unpin':
      case 'load':
      case 'unload':
      case 'loadAndUnload':
      case 'generate':
      case 'generateAndStop':
        return { host, kind, model };
      case 'prune':
        return { host, kind, partials: random() < 0.5 };
      case 'damage':
        return { host, kind, model, damage: pick(['change', 'change', 'truncate', 'remove'] as const) };
      case 'evict':
        return { host, kind, model, limit: pick(LIMITS) };
      case 'moveCache':
        return { host, kind, killAfterMs: random() < 0.5 ? undefined : below(400) };
      case 'setParams':
        return { host, kind, field: pick(['temperature', 'top_p', 'top_k'] as const), value: below(100) };
      case 'setSecrets':
      case 'addToList':
        return { host, kind, count: 1 + below(4) };
      case 'createConversation':
      case 'deleteConversation':
      case 'pushLate':
      case 'addMessage':
      case 'pushTitle':
      case 'pushMessage':
      case 'replaceMessage':
        return { host, kind, conversation };
      case 'elsewhere':
        return { host, kind, conversation, change: pick(['add', 'add', 'delete', 'title', 'create'] as const) };
      case 'killDuring':
        return { host, kind, action: pick(KILLABLE), model, delayMs: below(120) };
      default:
        return { host, kind };
    }
  });
}
