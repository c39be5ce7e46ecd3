import { type Access, patternOf } from '../../web-ai/access.ts';

/** The part of `browser.scripting` and `browser.permissions` that is used here. */
export interface ScriptsApi {
  readonly scripting: {
    getRegisteredContentScripts(filter: {
      ids: string[];
    }): Promise<{ id: string; matches?: string[]; js?: string[] }[]>;
    registerContentScripts(scripts: RegisteredScript[]): Promise<void>;
    unregisterContentScripts(filter: { ids: string[] }): Promise<void>;
  };
  readonly permissions: { contains(permissions: { origins: string[] }): Promise<boolean> };
}

/** A content script as the browser registers it. */
export interface RegisteredScript {
  readonly id: string;
  readonly js: string[];
  readonly matches: string[];
  readonly world: 'ISOLATED' | 'MAIN';
  readonly runAt: 'document_start';
  readonly allFrames: true;
  readonly matchOriginAsFallback: true;
  readonly persistAcrossSessions: true;
}

const BRIDGE = 'web-ai-bridge';
const PAGE = 'web-ai-page';

/** Returns the scripts for the sites that are allowed, in the order in which they must run. */
export function scriptsFor(matches: string[], { keepsNative }: Access): RegisteredScript[] {
  const shared = {
    matches,
    runAt: 'document_start',
    allFrames: true,
    matchOriginAsFallback: true,
    persistAcrossSessions: true,
  } as const;
  const page = keepsNative ? '/web-ai-page-beside.js' : '/web-ai-page.js';
  return [
    { ...shared, id: BRIDGE, js: ['/web-ai-bridge.js'], world: 'ISOLATED' },
    { ...shared, id: PAGE, js: [page], world: 'MAIN' },
  ];
}

/** Registers the scripts for exactly the sites that are allowed. Only one call runs at a time. */
export class SiteScripts {
  readonly #api: ScriptsApi;
  #running: Promise<void> = Promise.resolve();

  constructor(api: ScriptsApi) {
    this.#api = api;
  }

  /** Registers or removes the scripts, and resolves afterwards. */
  sync(access: Access): Promise<void> {
    this.#running = this.#running.then(() => this.#sync(access)).catch(() => {});
    return this.#running;
  }

  async #sync(access: Access): Promise<void> {
    const { scripting, permissions } = this.#api;
    const sites = access.callers.filter(({ kind, state }) => kind === 'site' && state === 'allowed');
    const matches: string[] = [];
    for (const pattern of new Set(sites.map(({ id }) => patternOf(id)))) {
      if (await permissions.contains({ origins: [pattern] })) matches.push(pattern);
    }
    const wanted = matches.length === 0 ? [] : scriptsFor(matches, access);
    const registered = await scripting.getRegisteredContentScripts({ ids: [BRIDGE, PAGE] });
    const describe = (scripts: readonly { id: string; matches?: string[]; js?: string[] }[]) =>
      JSON.stringify(
        scripts.map(({ id, matches: own = [], js = [] }) => [id, [...own].sort(), js[0]?.replace(/^.*\//, '')]).sort(),
      );
    if (describe(registered) === describe(wanted)) return;
    if (registered.length > 0) await scripting.unregisterContentScripts({ ids: registered.map(({ id }) => id) });
    if (wanted.length > 0) await scripting.registerContentScripts(wanted);
  }
}
